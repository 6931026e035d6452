"""An OpenID Connect provider as its client sees it: authorization code with PKCE.

OpenID Connect Core 1.0 and Discovery 1.0, RFC 6749, RFC 7636. Whose user it is, and which session
asked, is for the caller to say.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from hmac import compare_digest
from typing import Annotated, Literal, NamedTuple
from urllib.parse import quote_plus, urlencode

import msgspec
import structlog
from msgspec import Meta
from pydantic import SecretStr

from voting_service.errors import Fault, InvalidInput, TokenRefused, Unavailable
from voting_service.outside.calls import Answer, Outside
from voting_service.outside.checks import check_address, check_printable
from voting_service.outside.remembered import Monotonic, Remembered
from voting_service.outside.signed_tokens import CLOCK_SKEW_SECONDS, open_token
from voting_service.outside.verification_keys import PublishedKeys

MAX_ID_TOKEN_BYTES = 16384
MAX_AGE_SECONDS = 600
"""An ID token is fetched here and now; one issued earlier than this was not made for us."""

Algorithm = Literal["RS256", "ES256", "EdDSA"]

log = structlog.get_logger(__name__)


class Client(NamedTuple):
    """What we are to a provider; `name` stands in logs."""

    name: str
    issuer: str
    client_id: str
    secret: SecretStr
    algorithms: Sequence[Algorithm] = ("RS256",)
    trusted_audiences: Sequence[str] = ()


class Grant(NamedTuple):
    """What the user's browser brought back, and what it was sent with."""

    code: str
    code_verifier: str
    redirect_uri: str
    nonce: str


class Discovered(msgspec.Struct, frozen=True):
    """The part of the discovery document that is used."""

    issuer: str
    token_endpoint: str
    jwks_uri: str
    authorization_endpoint: str | None = None


class Granted(msgspec.Struct, frozen=True):
    """A token answer, good or bad; the access token is not read."""

    id_token: str | None = None
    error: str | None = None


class Claims(msgspec.Struct, frozen=True):
    iss: str
    aud: str | list[str]
    sub: Annotated[str, Meta(min_length=1, max_length=255)]
    exp: int
    iat: int
    nonce: str
    azp: str | None = None
    auth_time: int | None = None


_DISCOVERED = msgspec.json.Decoder(Discovered)
_GRANTED = msgspec.json.Decoder(Granted)
_CLAIMS = msgspec.json.Decoder(Claims)


def check_claims(claims: Claims, client: Client, *, nonce: str, now_seconds: float) -> None:
    """OpenID Connect Core section 3.1.3.7. Raises TokenRefused with the rule that is broken."""
    if claims.iss != client.issuer:
        raise TokenRefused("iss: is not the issuer of this platform")
    audiences = [claims.aud] if isinstance(claims.aud, str) else claims.aud
    if client.client_id not in audiences:
        raise TokenRefused("aud: does not name this service")
    if set(audiences) - {client.client_id, *client.trusted_audiences}:
        raise TokenRefused("aud: names somebody who is not trusted")
    if claims.azp is None and len(audiences) > 1:
        raise TokenRefused("azp: is required with more than one audience")
    if claims.azp not in (None, client.client_id):
        raise TokenRefused("azp: is not this service")
    if now_seconds >= claims.exp + CLOCK_SKEW_SECONDS:
        raise TokenRefused("exp: the ID token has expired")
    if claims.iat > now_seconds + CLOCK_SKEW_SECONDS:
        raise TokenRefused("iat: is in the future")
    if claims.iat < now_seconds - MAX_AGE_SECONDS:
        raise TokenRefused("iat: the ID token is too old")
    if not compare_digest(claims.nonce.encode("utf-8"), nonce.encode("utf-8")):
        raise TokenRefused("nonce: is not the one of this sign-in")
    check_printable("sub", claims.sub)


