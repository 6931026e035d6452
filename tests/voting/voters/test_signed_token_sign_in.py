"""A platform's signed token: what is taken, and each rule by which it is refused."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from tests.fakes.signers import (
    Ed25519Signer,
    FakePlatform,
    HmacSigner,
    P256Signer,
    RsaSigner,
    base64url,
    compact,
)
from tests.voting.voters.conftest import MovableClock, SignInMaker
from voting_service.contests.model import Platform
from voting_service.errors import TokenRefused, Unavailable
from voting_service.infrastructure.valkey import Valkey
from voting_service.voting.voters.identity import Identity

CONTEST = "craftsmen"
NOW = int(datetime(2022, 7, 18, 4, 0, tzinfo=UTC).timestamp())
PAPER = FakePlatform("paper")
OTHER = FakePlatform("other")
EC_PLATFORM = FakePlatform("paper", P256Signer())
RSA = RsaSigner()

MakePlatform = Callable[..., Platform]
Identify = Callable[[str], Any]


@pytest.fixture
def identify(make_sign_in: SignInMaker, make_platform: MakePlatform) -> Identify:
    """Signs in to the platform "paper", which has pinned PAPER's key."""
    sign_in, platform = make_sign_in(), make_platform({"keys": [PAPER.signer.jwk()]})
    return lambda token: sign_in.identify(platform, token, contest_slug=CONTEST)


@pytest.fixture
def identify_person(make_sign_in: SignInMaker, make_platform: MakePlatform) -> Identify:
    """The same for a platform that names the person in every token."""
    platform = make_platform({"keys": [PAPER.signer.jwk()]}, person_policy="required")
    sign_in = make_sign_in()
    return lambda token: sign_in.identify(platform, token, contest_slug=CONTEST)


def token(**more: Any) -> str:
    return PAPER.token(CONTEST, "user-1", NOW, **more)


def without(*names: str) -> str:
    claims = PAPER.claims(CONTEST, "user-1", NOW)
    return compact(
        PAPER.signer, {k: v for k, v in claims.items() if k not in names}, PAPER.header()
    )


def headed(**header: Any) -> str:
    claims = PAPER.claims(CONTEST, "user-1", NOW)
    return compact(PAPER.signer, claims, {**PAPER.header(), **header})


def raw_claims(change: Callable[[str], str]) -> str:
    text = change(json.dumps(PAPER.claims(CONTEST, "user-1", NOW)))
    return compact(PAPER.signer, text.encode(), PAPER.header())


def unsigned(alg: str, signature: str = "") -> str:
    head, body, _ = headed(alg=alg).split(".")
    return f"{head}.{body}.{signature}"


def signed_by(signer: Any, **header: Any) -> str:
    claims = PAPER.claims(CONTEST, "user-1", NOW)
    return compact(signer, claims, {"alg": signer.alg, **header})


def parts() -> list[str]:
    return token().split(".")


def flipped_signature() -> str:
    head, body, signature = parts()
    raw = bytearray(urlsafe_b64decode(signature + "=="))
    raw[10] ^= 1
    return f"{head}.{body}.{base64url(bytes(raw))}"


def public_key_as_secret() -> HmacSigner:
    """The classic confusion: the published key taken for an HMAC secret."""
    return HmacSigner(urlsafe_b64decode(PAPER.signer.jwk()["x"] + "="))


ALG = "alg: the platform's key signs with EdDSA; the token names"
ID = "must be a text of 1 to 128 characters"
SECONDS = "must be a whole number, 0 or more"

