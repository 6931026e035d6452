"""A client of an OpenID Connect provider: authorization code flow with PKCE.

OpenID Connect Core 1.0 and Discovery 1.0, RFC 6749, RFC 7636. The caller keeps the sign-in's state
and decides whose account the user gets.
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

from voting_service.errors import (
    Fault,
    InvalidInput,
    TokenRefused,
    Unavailable,
)
from voting_service.i18n.catalogues import load_text
from voting_service.infrastructure.http_clients.cached_document import Monotonic, Remembered
from voting_service.infrastructure.http_clients.client import Answer, BoundedClient
from voting_service.infrastructure.http_clients.input_checks import check_address, check_printable
from voting_service.infrastructure.http_clients.json_web_tokens import (
    CLOCK_SKEW_SECONDS,
    open_token,
)
from voting_service.infrastructure.http_clients.verification_keys import PublishedKeys

MAX_ID_TOKEN_BYTES = 16384
MAX_AGE_SECONDS = 600
"""The greatest age of an ID token, which is always fetched right after the sign-in."""

Algorithm = Literal["RS256", "ES256", "EdDSA"]

log = structlog.get_logger(__name__)


class Client(NamedTuple):
    """This service as the provider's client; `name` appears in logs."""

    name: str
    issuer: str
    client_id: str
    secret: SecretStr
    algorithms: Sequence[Algorithm] = ("RS256",)
    trusted_audiences: Sequence[str] = ()


class Grant(NamedTuple):
    """The code that the user's browser brought back, and the values of its sign-in request."""

    code: str
    code_verifier: str
    redirect_uri: str
    nonce: str


class Discovered(msgspec.Struct, frozen=True):
    """The used part of the discovery document."""

    issuer: str
    token_endpoint: str
    jwks_uri: str
    authorization_endpoint: str | None = None


class TokenResponse(msgspec.Struct, frozen=True):
    """A token response or error; the access token is not read."""

    id_token: str | None = None
    error: str | None = None


class IdTokenClaims(msgspec.Struct, frozen=True):
    """The used claims of an ID token."""

    iss: str
    aud: str | list[str]
    sub: Annotated[str, Meta(min_length=1, max_length=255)]
    exp: int
    iat: int
    nonce: str
    azp: str | None = None
    auth_time: int | None = None


_DISCOVERED = msgspec.json.Decoder(Discovered)
_TOKEN_RESPONSE = msgspec.json.Decoder(TokenResponse)
_CLAIMS = msgspec.json.Decoder(IdTokenClaims)


def check_claims(claims: IdTokenClaims, client: Client, *, nonce: str, now_seconds: float) -> None:
    """Check an ID token (OpenID Connect Core 3.1.3.7). Raises TokenRefused."""
    if claims.iss != client.issuer:
        raise TokenRefused("infrastructure.http_clients.iss_other")
    audiences = [claims.aud] if isinstance(claims.aud, str) else claims.aud
    if client.client_id not in audiences:
        raise TokenRefused("infrastructure.http_clients.aud_missing")
    if set(audiences) - {client.client_id, *client.trusted_audiences}:
        raise TokenRefused("infrastructure.http_clients.aud_not_trusted")
    if claims.azp is None and len(audiences) > 1:
        raise TokenRefused("infrastructure.http_clients.azp_missing")
    if claims.azp not in (None, client.client_id):
        raise TokenRefused("infrastructure.http_clients.azp_other")
    if now_seconds >= claims.exp + CLOCK_SKEW_SECONDS:
        raise TokenRefused("infrastructure.http_clients.exp_passed")
    if claims.iat > now_seconds + CLOCK_SKEW_SECONDS:
        raise TokenRefused("infrastructure.http_clients.iat_in_future")
    if claims.iat < now_seconds - MAX_AGE_SECONDS:
        raise TokenRefused("infrastructure.http_clients.iat_too_old")
    if not compare_digest(claims.nonce.encode("utf-8"), nonce.encode("utf-8")):
        raise TokenRefused("infrastructure.http_clients.nonce_other")
    check_printable("sub", claims.sub)