class OpenIdProvider:
    """One provider."""

    def __init__(
        self,
        client: Client,
        outside: Outside,
        *,
        clock: Callable[[], datetime],
        monotonic: Monotonic,
    ) -> None:
        self._client = client
        self._outside = outside
        self._clock = clock
        self._discovered = Remembered(
            f"the discovery document of {client.name}", self._discover, monotonic
        )
        self._keys = PublishedKeys(
            f"the keys of {client.name}",
            self._keys_address,
            client.algorithms,
            outside,
            monotonic,
        )

    async def authorization_address(self, **parameters: str) -> str:
        """Where the user's browser goes, with the client's own parameters besides those given.

        Raises Unavailable.
        """
        endpoint = (await self._discovered.get()).authorization_endpoint
        if endpoint is None:
            raise Unavailable("the discovery document names no authorization endpoint", 60)
        asked = {
            "response_type": "code",
            "client_id": self._client.client_id,
            "code_challenge_method": "S256",
            **parameters,
        }
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}"

    async def claims(self, grant: Grant) -> Claims:
        """What the provider says about its user. Raises TokenRefused or Unavailable."""
        claims = await open_token(
            await self._exchange(grant),
            _CLAIMS,
            keys=self._keys,
            algorithms=self._client.algorithms,
            max_bytes=MAX_ID_TOKEN_BYTES,
        )
        check_claims(claims, self._client, nonce=grant.nonce, now_seconds=self._clock().timestamp())
        return claims

    async def _exchange(self, grant: Grant) -> str:
        """The ID token for the code (RFC 6749 section 4.1.3, errors 5.2)."""
        discovered = await self._discovered.get()
        answer = await self._outside.post_form(
            discovered.token_endpoint,
            {
                "grant_type": "authorization_code",
                "code": grant.code,
                "code_verifier": grant.code_verifier,
                "redirect_uri": grant.redirect_uri,
            },
            # RFC 6749 section 2.3.1 wants both form-encoded before they are joined by a colon.
            user=quote_plus(self._client.client_id),
            password=quote_plus(self._client.secret.get_secret_value()),
        )
        if answer.status >= 500 or answer.status == 429:
            raise Unavailable(f"the provider answered with status {answer.status}")
        try:
            granted = _GRANTED.decode(answer.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Unavailable("the provider's answer could not be read") from None
        if answer.status == 200 and granted.id_token:
            return granted.id_token
        raise self._refusal(answer, granted)

    def _refusal(self, answer: Answer, granted: Granted) -> Exception:
        if granted.error == "invalid_grant":
            return TokenRefused("code: is not valid, has expired or was used; sign in again")
        if granted.error == "temporarily_unavailable":
            return Unavailable("the provider is busy; try again")
        log.error(
            "openid_connect_set_up_wrong",
            provider=self._client.name,
            status=answer.status,
            error=(granted.error or "no ID token in the answer")[:64],
        )
        return Unavailable("the provider did not accept our request", 60)

    async def _discover(self) -> Discovered:
        """OpenID Connect Discovery 1.0, section 4."""
        address = self._client.issuer.rstrip("/") + "/.well-known/openid-configuration"
        answer = await self._outside.get(address)
        try:
            found = _DISCOVERED.decode(answer.body) if answer.status == 200 else None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            found = None
        if found is None:
            raise Unavailable(f"no discovery document (status {answer.status})")
        if found.issuer != self._client.issuer:
            raise Unavailable("the discovery document is of another issuer")
        try:
            check_address("token_endpoint", found.token_endpoint)
            check_address("jwks_uri", found.jwks_uri)
            if found.authorization_endpoint is not None:
                check_address("authorization_endpoint", found.authorization_endpoint)
        except InvalidInput as error:
            raise Unavailable(f"the discovery document's {error}") from None
        return found

    async def _keys_address(self) -> str:
        return (await self._discovered.get()).jwks_uri


def check_issuer(field: str, issuer: str) -> None:
    """Raises InvalidInput unless a discovery document can be found under it."""
    check_address(field, issuer)
    if "?" in issuer or "#" in issuer:
        raise InvalidInput(Fault(field, "must have no query and no fragment"))