REFUSED: dict[str, tuple[Callable[[], str], str]] = {
    # the token as a whole
    "empty": (lambda: "", "token: is empty"),
    "with its scheme": (lambda: f"Bearer {token()}", "token: begins with Bearer; remove Bearer"),
    "one part": (lambda: "abc", "token: must be three"),
    "two parts": (lambda: ".".join(parts()[:2]), "token: must be three"),
    "four parts": (lambda: ".".join([*parts(), "AA"]), "token: must be three"),
    "five parts, as JWE": (lambda: "a.b.c.d.e", "token: must be three"),
    "not ASCII": (lambda: "е" + token()[1:], "token: must be three"),
    "a half surrogate": (lambda: "\ud800" + token(), "token: must be three"),
    "a space in front": (lambda: " " + token(), "header: is not base64url"),
    "a line end behind": (lambda: token() + "\n", "signature: "),
    "too long": (lambda: token(sub="a" * 100, more="b" * 4096), "token: is longer than 4096"),
    # the header
    "header: empty": (lambda: ".".join(["", *parts()[1:]]), "header: is not valid JSON"),
    "header: padded": (lambda: "eyJhIjoxfQ==.e30.AA", "header: is not base64url"),
    "header: standard base64": (lambda: "+/+/.e30.AA", "header: is not base64url"),
    "header: no JSON": (lambda: f"{base64url(b'nonsense')}.e30.AA", "header: is not valid JSON"),
    "header: no object": (lambda: f"{base64url(b'[1]')}.e30.AA", "header: must be an object"),
    "header: a text": (lambda: base64url(b'"alg b64"') + ".e30.AA", "header: must be an object"),
    "header: not UTF-8": (
        lambda: f"{base64url(bytes([123, 34, 255, 34, 58, 49, 125]))}.e30.AA",
        "header: is not valid JSON",
    ),
    "header: nested deeply": (
        lambda: base64url(b'{"x":' * 300) + ".e30.AA",
        "header: is not valid JSON",
    ),
    "header: alg twice": (
        lambda: compact(PAPER.signer, b"{}", b'{"alg":"none","alg":"EdDSA"}'),
        "alg: this key is given twice",
    ),
    "alg: missing": (
        lambda: compact(PAPER.signer, {}, {"typ": "JWT"}),
        "alg: the platform's key signs with EdDSA; the token names null",
    ),
    "alg: none": (lambda: unsigned("none"), f"{ALG} none: the token is not signed"),
    "alg: none, signed": (lambda: headed(alg="none"), f"{ALG} none"),
    "alg: None": (lambda: unsigned("None"), f"{ALG} None"),
    "alg: empty": (lambda: unsigned(""), f"{ALG} empty"),
    "alg: null": (lambda: headed(alg=None), f"{ALG} null"),
    "alg: a list": (lambda: headed(alg=["EdDSA"]), f"{ALG} a list of 1"),
    "alg: a number": (lambda: headed(alg=1), f"{ALG} the number 1"),
    "alg: lower case": (lambda: headed(alg="eddsa"), f"{ALG} eddsa"),
    "alg: HS256 with the public key": (
        lambda: signed_by(public_key_as_secret()),
        f"{ALG} HS256",
    ),
    "alg: RS256": (lambda: signed_by(RSA), f"{ALG} RS256"),
    "alg: ES256 for an Ed25519 key": (
        lambda: signed_by(P256Signer()),
        f"{ALG} ES256",
    ),
    "crit": (lambda: headed(crit=["exp"]), "crit: is not allowed"),
    "crit: empty": (lambda: headed(crit=[]), "crit: is not allowed"),
    "b64: unencoded payload": (lambda: headed(b64=False, crit=["b64"]), "is not allowed"),
    "jwk: brings its own key": (
        lambda: signed_by(OTHER.signer, jwk=OTHER.signer.jwk()),
        "jwk: is not allowed",
    ),
    "jku: says where its key is": (
        lambda: signed_by(OTHER.signer, jku="https://evil.example/jwks"),
        "jku: is not allowed",
    ),
    "x5u": (lambda: headed(x5u="https://evil.example/cert"), "x5u: is not allowed"),
    "x5c": (lambda: headed(x5c=["MIIB"]), "x5c: is not allowed"),
    "kid: a number": (lambda: headed(kid=1), "kid: must be 1 to 256"),
    "kid: null": (lambda: headed(kid=None), "kid: must be 1 to 256"),
    "kid: empty": (lambda: headed(kid=""), "kid: must be 1 to 256"),
    "kid: too long": (lambda: headed(kid="k" * 257), "kid: must be 1 to 256"),
    # the signature
    "signature: missing": (lambda: ".".join([*parts()[:2], ""]), "signature: "),
    "signature: a bit changed": (flipped_signature, "signature: was not made"),
    "signature: another key": (lambda: signed_by(OTHER.signer), "signature: was not made"),
    "signature: of another token": (
        lambda: ".".join([*parts()[:2], parts()[2]]),
        "signature: was not made",
    ),
    "signature: other claims": (
        lambda: ".".join([parts()[0], base64url(b'{"sub":"x"}'), parts()[2]]),
        "signature: was not made",
    ),
    "signature: padded": (lambda: token() + "==", "signature: "),
    "signature: too short": (lambda: token()[:-4], "signature: "),
    # the claims as a whole
    "claims: no JSON": (
        lambda: compact(PAPER.signer, b"nonsense", PAPER.header()),
        "claims: is not valid JSON",
    ),
    "claims: no object": (
        lambda: compact(PAPER.signer, b"[]", PAPER.header()),
        "claims: must be an object; it is a list of 0",
    ),
    "claims: nested deeply": (
        lambda: compact(PAPER.signer, b'{"x":' * 500, PAPER.header()),
        "claims: is not valid JSON",
    ),
    "claims: sub twice": (
        lambda: raw_claims(lambda text: text[:-1] + ', "sub": "user-2"}'),
        "sub: this key is given twice",
    ),
    "claims: NaN": (
        lambda: raw_claims(lambda text: text[:-1] + ', "nbf": NaN}'),
        "claims: is not valid JSON",
    ),
    # iss and aud
    "iss: missing": (lambda: without("iss"), "iss: is missing"),
    "iss: another platform": (lambda: token(iss="other"), "iss: the token names"),
    "iss: a list": (lambda: token(iss=["paper"]), "iss: must be a text; it is a list of 1"),
    "iss: other case": (lambda: token(iss="Paper"), "iss: the token names"),
    "aud: missing": (lambda: without("aud"), "aud: is missing"),
    "aud: another contest": (lambda: token(aud="photographers"), "aud: must be the slug"),
    "aud: two contests": (
        lambda: token(aud=[CONTEST, "photographers"]),
        "aud: must name one contest, and names 2",
    ),
    "aud: twice the same": (lambda: token(aud=[CONTEST, CONTEST]), "aud: must name one contest"),
    "aud: empty list": (lambda: token(aud=[]), "aud: must name one contest, and names 0"),
    "aud: a number in a list": (
        lambda: token(aud=[1]),
        "aud[0]: must be a text; it is the number 1",
    ),
    "aud: null": (lambda: token(aud=None), "aud: must be a text or a list; it is "),
    "aud: an object": (lambda: token(aud={"a": CONTEST}), "aud: must be a text or a list; it is "),
    # sub, jti, person
    "sub: missing": (lambda: without("sub"), "sub: is missing"),
    "sub: empty": (lambda: token(sub=""), f"sub: {ID}; it is empty"),
    "sub: too long": (lambda: token(sub="a" * 129), f"sub: {ID}; it is a text (length 129)"),
    "sub: a number": (lambda: token(sub=7), f"sub: {ID}; it is the number 7"),
    "sub: null": (lambda: token(sub=None), f"sub: {ID}; it is null"),
    "sub: NUL": (lambda: token(sub="a\0b"), "sub: contains characters that cannot be printed"),
    "sub: a line end": (lambda: token(sub="a\nb"), "sub: contains characters"),
    "sub: a space before": (lambda: token(sub=" user-1"), "sub: must not begin or end"),
    "sub: a space after": (lambda: token(sub="user-1 "), "sub: must not begin or end"),
    "sub: a half surrogate": (lambda: token(sub="a\ud800b"), "claims: is not valid JSON"),
    "jti: missing": (lambda: without("jti"), "jti: is missing"),
    "jti: empty": (lambda: token(jti=""), f"jti: {ID}; it is empty"),
    "jti: too long": (lambda: token(jti="a" * 129), f"jti: {ID}; it is a text (length 129)"),
    "jti: a number": (lambda: token(jti=1), f"jti: {ID}; it is the number 1"),
    "jti: NUL": (lambda: token(jti="\0"), "jti: contains characters"),
    "person: given, as this platform never does": (
        lambda: token(person="7f" * 32),
        "person: must be left out",
    ),
    "person: empty": (lambda: token(person=""), "person: must be left out"),
    "person: a number": (
        lambda: token(person=13800000000),
        "person: must be a text, or left out; it is the number 13800000000",
    ),
    # times
    "iat: missing": (lambda: without("iat"), "iat: is missing"),
    "exp: missing": (lambda: without("exp"), "exp: is missing"),
    "iat: a bool": (lambda: token(iat=True), f"iat: {SECONDS}; it is true"),
    "exp: a bool": (lambda: token(exp=True), f"exp: {SECONDS}; it is true"),
    "iat: a float": (lambda: token(iat=NOW + 0.5), f"iat: {SECONDS}; it is the number {NOW}.5"),
    "exp: a whole float": (lambda: token(exp=float(NOW + 60)), f"exp: {SECONDS}; it is the number"),
    "exp: NaN": (lambda: token(exp=float("nan")), "claims: is not valid JSON"),
    "exp: infinite": (lambda: token(exp=float("inf")), "claims: is not valid JSON"),
    "exp: a text": (
        lambda: token(exp=str(NOW + 60)),
        f"exp: {SECONDS}; it is a text (length 10)",
    ),
    "exp: null": (lambda: token(exp=None), f"exp: {SECONDS}; it is null"),
    "iat: negative": (lambda: token(iat=-1), f"iat: {SECONDS}; it is the number -1"),
    "exp: huge": (lambda: token(exp=10**40), "exp: "),
    "exp: with an exponent": (
        lambda: raw_claims(lambda text: text.replace(str(NOW + 120), "1e999")),
        f"exp: {SECONDS}",
    ),
    "exp: before iat": (lambda: token(exp=NOW - 1), "exp: must be after iat"),
    "iat: milliseconds": (
        lambda: token(iat=NOW * 1000, exp=(NOW + 60) * 1000),
        "iat: looks like milliseconds; divide by 1000",
    ),
    "exp: milliseconds": (
        lambda: token(exp=(NOW + 60) * 1000),
        "exp: looks like milliseconds; divide by 1000",
    ),
    "exp: equal to iat": (lambda: token(exp=NOW), "exp: must be after iat"),
    "exp: 121 s after iat": (lambda: token(exp=NOW + 121), "exp: must be at most 120 s"),
    "exp: past": (lambda: token(iat=NOW - 150, exp=NOW - 30), "exp: the token expired 30 s ago"),
    "exp: long past": (lambda: token(iat=1000, exp=1100), "exp: the token expired"),
    "iat: ahead": (lambda: token(iat=NOW + 31, exp=NOW + 90), "iat: is 31 s in the future"),
    "nbf: ahead": (lambda: token(nbf=NOW + 31), "nbf: is 31 s in the future"),
    "nbf: a text": (
        lambda: token(nbf="now"),
        f"nbf: {SECONDS}, or left out; it is a text (length 3)",
    ),
    # account_created
    "account_created: ahead": (
        lambda: token(account_created="2022-07-20"),
        "account_created: is 2 days in the future",
    ),
    "account_created: no date": (
        lambda: token(account_created="2022-02-30"),
        "account_created: must be a date such as",
    ),
    "account_created: short": (
        lambda: token(account_created="20220701"),
        "account_created: must be a date such as",
    ),
    "account_created: a time": (
        lambda: token(account_created="2022-07-01T00:00:00Z"),
        "account_created: must be a date such as",
    ),
    "account_created: a number": (
        lambda: token(account_created=1656633600),
        "account_created: must be a date such as",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_a_token_that_breaks_a_rule_is_refused_with_the_rule(
    identify: Identify, case: str
) -> None:
    make, reason = REFUSED[case]
    with pytest.raises(TokenRefused) as refusal:
        await identify(make())
    assert reason in str(refusal.value)
    assert len(str(refusal.value)) < 200
    assert str(refusal.value).isprintable()


def test_there_are_enough_refused_tokens() -> None:
    assert len(REFUSED) >= 50


async def test_a_good_token_names_the_user(identify: Identify) -> None:
    assert await identify(token()) == Identity(1, "user-1")


async def test_what_a_platform_may_say_besides_is_kept(identify: Identify) -> None:
    output = token(account_created="2019-02-28", nickname="ignored")
    assert await identify(output) == Identity(1, "user-1", None, date(2019, 2, 28))


@pytest.mark.parametrize("spelling", ["7f" * 32, "7F" * 32, "7f7F" * 16])
async def test_a_person_is_the_same_in_every_spelling(
    identify_person: Identify, spelling: str
) -> None:
    signed_in = await identify_person(token(person=spelling))
    assert signed_in == Identity(1, "user-1", b"\x7f" * 32)


@pytest.mark.parametrize(
    ("person", "rule"),
    [
        (None, "missing"),
        ("", "must be 64 hexadecimal digits"),
        ("7f" * 31, "must be 64 hexadecimal digits"),
        ("7f" * 33, "must be 64 hexadecimal digits"),
        ("7f" * 32 + " ", "must be 64 hexadecimal digits"),
        (" " + "7f" * 32, "must be 64 hexadecimal digits"),
        ("7f" * 32 + "\n", "must be 64 hexadecimal digits"),
        ("0x" + "7f" * 31, "must be 64 hexadecimal digits"),
        ("7g" * 32, "must be 64 hexadecimal digits"),
        ("７f" * 32, "must be 64 hexadecimal digits"),
        ("٧f" * 32, "must be 64 hexadecimal digits"),
        ("7f:" * 21 + "7", "must be 64 hexadecimal digits"),
        ("hash-of-zhang", "must be 64 hexadecimal digits"),
        ("\x1b[2J", "must be 64 hexadecimal digits"),
    ],
)
async def test_a_person_that_is_missing_or_of_another_form_is_refused_with_the_rule(
    identify_person: Identify, person: str | None, rule: str
) -> None:
    with pytest.raises(TokenRefused, match=f"person: {rule}"):
        await identify_person(token(person=person))
    with pytest.raises(TokenRefused, match="person: missing"):
        await identify_person(token())


@pytest.mark.parametrize("kind", ["wechat", "openid_connect"])
def test_a_kind_that_cannot_name_the_person_is_not_set_up_to(
    make_sign_in: SignInMaker, make_platform: MakePlatform, kind: str
) -> None:
    platform = make_platform({}, kind=kind, person_policy="required")
    [fault] = make_sign_in().faults(platform)
    assert fault.field == "person_policy"
    assert "never" in fault.message


@pytest.mark.parametrize(
    "more",
    [
        {"aud": [CONTEST]},
        {"sub": "a" * 128},
        {"sub": "用户-1 @微博"},
        {"jti": "a" * 128},
        {"person": None, "account_created": None, "nbf": None},
        {"account_created": "2022-07-18"},
        {"exp": NOW + 120},
        {"iat": NOW + 30, "exp": NOW + 150},
        {"iat": NOW - 149, "exp": NOW - 29},
        {"nbf": NOW + 30},
    ],
    ids=str,
)
async def test_the_limits_themselves_are_taken(identify: Identify, more: dict[str, Any]) -> None:
    # A jti of its own, so that no two cases spend the same one.
    assert await identify(token(**{"jti": f"limit {more}"[:128], **more}))


async def test_a_header_may_say_more_than_is_used(identify: Identify) -> None:
    assert await identify(headed(typ="jwt", cty="x", x5t="abc", vendor={"a": 1}))


async def test_a_platform_in_the_east_may_be_a_date_ahead(
    identify: Identify, clock: MovableClock
) -> None:
    clock.move(14 * 3600)  # 18:00 UTC is 02:00 of the next day in Chongqing
    born = PAPER.token(CONTEST, "user-1", clock.seconds(), account_created="2022-07-19")
    assert (await identify(born)).account_created == date(2022, 7, 19)


async def test_es256_is_taken(make_sign_in: SignInMaker, make_platform: MakePlatform) -> None:
    platform = make_platform({"keys": [EC_PLATFORM.signer.jwk()]})
    good = EC_PLATFORM.token(CONTEST, "user-1", NOW)
    assert await make_sign_in().identify(platform, good, contest_slug=CONTEST)


class DerSigner(P256Signer):
    """Signs as X.509 does, not as RFC 7518 wants it."""

    def sign(self, message: bytes) -> bytes:
        return self.key.sign(message, ec.ECDSA(SHA256()))


async def test_an_es256_signature_in_der_is_refused(
    make_sign_in: SignInMaker, make_platform: MakePlatform
) -> None:
    signer = DerSigner()
    der = FakePlatform("paper", signer).token(CONTEST, "user-1", NOW)
    with pytest.raises(TokenRefused, match=r"signature: has [0-9]+ bytes instead of 64"):
        await make_sign_in().identify(
            make_platform({"keys": [signer.jwk()]}), der, contest_slug=CONTEST
        )


async def test_a_token_is_good_for_one_session(identify: Identify) -> None:
    once = token()
    assert await identify(once)
    with pytest.raises(TokenRefused, match=r"jti: this token was already used"):
        await identify(once)


async def test_a_token_stays_spent_for_as_long_as_it_is_good(
    identify: Identify, clock: MovableClock, valkey_client: Valkey
) -> None:
    ahead = token(iat=NOW + 30, exp=NOW + 150)
    assert await identify(ahead)
    [key] = await valkey_client.command("KEYS", "jti:*")
    assert await valkey_client.command("TTL", key) > 170, "Valkey's clock is not the test's"
    clock.move(179)
    with pytest.raises(TokenRefused, match=r"jti: "):
        await identify(ahead)
    clock.move(1)
    with pytest.raises(TokenRefused, match=r"exp: the token expired"):
        await identify(ahead)


async def test_a_refused_token_is_not_spent(identify: Identify, clock: MovableClock) -> None:
    early = token(iat=NOW + 60, exp=NOW + 120)
    with pytest.raises(TokenRefused, match=r"iat: "):
        await identify(early)
    clock.move(30)
    assert await identify(early)


async def test_the_key_of_one_platform_signs_nobody_in_at_another(
    make_sign_in: SignInMaker, make_platform: MakePlatform
) -> None:
    sign_in = make_sign_in()
    other = make_platform({"keys": [OTHER.signer.jwk()]}, slug="other", platform_id=2)
    paper = make_platform({"keys": [PAPER.signer.jwk()]})
    forged = OTHER.token(CONTEST, "user-1", NOW, iss="paper")
    assert await sign_in.identify(other, OTHER.token(CONTEST, "u", NOW), contest_slug=CONTEST)
    with pytest.raises(TokenRefused, match=r"signature: "):
        await sign_in.identify(paper, forged, contest_slug=CONTEST)
    with pytest.raises(TokenRefused, match=r"iss: "):
        await sign_in.identify(other, forged, contest_slug=CONTEST)


@pytest.fixture
def two_keys() -> tuple[FakePlatform, FakePlatform]:
    return (
        FakePlatform("paper", Ed25519Signer(), "old"),
        FakePlatform("paper", P256Signer(), "new"),
    )


async def test_with_two_keys_the_kid_states_which(
    make_sign_in: SignInMaker,
    make_platform: MakePlatform,
    two_keys: tuple[FakePlatform, FakePlatform],
) -> None:
    old, new = two_keys
    sign_in = make_sign_in()
    platform = make_platform({"keys": [old.signer.jwk("old"), new.signer.jwk("new")]})

    async def refusal(signed: str) -> str:
        with pytest.raises(TokenRefused) as refused:
            await sign_in.identify(platform, signed, contest_slug=CONTEST)
        return str(refused.value)

    for key in two_keys:
        signed = key.token(CONTEST, "user-1", NOW)
        assert await sign_in.identify(platform, signed, contest_slug=CONTEST)
    claims = old.claims(CONTEST, "user-1", NOW)
    assert "kid: is missing" in await refusal(compact(old.signer, claims, {"alg": "EdDSA"}))
    assert "kid: the token names older; the registered keys are old, new" in await refusal(
        compact(old.signer, claims, {"alg": "EdDSA", "kid": "older"})
    )
    assert "alg: the platform's key signs with ES256; the token names EdDSA" in await refusal(
        compact(old.signer, claims, {"alg": "EdDSA", "kid": "new"})
    )


async def test_a_single_key_needs_no_kid_but_a_wrong_one_is_refused(
    make_sign_in: SignInMaker, make_platform: MakePlatform
) -> None:
    sign_in = make_sign_in()
    platform = make_platform({"keys": [PAPER.signer.jwk("the key")]})
    assert await sign_in.identify(platform, token(), contest_slug=CONTEST)
    assert await sign_in.identify(platform, headed(kid="the key"), contest_slug=CONTEST)
    with pytest.raises(
        TokenRefused, match=r"kid: the token names another; the registered keys are the key"
    ):
        await sign_in.identify(platform, headed(kid="another"), contest_slug=CONTEST)


async def test_a_changed_key_counts_at_once(
    make_sign_in: SignInMaker, make_platform: MakePlatform
) -> None:
    sign_in = make_sign_in()
    before = make_platform({"keys": [PAPER.signer.jwk()]})
    after = make_platform({"keys": [OTHER.signer.jwk()]})
    assert await sign_in.identify(before, token(), contest_slug=CONTEST)
    with pytest.raises(TokenRefused, match=r"signature: "):
        await sign_in.identify(after, token(), contest_slug=CONTEST)


async def test_a_platform_that_is_set_up_wrongly_is_unavailable_and_keeps_the_reason_to_itself(
    make_sign_in: SignInMaker, make_platform: MakePlatform
) -> None:
    with pytest.raises(Unavailable, match=r"^sign-in through paper is not set up$"):
        await make_sign_in().identify(make_platform({"keys": []}), token(), contest_slug=CONTEST)
