"""An OpenID Connect provider: authorization code with PKCE (OpenID Connect Core 1.0, RFC 7636).

Config: `{"issuer": "https://…", "client_id": "…", "redirect_uris": ["https://…"]}`, optionally
`"algorithms"` of RS256, ES256, EdDSA (RS256 unless given) and `"trusted_audiences"`; the client
secret is read from the file of VOTING_PLATFORM_SECRETS_FILE.

The page that signs the user in makes `code_verifier` and `nonce`, sends the challenge and the
nonce to the provider, and here, as the credential, the JSON text
`{"code": "…", "code_verifier": "…", "redirect_uri": "…", "nonce": "…"}`.
The provider takes each code once.
"""

from __future__ import annotations

from hmac import compare_digest
from typing import Annotated, Literal
from urllib.parse import quote_plus

import msgspec
import structlog
from msgspec import Meta

from voting_service.contests.model import Platform
from voting_service.errors import Fault, InvalidInput, MalformedInput, TokenRefused, Unavailable
from voting_service.json_input import decode_json, refuse_repeated_keys
from voting_service.voters.identity import Identity
from voting_service.voters.outside import Answer
from voting_service.voters.remembered import Remembered
from voting_service.voters.sign_in_kind import Tools, check_address, check_printable, read_config
from voting_service.voters.signed_tokens import CLOCK_SKEW_SECONDS, open_token
from voting_service.voters.verification_keys import PublishedKeys

MAX_CREDENTIAL_BYTES = 4096
MAX_ID_TOKEN_BYTES = 16384
MAX_AGE_SECONDS = 600
"""An ID token is fetched here and now; one issued earlier than this was not made for us."""

_Algorithm = Literal["RS256", "ES256", "EdDSA"]
_Text = Annotated[str, Meta(min_length=1, max_length=512)]

log = structlog.get_logger(__name__)


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    issuer: _Text
    client_id: _Text
    redirect_uris: Annotated[tuple[_Text, ...], Meta(min_length=1, max_length=32)]
    algorithms: Annotated[tuple[_Algorithm, ...], Meta(min_length=1)] = ("RS256",)
    trusted_audiences: tuple[_Text, ...] = ()


class Credential(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    code: Annotated[str, Meta(min_length=1, max_length=2048)]
    code_verifier: Annotated[str, Meta(pattern=r"^[A-Za-z0-9._~-]{43,128}$")]
    redirect_uri: _Text
    nonce: Annotated[str, Meta(min_length=8, max_length=256)]


class Discovered(msgspec.Struct, frozen=True):
    """The part of the discovery document that is used."""

    issuer: str
    token_endpoint: str
    jwks_uri: str


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


_CREDENTIAL = msgspec.json.Decoder(Credential)
_DISCOVERED = msgspec.json.Decoder(Discovered)
_GRANTED = msgspec.json.Decoder(Granted)
_CLAIMS = msgspec.json.Decoder(Claims)


def check_claims(claims: Claims, config: Config, *, nonce: str, now_seconds: float) -> None:
    """OpenID Connect Core section 3.1.3.7. Raises TokenRefused with the rule that is broken."""
    if claims.iss != config.issuer:
        raise TokenRefused("iss: is not the issuer of this platform")
    audiences = [claims.aud] if isinstance(claims.aud, str) else claims.aud
    if config.client_id not in audiences:
        raise TokenRefused("aud: does not name this service")
    if set(audiences) - {config.client_id, *config.trusted_audiences}:
        raise TokenRefused("aud: names somebody who is not trusted")
    if claims.azp is None and len(audiences) > 1:
        raise TokenRefused("azp: is required with more than one audience")
    if claims.azp not in (None, config.client_id):
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


def read_credential(credential: str) -> Credential:
    """Raises TokenRefused with the member that is wrong."""
    if len(credential) > MAX_CREDENTIAL_BYTES:
        raise TokenRefused(f"token: is longer than {MAX_CREDENTIAL_BYTES} bytes")
    try:
        raw = credential.encode()
        refuse_repeated_keys(raw)
        return decode_json(_CREDENTIAL, raw)
    except (MalformedInput, UnicodeEncodeError):
        raise TokenRefused(
            "token: must be a JSON object of code, code_verifier, redirect_uri and nonce"
        ) from None
    except InvalidInput as error:
        fault = error.faults[0]
        raise TokenRefused(f"{fault.field or 'token'}: {fault.message}") from None


class OpenIdConnectSignIn:
    """The adapter."""

    def __init__(self, platform: Platform, config: Config, tools: Tools) -> None:
        self._platform = platform
        self._config = config
        self._outside = tools.outside
        self._clock = tools.clock
        self._secret = tools.secret(platform.slug)
        self._discovered = Remembered(
            f"the discovery document of {platform.slug}", self._discover, tools.monotonic
        )
        self._keys = PublishedKeys(
            f"the keys of {platform.slug}",
            self._keys_address,
            config.algorithms,
            tools.outside,
            tools.monotonic,
        )

    async def identify(self, credential: str, *, contest_slug: str) -> Identity:
        given = read_credential(credential)
        if given.redirect_uri not in self._config.redirect_uris:
            raise TokenRefused("redirect_uri: is not registered for this platform")
        id_token = await self._exchange(given)
        claims = await open_token(
            id_token,
            _CLAIMS,
            keys=self._keys,
            algorithms=self._config.algorithms,
            max_bytes=MAX_ID_TOKEN_BYTES,
        )
        check_claims(claims, self._config, nonce=given.nonce, now_seconds=self._clock().timestamp())
        return Identity(self._platform.id, claims.sub)

    async def _exchange(self, given: Credential) -> str:
        """The ID token for the code (RFC 6749 section 4.1.3, errors 5.2)."""
        discovered = await self._discovered.get()
        answer = await self._outside.post_form(
            discovered.token_endpoint,
            {
                "grant_type": "authorization_code",
                "code": given.code,
                "code_verifier": given.code_verifier,
                "redirect_uri": given.redirect_uri,
            },
            # RFC 6749 section 2.3.1 wants both form-encoded before they are joined by a colon.
            user=quote_plus(self._config.client_id),
            password=quote_plus(self._secret.get_secret_value()),
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
            platform=self._platform.slug,
            status=answer.status,
            error=(granted.error or "no ID token in the answer")[:64],
        )
        return Unavailable("the provider did not accept our request", 60)

    async def _discover(self) -> Discovered:
        """OpenID Connect Discovery 1.0, section 4."""
        address = self._config.issuer.rstrip("/") + "/.well-known/openid-configuration"
        answer = await self._outside.get(address)
        try:
            found = _DISCOVERED.decode(answer.body) if answer.status == 200 else None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            found = None
        if found is None:
            raise Unavailable(f"no discovery document (status {answer.status})")
        if found.issuer != self._config.issuer:
            raise Unavailable("the discovery document is of another issuer")
        try:
            check_address("token_endpoint", found.token_endpoint)
            check_address("jwks_uri", found.jwks_uri)
        except InvalidInput as error:
            raise Unavailable(f"the discovery document's {error}") from None
        return found

    async def _keys_address(self) -> str:
        return (await self._discovered.get()).jwks_uri


def adapter(platform: Platform, tools: Tools) -> OpenIdConnectSignIn:
    """Raises InvalidInput with the fault of the config, or when the secret is missing."""
    config = read_config(platform, Config)
    check_address("config.issuer", config.issuer)
    if "?" in config.issuer or "#" in config.issuer:
        raise InvalidInput(Fault("config.issuer", "must have no query and no fragment"))
    return OpenIdConnectSignIn(platform, config, tools)
