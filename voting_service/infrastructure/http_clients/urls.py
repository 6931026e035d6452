"""Checks of URLs of external servers: https, or http on the loopback."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from voting_service.errors import Fault, InvalidInput
from voting_service.infrastructure.ip_addresses import is_private

_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\]")


def check_https_address(value: str) -> str:
    """Return the URL. Raises InvalidInput unless it is https, or http on the loopback."""
    if https_or_loopback(value).fragment:
        raise InvalidInput(Fault("", "infrastructure.http_clients.url_with_fragment"))
    return value


def check_same_side(value: str, source: str) -> str:
    """Return the URL. Raises InvalidInput if it leads into this machine or a private network
    although `source`, the address it was read from, does not."""
    host = https_or_loopback(value).hostname or ""
    if _is_inside(host) and not _is_inside(urlsplit(source).hostname or ""):
        raise InvalidInput(Fault("", "infrastructure.http_clients.url_inside", host=host))
    return value


def _is_inside(host: str) -> bool:
    return host == "localhost" or host.endswith(".localhost") or is_private(host)


def ascii_host(parts: SplitResult) -> str:
    """Return the host as in a URL, IPv6 in brackets."""
    host = parts.hostname or ""
    return f"[{host}]" if ":" in host else host


def https_or_loopback(value: str) -> SplitResult:
    """Return the parts of a URL. Raises InvalidInput unless it is https, or http on the loopback.

    The fault has no field.
    """
    if not (value.isascii() and value.isprintable()) or " " in value:
        raise InvalidInput(Fault("", "infrastructure.http_clients.url_not_ascii"))
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError as error:
        raise InvalidInput(
            Fault("", "infrastructure.http_clients.url_invalid", error=error)
        ) from error
    if parts.username is not None or not _HOST.fullmatch(ascii_host(parts)):
        raise InvalidInput(Fault("", "infrastructure.http_clients.url_without_host"))
    if parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname or "")):
        return parts
    raise InvalidInput(Fault("", "infrastructure.http_clients.url_not_https"))


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
