"""What a provider's adapter is, and what all of them share."""

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
from voting_service.outside.calls import Answer

T = TypeVar("T")
Secret = Annotated[SecretStr, Field(min_length=1)]

log = structlog.get_logger(__name__)


class Solved(NamedTuple):
    """What a voter sends as solved: the widget's token; the address it comes from, empty where
    that is not known; the ballot it is to pay for (`bound_to`)."""

    token: str
    client_address: str
    binding: str


class Captcha(Protocol):
    """One provider's captcha of one site key.

    `page_sources` are what its widget needs of a page's content security policy, by directive.
    """

    provider: str
    site_key: str
    page_sources: Mapping[str, tuple[str, ...]]

    async def is_genuine(self, solved: Solved) -> bool:
        """Asks the provider, once. Raises Unavailable when it does not say."""


class Secrets(BaseModel):
    """What the provider gave us to keep; as text it shows nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def bound_to(key: bytes, *, contest: str, voter: bytes, period: date) -> str:
    """A name for one voter's ballot, 32 hexadecimal digits that say nothing without the key."""
    message = "\0".join((contest, voter.hex(), period.isoformat())).encode()
    return blake2b(message, key=key, digest_size=16, person=b"captcha").hexdigest()


def parts_of(token: str, patterns: Mapping[str, re.Pattern[str]]) -> dict[str, str] | None:
    """The fields of a token that is a query string; None unless it has exactly those of
    `patterns`, each once and matching."""
    try:
        pairs = parse_qsl(token, strict_parsing=True, max_num_fields=len(patterns))
    except ValueError:
        return None
    parts = dict(pairs)
    if len(pairs) != len(patterns) or parts.keys() != patterns.keys():
        return None
    fit = all(patterns[name].fullmatch(value) for name, value in parts.items())
    return parts if fit else None


def read_answer(provider: str, answer: Answer, decoder: msgspec.json.Decoder[T]) -> T:
    """Raises Unavailable for an error of HTTP, and for what is not the provider's JSON."""
    if answer.status != 200:
        raise Unavailable(f"{provider} answered with status {answer.status}")
    try:
        return decoder.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Unavailable(f"{provider}'s answer could not be read") from None


def not_accepted(provider: str, code: str) -> Unavailable:
    """The provider takes no question of ours: wrong keys, or a fault of the set-up."""
    log.error("captcha_set_up_wrong", provider=provider, code=code[:64])
    return Unavailable(f"{provider} did not accept our question ({code[:64]})")
