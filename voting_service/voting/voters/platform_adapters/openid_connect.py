"""An OpenID Connect provider: authorization code with PKCE (OpenID Connect Core 1.0, RFC 7636).

Config: `{"issuer": "https://…", "client_id": "…", "redirect_uris": ["https://…"]}`, optionally
`"algorithms"` of RS256, ES256, EdDSA (RS256 unless given) and `"trusted_audiences"`; the client
secret is read from the file of VOTING_PLATFORM_SECRETS_FILE.

The page that signs the user in makes `code_verifier` and `nonce`, sends the challenge and the
nonce to the provider, and here, as the credential, the JSON text
`{"code": "…", "code_verifier": "…", "redirect_uri": "…", "nonce": "…"}`. Our own page is `/enter`
(sites/public/pages/provider_sign_in_views.py). The provider takes each code once.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
import structlog
from msgspec import Meta

from voting_service.contests.model import Platform
from voting_service.errors import (
    InvalidInput,
    MalformedInput,
    TokenRefused,
    Unavailable,
)
from voting_service.i18n.text import Text
from voting_service.infrastructure.http_clients.authorization_requests import AuthorizationRequest
from voting_service.infrastructure.http_clients.openid_connect import (
    Algorithm,
    Client,
    Grant,
    OpenIdProvider,
    check_issuer,
)
from voting_service.infrastructure.strict_json import decode_json, refuse_repeated_keys
from voting_service.voting.voters.identity import Identity
from voting_service.voting.voters.platform_adapter import AdapterTools, read_config

MAX_CREDENTIAL_BYTES = 4096

log = structlog.get_logger(__name__)

_Text = Annotated[str, Meta(min_length=1, max_length=512)]


class OpenIdConnectConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    issuer: _Text
    client_id: _Text
    redirect_uris: Annotated[tuple[_Text, ...], Meta(min_length=1, max_length=32)]
    algorithms: Annotated[tuple[Algorithm, ...], Meta(min_length=1)] = ("RS256",)
    trusted_audiences: tuple[_Text, ...] = ()


class Credential(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    code: Annotated[str, Meta(min_length=1, max_length=2048)]
    code_verifier: Annotated[str, Meta(pattern=r"^[A-Za-z0-9._~-]{43,128}$")]
    redirect_uri: _Text
    nonce: Annotated[str, Meta(min_length=8, max_length=256)]


_CREDENTIAL = msgspec.json.Decoder(Credential)


def read_credential(credential: str) -> Credential:
    """Raises TokenRefused with the member that is wrong."""
    if len(credential) > MAX_CREDENTIAL_BYTES:
        raise TokenRefused(
            "voting.voters.platform_adapters.credential_too_long",
            max_credential_bytes=MAX_CREDENTIAL_BYTES,
        )
    try:
        raw = credential.encode()
        refuse_repeated_keys(raw)
        return decode_json(_CREDENTIAL, raw)
    except (MalformedInput, UnicodeEncodeError):
        raise TokenRefused("voting.voters.platform_adapters.malformed_credential") from None
    except InvalidInput as error:
        fault = error.faults[0]
        raise TokenRefused(
            "voting.voters.platform_adapters.malformed_member",
            value=fault.field or "token",
            message=Text(zh=fault.zh or fault.message, en=fault.message),
        ) from None


class OpenIdConnectSignIn:
    """The adapter."""

    def __init__(
        self, platform: Platform, config: OpenIdConnectConfig, tools: AdapterTools
    ) -> None:
        self._platform = platform
        self._config = config
        client = Client(
            name=platform.slug,
            issuer=config.issuer,
            client_id=config.client_id,
            secret=tools.secret(platform.slug),
            algorithms=config.algorithms,
            trusted_audiences=config.trusted_audiences,
        )
        self._provider = OpenIdProvider(
            client, tools.outside, clock=tools.clock, monotonic=tools.monotonic
        )

    async def identify(self, credential: str, *, contest_slug: str) -> Identity:
        given = read_credential(credential)
        if given.redirect_uri not in self._config.redirect_uris:
            raise TokenRefused("voting.voters.platform_adapters.unknown_redirect_uri")
        grant = Grant(given.code, given.code_verifier, given.redirect_uri, given.nonce)
        claims = await self._provider.claims(grant)
        return Identity(self._platform.id, claims.sub)

    async def authorization_address(self, request: AuthorizationRequest, redirect_uri: str) -> str:
        if redirect_uri not in self._config.redirect_uris:
            log.error("redirect_uri_not_registered", platform=self._platform.slug)
            raise Unavailable(
                "voting.voters.platform_adapters.redirect_uri_not_registered",
                retry_after_seconds=60,
                redirect_uri=redirect_uri,
            )
        return await self._provider.authorization_address(**request.parameters(redirect_uri))

    def credential(self, request: AuthorizationRequest, code: str, redirect_uri: str) -> str:
        given = Credential(code, request.code_verifier, redirect_uri, request.nonce)
        return msgspec.json.encode(given).decode()


def adapter(platform: Platform, tools: AdapterTools) -> OpenIdConnectSignIn:
    """Raises InvalidInput with the fault of the config, or when the secret is missing."""
    config = read_config(platform, OpenIdConnectConfig)
    check_issuer("config.issuer", config.issuer)
    return OpenIdConnectSignIn(platform, config, tools)
