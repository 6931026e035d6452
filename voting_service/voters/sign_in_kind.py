"""What a kind of platform has to offer: one file in `sign_in_kinds/`, named like the kind.

Such a file holds `def adapter(platform, tools) -> Adapter`. It reads `platform.config` and
raises InvalidInput with every fault of it; it does no I/O, so that a platform can be checked
before it is stored. Nothing else needs to be told about a new kind.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple, Protocol, TypeVar

import msgspec
from pydantic import SecretStr

from voting_service.contests.model import Platform
from voting_service.errors import Fault, InvalidInput
from voting_service.json_input import decode_json
from voting_service.outside.calls import Outside
from voting_service.outside.remembered import Monotonic
from voting_service.voters.identity import Identity
from voting_service.voters.spent_tokens import SpentTokens

T = TypeVar("T")


class Adapter(Protocol):
    """Signs in the users of one platform."""

    async def identify(self, credential: str, *, contest_slug: str) -> Identity:
        """Raises TokenRefused with the rule that is broken, and Unavailable (nothing was used
        up as far as we know; the user signs in again) when the platform does not answer."""
        ...


class Tools(NamedTuple):
    """What adapters work with."""

    outside: Outside
    spent: SpentTokens
    clock: Callable[[], datetime]
    monotonic: Monotonic
    secret: Callable[[str], SecretStr]
    """The secret shared with the platform of a slug; raises InvalidInput when it is missing."""


AdapterFactory = Callable[[Platform, Tools], Adapter]


def read_config(platform: Platform, kind: type[T]) -> T:
    """The platform's config as `kind`. Raises InvalidInput with the place of the fault."""
    try:
        return decode_json(msgspec.json.Decoder(kind), msgspec.json.encode(platform.config))
    except InvalidInput as error:
        faults = ((f"config.{fault.field}".rstrip("."), fault.message) for fault in error.faults)
        raise InvalidInput(*(Fault(field, message) for field, message in faults)) from None
