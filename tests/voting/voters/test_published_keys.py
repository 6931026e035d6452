"""Keys under an address: rotation, outage, and how often the address is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from tests.fakes.key_server import FakeKeyServer
from tests.fakes.signers import (
    Ed448Signer,
    Ed25519Signer,
    FakePlatform,
    HmacSigner,
    P256Signer,
    RsaSigner,
)
from tests.patience import eventually
from tests.voting.voters.conftest import MovableClock, SignInMaker
from voting_service.contests.model import Platform
from voting_service.errors import (
    InvalidInput,
    TokenRefused,
    Unavailable,
)
from voting_service.infrastructure.http_clients.cached_document import FRESH_SECONDS, RETRY_SECONDS
from voting_service.infrastructure.http_clients.client import MAX_ANSWER_BYTES, MAX_CALLS_PER_HOST
from voting_service.infrastructure.http_clients.verification_keys import PinnedKeys, read_key
from voting_service.voting.voters.identity import Identity

MakePlatform = Callable[..., Platform]


class Scene:
    """A platform that publishes its keys, and a sign-in that reads them."""

    def __init__(
        self, make_sign_in: SignInMaker, make_platform: MakePlatform, clock: MovableClock
    ) -> None:
        self.clock = clock
        self.first = FakePlatform("paper", Ed25519Signer(), "first")
        self.second = FakePlatform("paper", P256Signer(), "second")
        self.server = FakeKeyServer(self.first.signer.jwk("first"))
        self.platform = make_platform({"jwks_url": self.server.url})
        self.make_sign_in = make_sign_in
        self.sign_in = make_sign_in({self.server.host: self.server.app})

    async def identify(self, signer: FakePlatform) -> Identity:
        token = signer.token("craftsmen", "user-1", self.clock.seconds())
        return await self.sign_in.identify(self.platform, token, contest_slug="craftsmen")


@pytest.fixture
def scene(make_sign_in: SignInMaker, make_platform: MakePlatform, clock: MovableClock) -> Scene:
    return Scene(make_sign_in, make_platform, clock)


async def test_the_keys_are_asked_for_once_while_they_are_fresh(scene: Scene) -> None:
    await asyncio.gather(*(scene.identify(scene.first) for _ in range(50)))
    scene.clock.move(FRESH_SECONDS - 1)
    await scene.identify(scene.first)
    assert scene.server.asked == 1
    scene.clock.move(1)
    await asyncio.gather(*(scene.identify(scene.first) for _ in range(50)))
    assert scene.server.asked == 2


async def test_a_new_key_is_found_as_soon_as_it_is_used(scene: Scene) -> None:
    await scene.identify(scene.first)
    scene.server.keys.append(scene.second.signer.jwk("second"))
    scene.clock.move(RETRY_SECONDS)
    assert await scene.identify(scene.second)
    assert await scene.identify(scene.first)


async def test_a_withdrawn_key_is_refused_once_the_set_is_read_again(scene: Scene) -> None:
    await scene.identify(scene.first)
    scene.server.keys[:] = [scene.second.signer.jwk("second")]
    scene.clock.move(FRESH_SECONDS)
    with pytest.raises(
        TokenRefused, match=r"^kid: the token names first; the published keys are second$"
    ):
        await scene.identify(scene.first)


async def test_unknown_kids_do_not_make_us_ask_again_and_again(scene: Scene) -> None:
    await scene.identify(scene.first)
    stranger = FakePlatform("paper", Ed25519Signer(), "stranger")
    for _ in range(20):
        with pytest.raises(TokenRefused, match=r"^kid: "):
            await scene.identify(stranger)
    assert scene.server.asked == 1, "the set was read a moment ago"
    scene.clock.move(RETRY_SECONDS)
    for _ in range(20):
        with pytest.raises(TokenRefused, match=r"^kid: "):
            await scene.identify(stranger)
    assert scene.server.asked == 2


AWAY: dict[str, Callable[[], Response]] = {
    "status 500": lambda: PlainTextResponse("sorry", 500),
    "status 404": lambda: PlainTextResponse("gone", 404),
    "a redirect": lambda: RedirectResponse("http://169.254.169.254/latest/meta-data"),
    "too much": lambda: PlainTextResponse(" " * (MAX_ANSWER_BYTES + 1)),
    "packed": lambda: Response(b"\x1f\x8b", headers={"content-encoding": "gzip"}),
    "no JSON": lambda: PlainTextResponse("<html>"),
    "nested deeply": lambda: PlainTextResponse("[" * 20_000),
    "not UTF-8": lambda: Response(b'{"keys":"\xff"}'),
    "no object": lambda: JSONResponse([]),
    "no list": lambda: JSONResponse({"keys": {}}),
    "no keys": lambda: JSONResponse({"keys": []}),
    "no usable key": lambda: JSONResponse({"keys": [RsaSigner().jwk("r"), 7, None, {}]}),
    "too many keys": lambda: JSONResponse(
        {"keys": [Ed25519Signer().jwk(str(n)) for n in range(33)]}
    ),
}


@pytest.mark.parametrize("fault", AWAY)
async def test_what_was_read_stays_in_use_while_the_address_is_unavailable(
    scene: Scene, fault: str
) -> None:
    await scene.identify(scene.first)
    scene.server.answer = AWAY[fault]()
    scene.clock.move(FRESH_SECONDS * 10)
    for _ in range(5):
        assert await scene.identify(scene.first)
    assert scene.server.asked == 2, "an address that is away is spared"
    scene.server.answer = None
    scene.server.keys.append(scene.second.signer.jwk("second"))
    scene.clock.move(RETRY_SECONDS)
    assert await scene.identify(scene.second)


@pytest.mark.parametrize("fault", AWAY)
async def test_without_keys_ever_read_sign_in_is_unavailable_and_recovers(
    scene: Scene, fault: str
) -> None:
    scene.server.answer = AWAY[fault]()
    for _ in range(3):
        with pytest.raises(Unavailable, match=r"^the keys of paper cannot be fetched now$"):
            await scene.identify(scene.first)
    assert scene.server.asked == 1
    scene.server.answer = None
    scene.clock.move(RETRY_SECONDS)
    assert await scene.identify(scene.first)


async def test_an_address_that_never_answers_is_given_up(scene: Scene) -> None:
    scene.sign_in = scene.make_sign_in({scene.server.host: scene.server.app}, deadline_seconds=0.05)
    scene.server.held = asyncio.Event()
    with pytest.raises(Unavailable):
        await scene.identify(scene.first)
    scene.server.held = None

    async def is_signed_in() -> bool:
        scene.clock.move(RETRY_SECONDS)
        with suppress(Unavailable):
            return bool(await scene.identify(scene.first))
        return False

    await eventually(is_signed_in)


async def test_stale_keys_serve_the_others_while_one_asks(scene: Scene) -> None:
    await scene.identify(scene.first)
    scene.clock.move(FRESH_SECONDS)
    scene.server.held = asyncio.Event()
    scene.server.arrived.clear()
    asking = asyncio.create_task(scene.identify(scene.first))
    await scene.server.arrived.wait()
    assert await scene.identify(scene.first), "did not wait for the one that asks"
    assert not asking.done()
    scene.server.held.set()
    assert await asking


async def test_a_user_who_leaves_while_asking_spoils_it_for_nobody(scene: Scene) -> None:
    scene.server.held = asyncio.Event()
    leaving = asyncio.create_task(scene.identify(scene.first))
    await scene.server.arrived.wait()
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    scene.server.held = None
    assert await scene.identify(scene.first)


async def test_a_flood_at_a_hanging_provider_is_bounded(
    make_sign_in: SignInMaker, make_platform: MakePlatform, clock: MovableClock
) -> None:
    """One call each: the platforms do not share what they remember, but they share the host."""
    server = FakeKeyServer()
    server.held = asyncio.Event()
    sign_in = make_sign_in({server.host: server.app})
    signer = FakePlatform("paper", kid="k")
    tries = [
        asyncio.ensure_future(
            sign_in.identify(
                make_platform({"jwks_url": server.url}, platform_id=number),
                signer.token("craftsmen", "u", clock.seconds()),
                contest_slug="craftsmen",
            )
        )
        for number in range(1, MAX_CALLS_PER_HOST + 11)
    ]
    await eventually(lambda: server.asked + sum(item.done() for item in tries) == len(tries))
    assert server.asked == MAX_CALLS_PER_HOST
    assert all(isinstance(item.exception(), Unavailable) for item in tries if item.done())
    for item in tries:
        item.cancel()
    await asyncio.gather(*tries, return_exceptions=True)


def secret_ec() -> dict[str, Any]:
    return {**P256Signer().jwk(), "d": "AAAA"}


BAD_KEYS: dict[str, tuple[Callable[[], object], str]] = {
    "a text": (lambda: "key", "must be a JWK"),
    "private": (secret_ec, "contains a secret key"),
    "symmetric": (lambda: HmacSigner(b"s" * 32).jwk(), "contains a secret key"),
    "RSA": (lambda: RsaSigner().jwk(), "is not a key for EdDSA or ES256"),
    "Ed448": (lambda: Ed448Signer().jwk(), "is not a key for EdDSA or ES256"),
    "kty a list": (lambda: {"kty": ["OKP"]}, "is not a key for EdDSA or ES256"),
    "no kty": (dict, "is not a key for EdDSA or ES256"),
    "a member missing": (lambda: {"kty": "OKP", "crv": "Ed25519"}, "is not a valid key"),
    "a member of another type": (
        lambda: {"kty": "OKP", "crv": "Ed25519", "x": 7},
        "is not a valid key",
    ),
    "too short": (lambda: {"kty": "OKP", "crv": "Ed25519", "x": "AA"}, "is not a valid key"),
    "off the curve": (
        lambda: {**P256Signer().jwk(), "y": P256Signer().jwk()["y"]},
        "is not a valid key",
    ),
    "for encryption": (lambda: {**Ed25519Signer().jwk(), "use": "enc"}, "not for sign"),
    "for signing only": (
        lambda: {**Ed25519Signer().jwk(), "key_ops": ["sign"]},
        "is not for verifying",
    ),
    "other alg": (lambda: {**Ed25519Signer().jwk(), "alg": "HS256"}, "alg must be EdDSA"),
    "kid a number": (lambda: {**Ed25519Signer().jwk(), "kid": 1}, "kid must be"),
}


@pytest.mark.parametrize("case", BAD_KEYS)
def test_a_key_that_cannot_be_used_gives_the_reason(case: str) -> None:
    make, reason = BAD_KEYS[case]
    with pytest.raises(InvalidInput, match=reason):
        read_key(make(), ("EdDSA", "ES256"))


def test_a_short_rsa_key_is_refused_for_its_size() -> None:
    with pytest.raises(InvalidInput, match="2048 to 4096 bits"):
        read_key(RsaSigner(1024).jwk(), ("RS256",))


def test_every_fault_of_pinned_keys_is_named_at_once() -> None:
    with pytest.raises(InvalidInput) as fault:
        PinnedKeys([secret_ec(), Ed25519Signer().jwk("a"), "x"], ("EdDSA",), "config.keys")
    assert [item.field for item in fault.value.faults] == ["config.keys[0]", "config.keys[2]"]


@pytest.mark.parametrize("kids", [(None, "a"), ("a", "a"), (None, None)], ids=str)
def test_several_keys_need_kids_of_their_own(kids: tuple[str | None, ...]) -> None:
    with pytest.raises(InvalidInput, match="needs a kid of its own"):
        PinnedKeys([Ed25519Signer().jwk(kid) for kid in kids], ("EdDSA",), "config.keys")
