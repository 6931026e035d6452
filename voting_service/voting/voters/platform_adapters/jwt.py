"""A platform that signs a token for its user, with a key registered here.

Config: `{"keys": [JWK, …]}` pins public keys, `{"jwks_url": "https://…"}` is where they are
published. The credential is a JWT (EdDSA or ES256) as api.md describes; a published key can be
replaced at any moment if each has a `kid`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from voting_service.contests.model import PersonPolicy, Platform
from voting_service.errors import (
    Fault,
    InvalidInput,
    TokenRefused,
)
from voting_service.i18n.catalogues import load_text
from voting_service.infrastructure.http_clients.cached_document import Monotonic
from voting_service.infrastructure.http_clients.client import BoundedClient
from voting_service.infrastructure.http_clients.input_checks import check_address, check_printable
from voting_service.infrastructure.http_clients.json_web_tokens import (
    CLOCK_SKEW_SECONDS,
    open_token,
    peek_claim,
    read_unverified,
)
from voting_service.infrastructure.http_clients.verification_keys import (
    KeySource,
    PinnedKeys,
    PublishedKeys,
)
from voting_service.infrastructure.strict_json import printable
from voting_service.voting.voters.identity import Identity
from voting_service.voting.voters.platform_adapter import AdapterTools, read_config

ALGORITHMS = ("EdDSA", "ES256")
MAX_TOKEN_BYTES = 4096
MAX_LIFETIME_SECONDS = 120
REMEMBERED_SECONDS = MAX_LIFETIME_SECONDS + 2 * CLOCK_SKEW_SECONDS
"""The longest a token can be valid: issued a skew ahead of our clock, used a skew after expiry."""
_PERSON = re.compile(r"[0-9A-Fa-f]{64}")
"""An HMAC-SHA-256 in hexadecimal digits. Both cases are the same 32 bytes."""
_SECONDS_OF_THE_YEAR_5138 = 10**11
_EASTERNMOST_ZONE = timedelta(hours=14)

_Seconds = Annotated[int, Meta(ge=0, le=2**53)]
_Id = Annotated[str, Meta(min_length=1, max_length=128)]


class JwtConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    keys: list[Any] | None = None
    jwks_url: str | None = None


class Claims(msgspec.Struct, frozen=True):
    """The required and optional claims; others are ignored."""

    iss: str
    aud: str | list[str]
    sub: _Id
    iat: _Seconds
    exp: _Seconds
    jti: _Id
    nbf: _Seconds | None = None
    person: str | None = None
    account_created: date | None = None


_CLAIMS = msgspec.json.Decoder(Claims)


def check_claims(claims: Claims, platform: Platform, *, contest_slug: str, now: datetime) -> None:
    """Check all rules of the claims. Raises TokenRefused with the first broken one."""
    for broken in broken_rules(claims, platform, contest_slugs=(contest_slug,), now=now):
        raise broken


def broken_rules(
    claims: Claims, platform: Platform, *, contest_slugs: Sequence[str], now: datetime
) -> Iterator[TokenRefused]:
    """Yield an error for every broken rule; each begins with the claim's name and a colon.

    The token may be for any of the contests, and without one for any whatever.
    """
    yield from _broken_issuer(claims.iss, platform)
    yield from _broken_audience(claims.aud, contest_slugs)
    yield from _broken_times(claims, now.timestamp())
    for name in ("sub", "jti"):
        try:
            check_printable(name, getattr(claims, name))
        except TokenRefused as broken:
            yield broken
    if claims.sub != claims.sub.strip():
        yield TokenRefused("voting.voters.platform_adapters.sub_padded")
    yield from _broken_person(claims.person, platform.person_policy)
    # The platform uses its own local date, which may be ahead of ours.
    today = (now + _EASTERNMOST_ZONE).date()
    if claims.account_created and claims.account_created > today:
        yield TokenRefused(
            "voting.voters.platform_adapters.account_created_in_future",
            days=(claims.account_created - today).days,
        )


def check_issuer(token: str, platform: Platform) -> None:
    """Raises TokenRefused when a token, as yet unverified, is of another platform: with this one's
    keys its signature would look wrong, whatever else is."""
    for broken in _broken_issuer(peek_claim(token, "iss"), platform):
        raise broken


def _broken_issuer(issuer: object, platform: Platform) -> Iterator[TokenRefused]:
    if isinstance(issuer, str) and issuer != platform.slug:
        yield TokenRefused(
            "voting.voters.platform_adapters.iss_not_platform",
            issuer=printable(issuer),
            slug=platform.slug,
        )


def _broken_audience(audience: str | list[str], slugs: Sequence[str]) -> Iterator[TokenRefused]:
    if isinstance(audience, list):
        if len(audience) != 1:
            yield TokenRefused(
                "voting.voters.platform_adapters.aud_not_one_contest", count=len(audience)
            )
            return
        audience = audience[0]
    if slugs and audience not in slugs:
        rule = "aud_not_contest" if len(slugs) == 1 else "aud_not_any_contest"
        yield TokenRefused(
            f"voting.voters.platform_adapters.{rule}", slug=slugs[0], slugs=", ".join(slugs)
        )


def _broken_person(person: str | None, policy: PersonPolicy) -> Iterator[TokenRefused]:
    match policy:
        case "never" if person is not None:
            yield TokenRefused("voting.voters.platform_adapters.person_never")
        case "required" if person is None:
            yield TokenRefused("voting.voters.platform_adapters.person_required")
        case "required" if not _PERSON.fullmatch(person or ""):
            yield TokenRefused("voting.voters.platform_adapters.person_malformed")


def _broken_times(claims: Claims, now_seconds: float) -> Iterator[TokenRefused]:
    in_milliseconds = [
        name for name in ("iat", "exp") if getattr(claims, name) > _SECONDS_OF_THE_YEAR_5138
    ]
    if in_milliseconds:
        for name in in_milliseconds:
            yield TokenRefused(f"voting.voters.platform_adapters.{name}_milliseconds")
        return
    if claims.exp <= claims.iat:
        yield TokenRefused(
            "voting.voters.platform_adapters.exp_before_iat", seconds=claims.iat - claims.exp
        )
    if claims.exp - claims.iat > MAX_LIFETIME_SECONDS:
        yield TokenRefused(
            "voting.voters.platform_adapters.exp_too_late",
            seconds=claims.exp - claims.iat,
            max_seconds=MAX_LIFETIME_SECONDS,
        )
    if now_seconds >= claims.exp + CLOCK_SKEW_SECONDS:
        yield TokenRefused(
            "voting.voters.platform_adapters.exp_passed",
            seconds=now_seconds - claims.exp,
            tolerated=CLOCK_SKEW_SECONDS,
        )
    latest = now_seconds + CLOCK_SKEW_SECONDS
    if claims.iat > latest:
        yield TokenRefused(
            "voting.voters.platform_adapters.iat_in_future",
            seconds=claims.iat - now_seconds,
            tolerated=CLOCK_SKEW_SECONDS,
        )
    if claims.nbf is not None and claims.nbf > latest:
        yield TokenRefused(
            "voting.voters.platform_adapters.nbf_in_future",
            seconds=claims.nbf - now_seconds,
            tolerated=CLOCK_SKEW_SECONDS,
        )


def named_contest(token: str) -> str:
    """Return the contest a token claims to be for, unverified.

    Raises TokenRefused when it is malformed or names none.
    """
    claims = read_unverified(token, _CLAIMS, MAX_TOKEN_BYTES)
    match claims.aud:
        case str(slug) | [slug]:
            return slug
        case several:
            raise TokenRefused(
                "voting.voters.platform_adapters.aud_not_one_contest", count=len(several)
            )


class SignedTokenSignIn:
    """The adapter."""

    def __init__(self, platform: Platform, tools: AdapterTools, keys: KeySource) -> None:
        self._platform = platform
        self._tools = tools
        self.keys = keys

    async def identify(self, credential: str, *, contest_slug: str) -> Identity:
        check_issuer(credential, self._platform)
        claims = await open_token(
            credential, _CLAIMS, keys=self.keys, algorithms=ALGORITHMS, max_bytes=MAX_TOKEN_BYTES
        )
        check_claims(claims, self._platform, contest_slug=contest_slug, now=self._tools.clock())
        # Last, so that only an otherwise valid token is used up.
        if not await self._tools.used_tokens.mark_used(
            self._platform.id, claims.jti, REMEMBERED_SECONDS
        ):
            raise TokenRefused("voting.voters.platform_adapters.token_used")
        person = None if claims.person is None else bytes.fromhex(claims.person)
        return Identity(self._platform.id, claims.sub, person, claims.account_created)


def adapter(platform: Platform, tools: AdapterTools) -> SignedTokenSignIn:
    """Return the adapter. Raises InvalidInput with every fault of the config."""
    return SignedTokenSignIn(platform, tools, key_source(platform, tools.outside, tools.monotonic))


def key_source(platform: Platform, outside: BoundedClient, monotonic: Monotonic) -> KeySource:
    """Return the source of the platform's keys. Raises InvalidInput with every config fault."""
    config = read_config(platform, JwtConfig)
    if config.keys is not None and config.jwks_url is None:
        return PinnedKeys(config.keys, ALGORITHMS, "config.keys")
    if config.jwks_url is None or config.keys is not None:
        raise InvalidInput(Fault("config", "voting.voters.platform_adapters.keys_or_jwks_url"))
    url = config.jwks_url
    check_address("config.jwks_url", url)

    async def published() -> str:
        return url

    name = load_text(
        "errors_infrastructure", "infrastructure.http_clients.documents.keys", name=platform.slug
    )
    return PublishedKeys(name, published, ALGORITHMS, outside, monotonic)
