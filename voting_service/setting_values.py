"""The values of settings about messages: addresses of servers, and of the sender."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BeforeValidator, SecretStr
from pydantic_core import PydanticCustomError

LOOPBACK = ("127.0.0.1", "::1", "localhost")
MAIL_ADDRESS = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_BLANK = re.compile(r"\s")


def _smtp_url(value: object) -> object:
    """Return a URL of a mail server. Without encryption it is on this machine."""
    if not isinstance(value, str):
        return value
    try:
        parts = urlsplit(value)
        is_wrong = parts.port == 0 or not parts.hostname or _BLANK.search(value) is not None
    except ValueError:
        raise PydanticCustomError("not_smtp_url", "not_smtp_url") from None
    if is_wrong or parts.scheme not in ("smtp", "smtps") or parts.path not in ("", "/"):
        raise PydanticCustomError("not_smtp_url", "not_smtp_url")
    if parts.query not in ("", "starttls=no") or parts.fragment:
        raise PydanticCustomError("not_smtp_url", "not_smtp_url")
    if parts.query and parts.hostname not in LOOPBACK:
        raise PydanticCustomError("smtp_not_encrypted", "smtp_not_encrypted")
    return value


def _webhook(value: object) -> object:
    """Return the address of a webhook: over https, or on this machine."""
    if not isinstance(value, str):
        return value
    parts = urlsplit(value)
    is_near = parts.scheme == "http" and parts.hostname in LOOPBACK
    if not ((parts.scheme == "https" and parts.hostname) or is_near) or _BLANK.search(value):
        raise PydanticCustomError("not_webhook", "not_webhook")
    return value


def _mail_address(value: object) -> object:
    if isinstance(value, str) and not MAIL_ADDRESS.fullmatch(value):
        raise PydanticCustomError("not_mail_address", "not_mail_address")
    return value


SmtpUrl = Annotated[SecretStr, BeforeValidator(_smtp_url)]
Webhook = Annotated[SecretStr, BeforeValidator(_webhook)]
MailAddress = Annotated[str, BeforeValidator(_mail_address)]
