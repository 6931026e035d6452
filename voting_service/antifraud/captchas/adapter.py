"""The interface of a captcha provider's adapter, and what all adapters share."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from hashlib import blake2b
from typing import Annotated, NamedTuple, Protocol, TypeVar
from urllib.parse import parse_qsl

import msgspec
import structlog
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from voting_service.errors import Unavailable
from voting_service.infrastructure.http_clients.client import Answer

T = TypeVar("T")
Secret = Annotated[SecretStr, Field(min_length=1)]

log = structlog.get_logger(__name__)


class CaptchaResponse(NamedTuple):
    """A voter's answer to a captcha: the widget's token; the voter's address, empty where it is
    not known; the name of the ballot that it is for (`ballot_binding`)."""

    token: str
    client_address: str
    binding: str


class CaptchaAdapter(Protocol):
    """The captcha of one provider and site key.

    `page_sources` is what its widget needs of a page's content security policy, by directive.
    """

    provider: str
    site_key: str
    page_sources: Mapping[str, tuple[str, ...]]

    async def is_valid(self, response: CaptchaResponse) -> bool:
        """Ask the provider once. Raises Unavailable when it gives no verdict."""


class CaptchaSecrets(BaseModel):
    """The provider's secrets for one site key; hidden when printed."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def ballot_binding(key: bytes, *, contest: str, voter: bytes, period: date) -> str:
    """A name for one voter's ballot: 32 hexadecimal digits, meaningless without the key."""
    message = "\0".join((contest, voter.hex(), period.isoformat())).encode()
    return blake2b(message, key=key, digest_size=16, person=b"captcha").hexdigest()


def parse_token(token: str, patterns: Mapping[str, re.Pattern[str]]) -> dict[str, str] | None:
    """Return the fields of a token that is a query string; None unless it has exactly those of
    `patterns`, each once and matching."""
    try:
        pairs = parse_qsl(token, strict_parsing=True, max_num_fields=len(patterns))
    except ValueError:
        return None
    fields = dict(pairs)
    if len(pairs) != len(patterns) or fields.keys() != patterns.keys():
        return None
    matches = all(patterns[name].fullmatch(value) for name, value in fields.items())
    return fields if matches else None


def decode_reply(provider: str, answer: Answer, decoder: msgspec.json.Decoder[T]) -> T:
    """Decode the provider's JSON. Raises Unavailable for an HTTP error and for anything else."""
    if answer.status != 200:
        raise Unavailable("antifraud.captchas.http_status", provider=provider, status=answer.status)
    try:
        return decoder.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Unavailable("antifraud.captchas.unreadable_reply", provider=provider) from None


def request_rejected(provider: str, code: str) -> Unavailable:
    """The provider rejects our requests: wrong keys, or a faulty set-up. Logged as an error."""
    log.error("captcha_request_rejected", provider=provider, code=code[:64])
    return Unavailable("antifraud.captchas.request_rejected", provider=provider, code_=code[:64])
