"""Signing in under hostile hands: tokens that no platform of the contest signed for it."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.contest_data import SLUG, make_platform
from tests.fakes.signers import (
    Ed25519Signer,
    HmacSigner,
    P256Signer,
    RsaSigner,
    Signer,
    base64url,
    compact,
)
from tests.sites.public.api.running_service import (
    OTHER_SLUG,
    SESSIONS,
    Service,
    check_problem,
)
from voting_service.errors import TokenRefused
from voting_service.voting.voters.platform_adapters.jwt import Claims, check_claims


def check_refused(answer: httpx.Response, *words: str) -> None:
    problem = check_problem(answer, 401)
    assert problem["type"] == "/problems/token-refused"
    assert answer.headers["www-authenticate"] == "Bearer"
    for word in words:
        assert word in problem["detail"], problem["detail"]


def claims(shared_service: Service, **more: Any) -> dict[str, Any]:
    return {**shared_service.demo.claims(SLUG, "reader-1", shared_service.now_seconds()), **more}


def without(shared_service: Service, name: str) -> dict[str, Any]:
    return {key: value for key, value in claims(shared_service).items() if key != name}


# The claims as changed from good ones, and the word of the refusal.
CLAIMS: dict[str, tuple[Callable[[Service], Mapping[str, Any]], str]] = {
    "no iss": (lambda f: without(f, "iss"), "iss"),
    "iss of another platform": (lambda f: claims(f, iss="other"), "iss"),
    "iss empty": (lambda f: claims(f, iss=""), "iss"),
    "iss a number": (lambda f: claims(f, iss=1), "iss"),
    "iss null": (lambda f: claims(f, iss=None), "iss"),
    "iss with a blank": (lambda f: claims(f, iss="demo "), "iss"),
    "no aud": (lambda f: without(f, "aud"), "aud"),
    "aud of another contest": (lambda f: claims(f, aud=OTHER_SLUG), "aud"),
    "aud unknown": (lambda f: claims(f, aud="nobody-2022"), "aud"),
    "aud two contests": (lambda f: claims(f, aud=[SLUG, OTHER_SLUG]), "aud"),
    "aud empty list": (lambda f: claims(f, aud=[]), "aud"),
    "aud a number": (lambda f: claims(f, aud=1), "aud"),
    "aud an object": (lambda f: claims(f, aud={SLUG: 1}), "aud"),
    "aud in capitals": (lambda f: claims(f, aud=SLUG.upper()), "aud"),
    "no sub": (lambda f: without(f, "sub"), "sub"),
    "sub empty": (lambda f: claims(f, sub=""), "sub"),
    "sub null": (lambda f: claims(f, sub=None), "sub"),
    "sub a number": (lambda f: claims(f, sub=12345), "sub"),
    "sub true": (lambda f: claims(f, sub=True), "sub"),
    "sub a list": (lambda f: claims(f, sub=["reader-1"]), "sub"),
    "sub huge": (lambda f: claims(f, sub="x" * 2000), "sub"),
    "sub one too long": (lambda f: claims(f, sub="x" * 129), "sub"),
    "sub with NUL": (lambda f: claims(f, sub="reader\0-1"), "sub"),
    "sub with a newline": (lambda f: claims(f, sub="reader-1\n"), "sub"),
    "sub with a zero-width space": (lambda f: claims(f, sub="reader-1\u200b"), "sub"),
    "sub with a text direction mark": (lambda f: claims(f, sub="\u202ereader"), "sub"),
    "sub a lone surrogate": (lambda f: claims(f, sub="\ud800"), "claims"),
    "no iat": (lambda f: without(f, "iat"), "iat"),
    "iat in the future": (
        lambda f: claims(f, iat=f.now_seconds() + 60, exp=f.now_seconds() + 120),
        "iat",
    ),
    "iat negative": (lambda f: claims(f, iat=-1), "iat"),
    "iat a float": (lambda f: claims(f, iat=f.now_seconds() + 0.5), "iat"),
    "iat a text": (lambda f: claims(f, iat=str(f.now_seconds())), "iat"),
    "iat huge": (lambda f: claims(f, iat=10**30, exp=10**30 + 60), "iat"),
    "no exp": (lambda f: without(f, "exp"), "exp"),
    "expired": (
        lambda f: claims(f, iat=f.now_seconds() - 200, exp=f.now_seconds() - 100),
        "exp",
    ),
    "expired before it was issued": (lambda f: claims(f, exp=f.now_seconds() - 10), "exp"),
    "exp equals iat": (lambda f: claims(f, exp=f.now_seconds()), "exp"),
    "exp too long": (lambda f: claims(f, exp=f.now_seconds() + 121), "exp"),
    "exp a year": (lambda f: claims(f, exp=f.now_seconds() + 86400 * 365), "exp"),
    "exp true": (lambda f: claims(f, exp=True), "exp"),
    "exp null": (lambda f: claims(f, exp=None), "exp"),
    "exp 1e400": (lambda f: claims(f, exp=float("inf")), "claims"),
    "exp a float": (lambda f: claims(f, exp=f.now_seconds() + 60.0), "exp"),
    "nbf in the future": (lambda f: claims(f, nbf=f.now_seconds() + 60), "nbf"),
    "no jti": (lambda f: without(f, "jti"), "jti"),
    "jti empty": (lambda f: claims(f, jti=""), "jti"),
    "jti null": (lambda f: claims(f, jti=None), "jti"),
    "jti a number": (lambda f: claims(f, jti=7), "jti"),
    "jti huge": (lambda f: claims(f, jti="j" * 129), "jti"),
    "jti with NUL": (lambda f: claims(f, jti="a\0b"), "jti"),
    "person": (lambda f: claims(f, person="7f" * 32), "person"),
    "person empty": (lambda f: claims(f, person=""), "person"),
    "person a number": (lambda f: claims(f, person=13800000000), "person"),
    "account created in the future": (
        lambda f: claims(f, account_created="2999-01-01"),
        "account_created",
    ),
    "account created never": (
        lambda f: claims(f, account_created="2022-02-30"),
        "account_created",
    ),
}


@pytest.mark.parametrize(("make", "word"), CLAIMS.values(), ids=CLAIMS.keys())
async def test_claims_that_break_a_rule_are_401(
    shared_service: Service, make: Callable[[Service], Mapping[str, Any]], word: str
) -> None:
    token = compact(shared_service.demo.signer, make(shared_service), shared_service.demo.header())
    answer = await shared_service.client.post(
        SESSIONS, json={"platform": "demo", "token": token, "contest": SLUG}
    )
    check_refused(answer, word)


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"iat": 45, "exp": 100}, "iat: is 45 s in the future by our clock; 30 s are tolerated"),
        ({"iat": 0, "exp": 60, "nbf": 90}, "nbf: is 90 s in the future by our clock"),
        ({"iat": -200, "exp": -100}, "exp: the token expired 100 s ago by our clock"),
    ],
)
async def test_a_wrong_moment_is_shown_with_how_far_it_is_off(
    changes: Mapping[str, int], detail: str
) -> None:
    now = datetime(2022, 7, 18, 9, tzinfo=UTC)
    moments = {name: int(now.timestamp()) + seconds for name, seconds in changes.items()}
    claims: dict[str, Any] = {"iss": "demo", "aud": SLUG, "sub": "reader-1", "jti": "1", **moments}
    with pytest.raises(TokenRefused, match=re.escape(detail)):
        check_claims(Claims(**claims), make_platform(), contest_slug=SLUG, now=now)


# What is no token that names its contest, and what the platform's engineers are shown.
NAMELESS: dict[str, tuple[Callable[[Service], str], str]] = {
    "empty": (lambda _: "", "token: is empty"),
    "a word": (lambda _: "no-token", "token: must be three"),
    "a part missing": (lambda f: f.token().rpartition(".")[0], "token: must be three"),
    "a dot too many": (lambda f: f.token() + ".", "token: must be three"),
    "a broken header": (lambda f: "*" + f.token()[4:], "header: "),
    "broken claims": (lambda f: ".".join([f.token().split(".")[0], "W10", "c2ln"]), "claims: "),
    "claims of no base64": (lambda f: ".".join([f.token().split(".")[0], "a", "c2ln"]), "claims: "),
    "no aud": (
        lambda f: compact(f.demo.signer, without(f, "aud"), f.demo.header()), "aud: is missing"
    ),
    "two audiences": (lambda f: f.token(aud=[SLUG, OTHER_SLUG]), "aud: must name one contest"),
    "aud a number": (lambda f: f.token(aud=7), "aud: "),
    "too long": (lambda f: f.token(sub="x" * 5000), "token: is longer than 4096 bytes"),
    "an algorithm we do not take, and no aud": (
        lambda f: compact(RsaSigner(), without(f, "aud"), {"alg": "RS256"}), "aud: is missing"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("make", "words"), NAMELESS.values(), ids=NAMELESS.keys())
async def test_a_malformed_token_is_shown_what_is_wrong_with_it_where_several_contests_run(
    shared_service: Service, make: Callable[[Service], str], words: str
) -> None:
    answer = await shared_service.sign_in(make(shared_service))
    check_refused(answer, words)
    assert "name the contest" not in answer.json()["detail"]


PAYLOADS = {
    "empty": b"",
    "null": b"null",
    "a text": b'"reader-1"',
    "a number": b"1",
    "a list": b"[]",
    "an empty object": b"{}",
    "truncated": b'{"iss":"demo"',
    "a byte order mark": b"\xef\xbb\xbf{}",
    "not UTF-8": b'{"iss":"\xff"}',
    "NaN": b'{"iss":"demo","iat":NaN}',
    "deep": b"[" * 1500,
    "iss twice": b'{"iss":"other","iss":"demo"}',
}


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS.keys())
async def test_payloads_that_are_no_claims_are_401(shared_service: Service, payload: bytes) -> None:
    token = compact(shared_service.demo.signer, payload, shared_service.demo.header())
    answer = await shared_service.client.post(
        SESSIONS, json={"platform": "demo", "token": token, "contest": SLUG}
    )
    check_refused(answer)


def public_bytes(shared_service: Service) -> bytes:
    signer = shared_service.demo.signer
    assert isinstance(signer, Ed25519Signer)
    return signer.key.public_key().public_bytes_raw()


def public_pem(shared_service: Service) -> bytes:
    signer = shared_service.demo.signer
    assert isinstance(signer, Ed25519Signer)
    return signer.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


class Unsigned:
    alg = "none"

    def jwk(self, kid: str | None = None) -> dict[str, Any]:
        return {}

    def sign(self, message: bytes) -> bytes:
        return b""


STRANGER = Ed25519Signer()
KID = {"kid": "demo-key"}

# A header and the signer that goes with it.
SIGNATURES: dict[str, tuple[Mapping[str, Any], Callable[[Service], Signer]]] = {
    "alg none": ({"alg": "none", **KID}, lambda f: Unsigned()),
    "alg None": ({"alg": "None", **KID}, lambda f: Unsigned()),
    "alg NONE": ({"alg": "NONE", **KID}, lambda f: Unsigned()),
    "alg none, no kid": ({"alg": "none"}, lambda f: Unsigned()),
    "alg empty": ({"alg": "", **KID}, lambda f: Unsigned()),
    "alg null": ({"alg": None, **KID}, lambda f: f.demo.signer),
    "no alg": (KID, lambda f: f.demo.signer),
    "alg a list": ({"alg": ["EdDSA"], **KID}, lambda f: f.demo.signer),
    "alg in another case": ({"alg": "eddsa", **KID}, lambda f: f.demo.signer),
    "right alg, no signature": ({"alg": "EdDSA", **KID}, lambda f: Unsigned()),
    "HS256 with the public key": (
        {"alg": "HS256", **KID},
        lambda f: HmacSigner(public_bytes(f)),
    ),
    "HS256 with the public key's file": (
        {"alg": "HS256", **KID},
        lambda f: HmacSigner(public_pem(f)),
    ),
    "EdDSA that is an HMAC of the public key": (
        {"alg": "EdDSA", **KID},
        lambda f: HmacSigner(public_bytes(f)),
    ),
    "HS256 with nothing": ({"alg": "HS256", **KID}, lambda f: HmacSigner(b"")),
    "RS256": ({"alg": "RS256", **KID}, lambda f: RsaSigner()),
    "ES256 of a stranger": ({"alg": "ES256", **KID}, lambda f: P256Signer()),
    "ES256 in name only": ({"alg": "ES256", **KID}, lambda f: f.demo.signer),
    "a stranger's key": ({"alg": "EdDSA", **KID}, lambda f: STRANGER),
    "another platform's key": ({"alg": "EdDSA", **KID}, lambda f: f.other.signer),
    "another platform's key, no kid": ({"alg": "EdDSA"}, lambda f: f.other.signer),
    "a stranger's key, brought along": (
        {"alg": "EdDSA", "jwk": STRANGER.jwk(), **KID},
        lambda f: STRANGER,
    ),
    "the right key, brought along": (
        {"alg": "EdDSA", "jwk": {}, **KID},
        lambda f: f.demo.signer,
    ),
    "an address of keys": (
        {"alg": "EdDSA", "jku": "https://evil.example/keys", **KID},
        lambda f: STRANGER,
    ),
    "an address of certificates": (
        {"alg": "EdDSA", "x5u": "https://evil.example/cert", **KID},
        lambda f: STRANGER,
    ),
    "a certificate": ({"alg": "EdDSA", "x5c": ["AAAA"], **KID}, lambda f: STRANGER),
    "critical extension": (
        {"alg": "EdDSA", "crit": ["exp"], **KID},
        lambda f: f.demo.signer,
    ),
    "payload not encoded": ({"alg": "EdDSA", "b64": False, **KID}, lambda f: f.demo.signer),
    "kid unknown": ({"alg": "EdDSA", "kid": "demo-key-2"}, lambda f: f.demo.signer),
    "kid empty": ({"alg": "EdDSA", "kid": ""}, lambda f: f.demo.signer),
    "kid a number": ({"alg": "EdDSA", "kid": 1}, lambda f: f.demo.signer),
    "kid a path": ({"alg": "EdDSA", "kid": "../../dev/null"}, lambda f: HmacSigner(b"")),
    "kid with SQL": ({"alg": "EdDSA", "kid": "' or '1'='1"}, lambda f: f.demo.signer),
    "kid huge": ({"alg": "EdDSA", "kid": "k" * 1500}, lambda f: f.demo.signer),
}


@pytest.mark.parametrize(("header", "signer"), SIGNATURES.values(), ids=SIGNATURES.keys())
async def test_headers_and_signatures_that_are_not_the_platforms_are_401(
    shared_service: Service, header: Mapping[str, Any], signer: Callable[[Service], Signer]
) -> None:
    check_refused(
        await shared_service.sign_in(
            compact(signer(shared_service), claims(shared_service), header)
        )
    )


SPELLINGS: dict[str, Callable[[str], str]] = {
    "empty": lambda token: "",
    "one dot": lambda token: ".",
    "two dots": lambda token: "..",
    "no signature part": lambda token: token.rpartition(".")[0],
    "empty signature": lambda token: token.rpartition(".")[0] + ".",
    "four parts": lambda token: token + ".x",
    "encrypted form": lambda token: token + ".x.y",
    "blank in front": lambda token: " " + token,
    "newline behind": lambda token: token + "\n",
    "Bearer in front": lambda token: "Bearer " + token,
    "padding": lambda token: token + "==",
    "header cut": lambda token: token[5:],
    "payload cut": lambda token: ".".join(
        part[:-4] if at == 1 else part for at, part in enumerate(token.split("."))
    ),
    "signature cut": lambda token: token[:-8],
    "signature of zeros": lambda token: token.rpartition(".")[0] + "." + "A" * 86,
    "non-ASCII": lambda token: token + "é",
    "Chinese": lambda token: "令牌.令牌.令牌",
    "NUL": lambda token: token + "\0",
    "huge": lambda token: token + "A" * 4000,
    "garbage": lambda token: "!!!.@@@.###",
    "JSON form": lambda token: json.dumps({"payload": token.split(".")[1], "signatures": []}),
}


@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS.keys())
async def test_spellings_that_are_no_token_are_401(
    shared_service: Service, spell: Callable[[str], str]
) -> None:
    check_refused(await shared_service.sign_in(spell(shared_service.token())))


@pytest.mark.parametrize("part", [0, 1, 2], ids=["header", "payload", "signature"])
async def test_a_token_with_a_flipped_bit_is_401(shared_service: Service, part: int) -> None:
    parts = shared_service.token().split(".")
    raw = urlsafe_b64decode(parts[part] + "==")
    for place in range(0, len(raw), 7):
        flipped = raw[:place] + bytes((raw[place] ^ 1 << place % 8,)) + raw[place + 1 :]
        spoilt = ".".join([*parts[:part], base64url(flipped), *parts[part + 1 :]])
        answer = await shared_service.client.post(
            SESSIONS, json={"platform": "demo", "token": spoilt, "contest": SLUG}
        )
        check_refused(answer)


async def test_a_token_is_good_once(service: Service) -> None:
    token = service.token("reader-1")
    assert (await service.sign_in(token)).status_code == 201
    check_refused(await service.sign_in(token), "jti")
    check_refused(await service.sign_in(token + ""), "jti")


async def test_a_jti_is_used_up_whatever_else_the_second_token_states(service: Service) -> None:
    assert (await service.sign_in(service.token("reader-1", jti="one"))).status_code == 201
    check_refused(await service.sign_in(service.token("reader-2", jti="one")), "jti")


async def test_a_refused_token_does_not_use_up_the_jti(service: Service) -> None:
    check_refused(await service.sign_in(service.token(jti="one", exp=1)))
    forged = compact(STRANGER, claims(service, jti="one"), {"alg": "EdDSA", **KID})
    check_refused(await service.sign_in(forged))
    assert (await service.sign_in(service.token(jti="one"))).status_code == 201


async def test_a_token_of_a_switched_off_platform_is_401(shared_service: Service) -> None:
    token = shared_service.disabled.token(SLUG, "reader-1", shared_service.now_seconds())
    check_refused(await shared_service.sign_in(token, "disabled"))


@pytest.mark.parametrize(
    "platform", ["", "nobody", "demo ", "DEMO", "demo\0", "../demo", "other", "x" * 5000]
)
async def test_a_token_given_in_for_another_platform_is_401(
    shared_service: Service, platform: str
) -> None:
    check_refused(await shared_service.sign_in(shared_service.token(), platform))


async def test_the_contest_asked_for_must_be_the_tokens(shared_service: Service) -> None:
    answer = await shared_service.client.post(
        SESSIONS, json={"platform": "demo", "token": shared_service.token(), "contest": OTHER_SLUG}
    )
    check_refused(answer, "aud")


BODIES = {
    "empty": (b"", 400, None),
    "no JSON": (b"platform=demo", 400, None),
    "not UTF-8": (b'{"platform":"\xff","token":"t"}', 400, None),
    "lone surrogate": (b'{"platform":"demo","token":"\\ud800"}', 400, None),
    "byte order mark": (b'\xef\xbb\xbf{"platform":"demo","token":"t"}', 400, None),
    "a list": (b"[]", 422, ""),
    "an empty object": (b"{}", 422, "platform"),
    "no token": (b'{"platform":"demo"}', 422, "token"),
    "no platform": (b'{"token":"t"}', 422, "platform"),
    "platform a number": (b'{"platform":1,"token":"t"}', 422, "platform"),
    "platform null": (b'{"platform":null,"token":"t"}', 422, "platform"),
    "platform true": (b'{"platform":true,"token":"t"}', 422, "platform"),
    "token a list": (b'{"platform":"demo","token":["t"]}', 422, "token"),
    "token null": (b'{"platform":"demo","token":null}', 422, "token"),
    "token an object": (b'{"platform":"demo","token":{}}', 422, "token"),
    "contest a number": (b'{"platform":"demo","token":"t","contest":1}', 422, "contest"),
    "unknown key": (b'{"platform":"demo","token":"t","sub":"me"}', 422, "sub"),
    "platform twice": (b'{"platform":"other","platform":"demo","token":"t"}', 422, "platform"),
    "token twice, once escaped": (
        b'{"platform":"demo","token":"a","\\u0074oken":"b"}',
        422,
        "token",
    ),
    "too large": (b'{"platform":"demo","token":"%s"}' % (b"t" * 8192), 413, None),
    "deep": (b"[" * 8000, 422, ""),
}


@pytest.mark.parametrize(("body", "status", "field"), BODIES.values(), ids=BODIES.keys())
async def test_sign_ins_that_are_none_are_refused(
    shared_service: Service, body: bytes, status: int, field: str | None
) -> None:
    check_problem(await shared_service.post_bytes(SESSIONS, body), status, field)


async def test_a_sign_in_that_is_not_declared_as_json_is_415(shared_service: Service) -> None:
    body = json.dumps({"platform": "demo", "token": shared_service.token()})
    check_problem(await shared_service.client.post(SESSIONS, content=body), 415)
    for headers in ({"content-type": "text/plain"}, {"content-encoding": "gzip"}):
        check_problem(await shared_service.post_bytes(SESSIONS, body.encode(), headers), 415)


async def test_a_session_is_not_for_caches(service: Service) -> None:
    answer = await service.sign_in(service.token())
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    assert set(answer.json()) == {"session", "expires_at"}


async def test_clocks_may_differ_by_half_a_minute(service: Service) -> None:
    now = service.now_seconds()
    for iat, exp in ((now - 140, now - 20), (now + 20, now + 140)):
        assert (await service.sign_in(service.token(iat=iat, exp=exp))).status_code == 201
