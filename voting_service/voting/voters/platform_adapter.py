"""The interface of a platform kind: one file in `platform_adapters/`, named like the kind.

The file has `def adapter(platform, tools) -> Adapter`, which reads `platform.config` and raises
InvalidInput with every fault. It does no I/O, so a platform can be checked before it is stored. A
new kind needs no other change.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple, Protocol, TypeVar

import msgspec
from pydantic import SecretStr

from voting_service.contests.model import Platform
from voting_service.errors import InvalidInput
from voting_service.infrastructure.http_clients.authorization_requests import AuthorizationRequest
from voting_service.infrastructure.http_clients.cached_document import Monotonic
from voting_service.infrastructure.http_clients.client import BoundedClient
from voting_service.infrastructure.strict_json import decode_json
from voting_service.voting.voters.identity import Identity
from voting_service.voting.voters.used_tokens import UsedTokens

T = TypeVar("T")


class Adapter(Protocol):
    """Signs in the users of one platform."""

    async def identify(self, credential: str, *, contest_slug: str) -> Identity:
        """Return the identity behind a credential.

        Raises TokenRefused with the broken rule, and Unavailable when the platform does not
        answer (the user signs in again).
        """
        ...


class SignInAdapter(Adapter, Protocol):
    """Signs in by leading the browser to the provider, which sends it back with a code."""

    async def authorization_address(self, request: AuthorizationRequest, redirect_uri: str) -> str:
        """Return where to send the browser. Raises Unavailable."""
        ...

    def credential(self, request: AuthorizationRequest, code: str, redirect_uri: str) -> str:
        """Return the credential that `identify` reads, from the code that came back."""
        ...


class AdapterTools(NamedTuple):
    """The services that adapters use."""

    outside: BoundedClient
    used_tokens: UsedTokens
    clock: Callable[[], datetime]
    monotonic: Monotonic
    secret: Callable[[str], SecretStr]
    """The secret shared with the platform of a slug; raises InvalidInput when it is missing."""


AdapterFactory = Callable[[Platform, AdapterTools], Adapter]


def read_config(platform: Platform, kind: type[T]) -> T:
    """Return the config of a platform as `kind`. Raises InvalidInput with the faulty field."""
    try:
        return decode_json(msgspec.json.Decoder(kind), msgspec.json.encode(platform.config))
    except InvalidInput as error:
        faults = (fault.at(f"config.{fault.field}".rstrip(".")) for fault in error.faults)
        raise InvalidInput(*faults) from None
