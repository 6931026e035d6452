"""A platform that signs a token for its user, with a key registered here.

Config: `{"keys": [JWK, …]}` pins public keys, `{"jwks_url": "https://…"}` says where they are
published. The credential is a JWT (EdDSA or ES256) as api.md describes; a published key can be
replaced at any moment if each has a `kid`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from voting_service.contests.model import Platform
from voting_service.errors import Fault, InvalidInput, TokenRefused
from voting_service.outside.calls import Outside
from voting_service.outside.checks import check_address, check_printable
from voting_service.outside.remembered import Monotonic
from voting_service.outside.signed_tokens import (
    CLOCK_SKEW_SECONDS,
    open_token,
    read_unverified,
)
from voting_service.outside.verification_keys import KeySource, PinnedKeys, PublishedKeys
from voting_service.voters.identity import Identity
from voting_service.voters.sign_in_kind import Tools, read_config

ALGORITHMS = ("EdDSA", "ES256")
MAX_TOKEN_BYTES = 4096
MAX_LIFETIME_SECONDS = 120
REMEMBERED_SECONDS = MAX_LIFETIME_SECONDS + 2 * CLOCK_SKEW_SECONDS
"""The longest that a token can be good: issued a skew ahead of us, taken a skew after its end."""
_EASTERNMOST_ZONE = timedelta(hours=14)

_Seconds = Annotated[int, Meta(ge=0, le=2**53)]
_Id = Annotated[str, Meta(min_length=1, max_length=128)]


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    keys: list[Any] | None = None
    jwks_url: str | None = None


class Claims(msgspec.Struct, frozen=True):
    """What the token must and may say; further claims are ignored."""

    iss: str
    aud: str | list[str]
    sub: _Id
    iat: _Seconds
    exp: _Seconds
    jti: _Id
    nbf: _Seconds | None = None
    person: Annotated[str, Meta(min_length=1, max_length=256)] | None = None
    account_created: date | None = None


_CLAIMS = msgspec.json.Decoder(Claims)


def check_claims(claims: Claims, *, platform_slug: str, contest_slug: str, now: datetime) -> None:
    """Raises TokenRefused with the first rule that the claims break."""
    for broken in broken_rules(
        claims, platform_slug=platform_slug, contest_slug=contest_slug, now=now
    ):
        raise TokenRefused(broken)


def broken_rules(
    claims: Claims, *, platform_slug: str, contest_slug: str, now: datetime
) -> Iterator[str]:
    """Every rule that the claims break, each beginning with the claim's name and a colon."""
    if claims.iss != platform_slug:
        yield "iss: must be the slug of the platform"
    if claims.aud not in (contest_slug, [contest_slug]):
        yield "aud: must be the slug of the contest"
    yield from _broken_times(claims, now.timestamp())
    for name in ("sub", "jti", "person"):
        try:
            check_printable(name, getattr(claims, name) or "")
        except TokenRefused as broken:
            yield str(broken)
    # The platform writes its own local date, which may be ahead of ours.
    if claims.account_created and claims.account_created > (now + _EASTERNMOST_ZONE).date():
        yield "account_created: is in the future"


def _broken_times(claims: Claims, now_seconds: float) -> Iterator[str]:
    if claims.exp <= claims.iat:
        yield "exp: must be after iat"
    if claims.exp - claims.iat > MAX_LIFETIME_SECONDS:
        yield f"exp: must be at most {MAX_LIFETIME_SECONDS} s after iat"
    tolerated = f"by our clock; {CLOCK_SKEW_SECONDS} s are tolerated"
    if now_seconds >= claims.exp + CLOCK_SKEW_SECONDS:
        yield f"exp: the token expired {now_seconds - claims.exp:.0f} s ago {tolerated}"
    for name, seconds in (("iat", claims.iat), ("nbf", claims.nbf)):
        if seconds is not None and seconds > now_seconds + CLOCK_SKEW_SECONDS:
            yield f"{name}: is {seconds - now_seconds:.0f} s in the future {tolerated}"


def named_contest(token: str) -> str:
    """The contest that a token says it is for, not verified.

    Raises TokenRefused with what is wrong with the form of a token that names none.
    """
    claims = read_unverified(token, _CLAIMS, ALGORITHMS, MAX_TOKEN_BYTES)
    match claims.aud:
        case str(slug) | [slug]:
            return slug
        case _:
            raise TokenRefused("aud: must be the slug of one contest")


class SignedTokenSignIn:
    """The adapter."""

    def __init__(self, platform: Platform, tools: Tools, keys: KeySource) -> None:
        self._platform_id = platform.id
        self._slug = platform.slug
        self._tools = tools
        self._keys = keys

    async def identify(self, credential: str, *, contest_slug: str) -> Identity:
        claims = await open_token(
            credential, _CLAIMS, keys=self._keys, algorithms=ALGORITHMS, max_bytes=MAX_TOKEN_BYTES
        )
        check_claims(
            claims,
            platform_slug=self._slug,
            contest_slug=contest_slug,
            now=self._tools.clock(),
        )
        # Last, so that only a token that is good in every other way is used up.
        if not await self._tools.spent.spend(self._platform_id, claims.jti, REMEMBERED_SECONDS):
            raise TokenRefused("jti: this token was used already")
        return Identity(self._platform_id, claims.sub, claims.person, claims.account_created)


def adapter(platform: Platform, tools: Tools) -> SignedTokenSignIn:
    """Raises InvalidInput with every fault of the config."""
    return SignedTokenSignIn(platform, tools, key_source(platform, tools.outside, tools.monotonic))


def key_source(platform: Platform, outside: Outside, monotonic: Monotonic) -> KeySource:
    """Where the platform's keys are. Raises InvalidInput with every fault of the config."""
    config = read_config(platform, Config)
    if config.keys is not None and config.jwks_url is None:
        return PinnedKeys(config.keys, ALGORITHMS, "config.keys")
    if config.jwks_url is None or config.keys is not None:
        raise InvalidInput(Fault("config", "must have either keys or jwks_url"))
    url = config.jwks_url
    check_address("config.jwks_url", url)

    async def published() -> str:
        return url

    return PublishedKeys(f"the keys of {platform.slug}", published, ALGORITHMS, outside, monotonic)