class OpenIdProvider:
    """A provider: builds its authorization URL and exchanges codes for claims."""

    def __init__(
        self,
        client: Client,
        http_client: BoundedClient,
        *,
        clock: Callable[[], datetime],
        monotonic: Monotonic,
    ) -> None:
        self._client = client
        self._http_client = http_client
        self._clock = clock
        self._discovered = Remembered(
            load_text(
                "errors_infrastructure",
                "infrastructure.http_clients.documents.discovery",
                name=client.name,
            ),
            self._discover,
            monotonic,
        )
        self._keys = PublishedKeys(
            load_text(
                "errors_infrastructure",
                "infrastructure.http_clients.documents.keys",
                name=client.name,
            ),
            self._keys_address,
            client.algorithms,
            http_client,
            monotonic,
        )

    async def authorization_address(self, **parameters: str) -> str:
        """Return the URL for the user's browser, with the given parameters and the client's.

        Raises Unavailable.
        """
        endpoint = (await self._discovered.get()).authorization_endpoint
        if endpoint is None:
            raise Unavailable(
                "infrastructure.http_clients.discovery_without_authorization",
                retry_after_seconds=60,
            )
        query = {
            "response_type": "code",
            "client_id": self._client.client_id,
            "code_challenge_method": "S256",
            **parameters,
        }
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"

    async def claims(self, grant: Grant) -> IdTokenClaims:
        """Return the checked claims about the user. Raises TokenRefused or Unavailable."""
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
        """Exchange the code for an ID token (RFC 6749 section 4.1.3, errors 5.2)."""
        discovered = await self._discovered.get()
        answer = await self._http_client.post_form(
            discovered.token_endpoint,
            {
                "grant_type": "authorization_code",
                "code": grant.code,
                "code_verifier": grant.code_verifier,
                "redirect_uri": grant.redirect_uri,
            },
            # RFC 6749 section 2.3.1: both are form-encoded first.
            user=quote_plus(self._client.client_id),
            password=quote_plus(self._client.secret.get_secret_value()),
        )
        if answer.status >= 500 or answer.status == 429:
            raise Unavailable("infrastructure.http_clients.provider_status", status=answer.status)
        try:
            response = _TOKEN_RESPONSE.decode(answer.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Unavailable("infrastructure.http_clients.provider_unreadable") from None
        if answer.status == 200 and response.id_token:
            return response.id_token
        raise self._refusal(answer, response)

    def _refusal(self, answer: Answer, response: TokenResponse) -> Exception:
        if response.error == "invalid_grant":
            return TokenRefused("infrastructure.http_clients.code_invalid")
        if response.error == "temporarily_unavailable":
            return Unavailable("infrastructure.http_clients.provider_busy")
        log.error(
            "openid_connect_misconfigured",
            provider=self._client.name,
            status=answer.status,
            error=(response.error or "no ID token in the answer")[:64],
        )
        return Unavailable(
            "infrastructure.http_clients.provider_rejected",
            retry_after_seconds=60,
        )

    async def _discover(self) -> Discovered:
        """Fetch the discovery document (OpenID Connect Discovery 1.0, section 4)."""
        address = self._client.issuer.rstrip("/") + "/.well-known/openid-configuration"
        answer = await self._http_client.get(address)
        try:
            document = _DISCOVERED.decode(answer.body) if answer.status == 200 else None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            document = None
        if document is None:
            raise Unavailable("infrastructure.http_clients.discovery_missing", status=answer.status)
        if document.issuer != self._client.issuer:
            raise Unavailable("infrastructure.http_clients.discovery_other_issuer")
        try:
            for field in ("token_endpoint", "jwks_uri", "authorization_endpoint"):
                endpoint = getattr(document, field)
                if endpoint is not None:
                    check_address(field, endpoint, named_by=self._client.issuer)
        except InvalidInput as error:
            raise Unavailable(
                "infrastructure.http_clients.discovery_invalid", error=error
            ) from None
        return document

    async def _keys_address(self) -> str:
        return (await self._discovered.get()).jwks_uri


def check_issuer(field: str, issuer: str) -> None:
    """Raises InvalidInput unless a discovery document can have this issuer."""
    check_address(field, issuer)
    if "?" in issuer or "#" in issuer:
        raise InvalidInput(Fault(field, "infrastructure.http_clients.issuer_with_query"))
