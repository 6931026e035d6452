"""Checks of URLs of external servers: https, or http on the loopback."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\]")


def check_https_address(value: str) -> str:
    """Return the URL. Raises ValueError unless it is https, or http on the loopback."""
    if https_or_loopback(value).fragment:
        raise ValueError("must not contain a fragment")
    return value


def host_of(parts: SplitResult) -> str:
    """Return the host as in a URL, IPv6 in brackets."""
    host = parts.hostname or ""
    return f"[{host}]" if ":" in host else host


def https_or_loopback(value: str) -> SplitResult:
    """Return the parts of a URL. Raises ValueError unless it is https, or http on the loopback."""
    if not (value.isascii() and value.isprintable()) or " " in value:
        raise ValueError("must be plain ASCII; write an international host name as xn--…")
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError as error:
        raise ValueError(f"is not a web address: {error}") from error
    if parts.username is not None or not _HOST.fullmatch(host_of(parts)):
        raise ValueError("must name a host and no user")
    if parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname or "")):
        return parts
    raise ValueError("must begin with https:// (http:// is allowed on the loopback only)")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
