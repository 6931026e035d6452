"""OpenID Connect: the whole code flow with PKCE, through the real client against a provider
that keeps to the protocol; then a provider that does not."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from tests.fakes.openid_provider import FakeOpenIdProvider
from tests.fakes.signers import (
    Ed25519Signer,
    HmacSigner,
    P256Signer,
    RsaSigner,
    base64url,
)
from tests.patience import PATIENCE_SECONDS, eventually
from tests.voting.voters.conftest import MovableClock, SignInMaker
from voting_service.contests.model import Platform
from voting_service.errors import TokenRefused, Unavailable
from voting_service.infrastructure.http_clients.cached_document import FRESH_SECONDS, RETRY_SECONDS
from voting_service.infrastructure.http_clients.client import MAX_ANSWER_BYTES
from voting_service.voting.voters.identity import Identity

MakePlatform = Callable[..., Platform]
CONTEST = "craftsmen"


class Scene:
    """A provider, a browser that its user sits at, and our sign-in."""

    def __init__(
        self, make_sign_in: SignInMaker, make_platform: MakePlatform, clock: MovableClock
    ) -> None:
        self.clock = clock
        self.provider = FakeOpenIdProvider(clock.seconds)
        self._make_platform = make_platform
        self._make_sign_in = make_sign_in
        self.platform = self.configured()
        self.sign_in = self.make_sign_in()

    def configured(self, **more: Any) -> Platform:
        return self._make_platform(
            self.provider.config(**more), slug="login", kind="openid_connect", platform_id=9
        )

    def make_sign_in(
        self, secret: str | None = None, deadline_seconds: float = PATIENCE_SECONDS
    ) -> Any:
        return self._make_sign_in(
            {self.provider.host: self.provider.app},
            secrets=f'login = "{secret or self.provider.client_secret}"',
            deadline_seconds=deadline_seconds,
        )

    async def browser(self, **more: str) -> dict[str, str]:
        """What the page sends after the user has signed in at the provider."""
        verifier, nonce = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
        challenge = base64url(hashlib.sha256(verifier.encode()).digest())
        transport = httpx.ASGITransport(self.provider.app)
        async with httpx.AsyncClient(transport=transport) as client:
            answer = await client.get(
                self.provider.issuer + "/authorize",
                params={
                    "response_type": "code",
                    "scope": "openid",
                    "client_id": self.provider.client_id,
                    "redirect_uri": self.provider.redirect_uri,
                    "state": "state-1",
                    "nonce": nonce,
                    "code_challenge": challenge,
                    "code_challenge_method": "S256",
                },
            )
        [code] = parse_qs(urlsplit(answer.headers["location"]).query)["code"]
        return {
            "code": code,
            "code_verifier": verifier,
            "redirect_uri": self.provider.redirect_uri,
            "nonce": nonce,
            **more,
        }

    async def identify(self, credential: dict[str, Any] | str | None = None) -> Identity:
        given = credential if credential is not None else await self.browser()
        text = given if isinstance(given, str) else json.dumps(given)
        identity: Identity = await self.sign_in.identify(self.platform, text, contest_slug=CONTEST)
        return identity


@pytest.fixture
def scene(make_sign_in: SignInMaker, make_platform: MakePlatform, clock: MovableClock) -> Scene:
    return Scene(make_sign_in, make_platform, clock)


async def test_a_user_of_the_provider_is_signed_in(scene: Scene) -> None:
    assert await scene.identify() == Identity(9, "user-1")


@pytest.mark.parametrize(
    "signer", [RsaSigner(), P256Signer(), Ed25519Signer()], ids=lambda s: s.alg
)
async def test_each_allowed_algorithm_is_taken(scene: Scene, signer: Any) -> None:
    scene.provider.signer = signer
    scene.platform = scene.configured(algorithms=[signer.alg])
    assert await scene.identify() == Identity(9, "user-1")


async def test_an_algorithm_that_the_platform_did_not_allow_is_refused(scene: Scene) -> None:
    scene.provider.signer = P256Signer()
    scene.platform = scene.configured(algorithms=["RS256", "EdDSA"])
    with pytest.raises(TokenRefused, match=r"^alg: must be RS256 or EdDSA; the token names ES256$"):
        await scene.identify()


async def test_discovery_and_keys_are_asked_for_once(scene: Scene) -> None:
    for _ in range(5):
        await scene.identify()
    assert sorted(scene.provider.asked) == ["discovery", "keys", *["token"] * 5]


async def test_a_code_is_good_once(scene: Scene) -> None:
    credential = await scene.browser()
    assert await scene.identify(credential)
    with pytest.raises(TokenRefused, match=r"^code: is not valid, has expired or was already used"):
        await scene.identify(credential)


async def test_a_stolen_code_is_worth_nothing_without_its_verifier(scene: Scene) -> None:
    stolen = await scene.browser(code_verifier=secrets.token_urlsafe(48))
    with pytest.raises(TokenRefused, match=r"^code: "):
        await scene.identify(stolen)


async def test_a_code_of_another_sign_in_does_not_fit_the_nonce(scene: Scene) -> None:
    with pytest.raises(TokenRefused, match=r"^nonce: does not belong to this sign-in$"):
        await scene.identify(await scene.browser(nonce="another-nonce"))


BAD_CREDENTIALS: dict[str, tuple[str | dict[str, Any], str]] = {
    "empty": ("", "token: must be a JSON object"),
    "a bare code": ("code-1", "token: must be a JSON object"),
    "a list": ("[]", "token: must be an object; it is a list of 0"),
    "a half surrogate": ("\ud800", "token: must be a JSON object"),
    "nested deeply": ('{"code":' * 400, "code: must be a text of 1 to 2048 characters"),
    "too long": (" " * 4097, "token: is longer than 4096 bytes"),
    "code twice": ('{"code":"a","code":"b"}', "code: this key is given twice"),
    "no verifier": ({"code_verifier": None}, "code_verifier: must be a text of the form"),
    "a short verifier": ({"code_verifier": "a" * 42}, "code_verifier: must be a text of the form"),
    "odd characters": (
        {"code_verifier": "a" * 42 + "é"},
        "code_verifier: must be a text of the form",
    ),
    "code a number": ({"code": 1}, "code: must be a text of 1 to 2048 characters"),
    "code empty": ({"code": ""}, "code: must be a text of 1 to 2048 characters; it is empty"),
    "a short nonce": (
        {"nonce": "1234567"},
        "nonce: must be a text of 8 to 256 characters; it is a text",
    ),
    "one member more": ({"client_secret": "x"}, "client_secret: "),
    "an open redirect": ({"redirect_uri": "https://evil.example"}, "redirect_uri: is not reg"),
    "nearly the address": (
        {"redirect_uri": "https://vote.example/signed-in/"},
        "redirect_uri: is not registered",
    ),
}


@pytest.mark.parametrize("case", BAD_CREDENTIALS)
async def test_a_credential_that_breaks_a_rule_is_not_sent(scene: Scene, case: str) -> None:
    given, reason = BAD_CREDENTIALS[case]
    if isinstance(given, dict):
        given = {**await scene.browser(), **given}
    with pytest.raises(TokenRefused) as refusal:
        await scene.identify(given)
    assert reason in str(refusal.value)
    assert scene.provider.asked == []


ISSUER = FakeOpenIdProvider.issuer
CLIENT = "voting service:1"
BAD_ID_TOKENS: dict[str, tuple[dict[str, Any], str]] = {
    "iss: another": ({"iss": "https://login.provider.example/other"}, "iss: is not the issuer"),
    "iss: with a slash": ({"iss": ISSUER + "/"}, "iss: is not the issuer"),
    "iss: missing": ({"iss": None}, "iss: is missing"),
    "aud: another client": ({"aud": "another"}, "aud: does not name this service"),
    "aud: empty": ({"aud": []}, "aud: does not name this service"),
    "aud: missing": ({"aud": None}, "aud: is missing"),
    "aud: a stranger too": (
        {"aud": [CLIENT, "stranger"], "azp": CLIENT},
        "aud: names an audience that is not trusted",
    ),
    "azp: another client": ({"azp": "another"}, "azp: is not this service"),
    "exp: past": ({"exp": 1000}, "exp: the ID token has expired"),
    "exp: a bool": ({"exp": True}, "exp: must be a whole number"),
    "exp: missing": ({"exp": None}, "exp: is missing"),
    "iat: ahead": ({"iat": 4_000_000_000, "exp": 4_000_000_300}, "iat: is in the future"),
    "iat: old": ({"iat": 1_600_000_000}, "iat: the ID token is too old"),
    "iat: missing": ({"iat": None}, "iat: is missing"),
    "nonce: missing": ({"nonce": None}, "nonce: is missing"),
    "nonce: another": ({"nonce": "another-nonce"}, "nonce: does not belong"),
    "nonce: not ASCII": ({"nonce": "é" * 8}, "nonce: does not belong"),
    "sub: missing": ({"sub": None}, "sub: is missing"),
    "sub: empty": ({"sub": ""}, "sub: must be a text of 1 to 255 characters; it is empty"),
    "sub: too long": ({"sub": "s" * 256}, "sub: must be a text of 1 to 255 characters"),
    "sub: a number": ({"sub": 7}, "sub: must be a text of 1 to 255 characters; it is the number 7"),
    "sub: NUL": ({"sub": "a\0"}, "sub: contains characters"),
    "too large": ({"more": "m" * 16384}, "token: is longer than 16384 bytes"),
}


@pytest.mark.parametrize("case", BAD_ID_TOKENS)
async def test_an_id_token_that_breaks_a_rule_is_refused(scene: Scene, case: str) -> None:
    scene.provider.claims, reason = BAD_ID_TOKENS[case]
    with pytest.raises(TokenRefused) as refusal:
        await scene.identify()
    assert reason in str(refusal.value)


async def test_a_second_audience_may_be_trusted_and_then_needs_azp(scene: Scene) -> None:
    scene.platform = scene.configured(trusted_audiences=["statistics"])
    scene.provider.claims = {"aud": [CLIENT, "statistics"], "azp": CLIENT}
    assert await scene.identify()
    scene.provider.claims = {"aud": [CLIENT, "statistics"]}
    with pytest.raises(TokenRefused, match=r"^azp: is required"):
        await scene.identify()


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({"alg": "none"}, "alg: the platform's key signs with RS256; the token names none"),
        ({"alg": "HS256"}, "alg: the platform's key signs with RS256"),
        ({"alg": "RS512"}, "alg: the platform's key signs with RS256"),
        ({"crit": ["exp"]}, "crit: is not allowed"),
        ({"jku": "https://evil.example"}, "jku: is not allowed"),
        ({"kid": "another"}, "kid: the token names another; the published keys are "),
        ({"kid": 1}, "kid: must be 1 to 256"),
    ],
    ids=str,
)
async def test_an_id_token_s_header_is_read_strictly(
    scene: Scene, header: dict[str, Any], reason: str
) -> None:
    scene.provider.header = header
    with pytest.raises(TokenRefused, match=reason):
        await scene.identify()


async def test_an_id_token_without_kid_is_taken_while_there_is_one_key(scene: Scene) -> None:
    scene.provider.header = {"kid": None}
    assert await scene.identify()


async def test_an_id_token_made_with_the_client_secret_is_refused(scene: Scene) -> None:
    scene.provider.signer = HmacSigner(scene.provider.client_secret.encode())
    with pytest.raises(TokenRefused, match=r"^alg: must be RS256; the token names HS256$"):
        await scene.identify()


async def test_an_id_token_of_another_key_of_the_same_name_is_refused(scene: Scene) -> None:
    await scene.identify()
    scene.provider.signer = RsaSigner()
    with pytest.raises(TokenRefused, match=r"^signature: "):
        await scene.identify()


async def test_the_provider_may_change_its_key(scene: Scene) -> None:
    await scene.identify()
    scene.provider.signer, scene.provider.kid = RsaSigner(), "key-2"
    with pytest.raises(TokenRefused, match=r"^kid: "):
        await scene.identify()  # asked for the keys a moment ago
    scene.clock.move(RETRY_SECONDS)
    assert await scene.identify()


async def test_users_go_on_signing_in_while_discovery_and_keys_are_unavailable(
    scene: Scene,
) -> None:
    await scene.identify()
    for name in ("discovery", "keys"):
        scene.provider.answers[name] = PlainTextResponse("sorry", 503)
    scene.clock.move(FRESH_SECONDS * 5)
    assert await scene.identify()


def changed(provider: FakeOpenIdProvider, **more: Any) -> Response:
    return JSONResponse({**provider.document(), **more})


@pytest.mark.parametrize(
    "more",
    [
        {"issuer": "https://login.provider.example"},
        {"issuer": None},
        {"token_endpoint": "http://login.provider.example/token"},
        {"token_endpoint": "file:///etc/passwd"},
        {"jwks_uri": "http://10.0.0.1/keys"},
        {"token_endpoint": "https://10.0.0.1/token"},
        {"token_endpoint": "http://127.0.0.1:6379/token"},
        {"jwks_uri": "https://[::1]/keys"},
        {"authorization_endpoint": "https://localhost/authorize"},
        {"jwks_uri": 7},
    ],
    ids=str,
)
async def test_a_discovery_document_that_does_not_fit_is_an_outage(
    scene: Scene, more: dict[str, Any]
) -> None:
    scene.provider.answers["discovery"] = changed(scene.provider, **more)
    with pytest.raises(
        Unavailable, match=r"^the discovery document of login cannot be fetched now$"
    ):
        await scene.identify()
    assert "token" not in scene.provider.asked


ODD_ANSWERS: dict[str, Callable[[], Response]] = {
    "status 500": lambda: PlainTextResponse("sorry", 500),
    "status 429": lambda: PlainTextResponse("slowly", 429),
    "a redirect": lambda: RedirectResponse("https://evil.example/token", 307),
    "no JSON": lambda: PlainTextResponse("<html>"),
    "too much": lambda: PlainTextResponse(" " * (MAX_ANSWER_BYTES + 1)),
    "no ID token": lambda: JSONResponse({"access_token": "t", "token_type": "Bearer"}),
    "an ID token with an error": lambda: JSONResponse({"id_token": "a.b.c"}, 400),
    "busy": lambda: JSONResponse({"error": "temporarily_unavailable"}, 400),
    "unauthorized": lambda: JSONResponse({"error": "unauthorized_client"}, 400),
}


@pytest.mark.parametrize("oddity", ODD_ANSWERS)
async def test_a_token_endpoint_that_makes_no_sense_is_an_outage(scene: Scene, oddity: str) -> None:
    scene.provider.answers["token"] = ODD_ANSWERS[oddity]()
    with pytest.raises(Unavailable):
        await scene.identify()


async def test_a_wrong_client_secret_is_our_fault_and_not_the_user_s(scene: Scene) -> None:
    scene.sign_in = scene.make_sign_in("wrong")
    with pytest.raises(Unavailable, match=r"did not accept our request") as fault:
        await scene.identify()
    assert fault.value.retry_after_seconds >= 60


@pytest.mark.parametrize("name", ["discovery", "token", "keys"])
async def test_a_silent_provider_is_given_up(scene: Scene, name: str) -> None:
    scene.sign_in = scene.make_sign_in(deadline_seconds=0.05)
    scene.provider.silent = {name}

    async def is_reached_and_given_up() -> bool:
        """What comes before it may take too long as well, on a busy machine."""
        scene.clock.move(RETRY_SECONDS)
        with pytest.raises(Unavailable):
            await scene.identify()
        return scene.provider.asked[-1] == name

    await eventually(is_reached_and_given_up)
