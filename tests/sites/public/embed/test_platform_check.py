"""`platform check` as an engineer runs it, on stored and on tried settings."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from cryptography.hazmat.primitives import serialization
from redis.asyncio import Redis
from starlette.responses import JSONResponse, Response

from tests.browser.serving import serving
from tests.commands import process_environment, run_to_end
from tests.contest_data import (
    SLUG,
    make_platform,
    store_contest,
    store_platform,
)
from tests.fakes.key_server import FakeKeyServer
from tests.fakes.signers import (
    Ed25519Signer,
    FakePlatform,
    P256Signer,
    RsaSigner,
    base64url,
    compact,
)
from voting_service.infrastructure.http_clients.json_web_tokens import peek_claim
from voting_service.infrastructure.http_clients.verification_keys import PinnedKeys
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.infrastructure.valkey import Valkey
from voting_service.settings import Settings
from voting_service.voting.voters.platform_adapters.jwt import ALGORITHMS
from voting_service.voting.voters.platform_diagnostics import examine_delivery, examine_token
from voting_service.voting.voters.used_tokens import UsedTokens


class CheckOutput(NamedTuple):
    code: int
    lines: list[str]
    err: str

    def line(self, beginning: str) -> str:
        """The one line that begins so."""
        [line] = [line for line in self.lines if line.startswith(beginning)]
        return line

    def after(self, beginning: str) -> str:
        """The line below it: how to mend it."""
        return self.lines[self.lines.index(self.line(beginning)) + 1]

    @property
    def wrong(self) -> list[str]:
        return [line[2:].partition(": ")[0] for line in self.lines if line.startswith("✘")]


PERSON = "7f" * 32
ALG_NONE = b'{"alg":"none"}'
Check = Callable[..., Awaitable[CheckOutput]]


async def run_check(
    *arguments: object, command: str = "platform", stdin: str = "", **environment: str
) -> CheckOutput:
    words = (command, "check", *arguments)
    code, out, err = await run_to_end({}, *words, stdin=stdin, **environment)
    return CheckOutput(code, out.splitlines(), err)


@pytest.fixture
def check_stored(settings: Settings) -> Check:
    """The command with the test's stores."""

    async def check(*arguments: object, **more: str) -> CheckOutput:
        return await run_check(*arguments, **process_environment(settings), **more)

    return check


@pytest.fixture
async def paper(database: Connection, settings: Settings) -> FakePlatform:
    """The platform `paper`, with a pinned key, and a contest."""
    await store_contest(database, settings.master_key.get_secret_value())
    platform = FakePlatform("paper", kid="paper-1")
    keys = [platform.signer.jwk("paper-1")]
    await store_platform(
        database, "paper", keys, origins=["https://paper.example"], person_policy="required"
    )
    return platform


@pytest.fixture
async def key_server() -> AsyncIterator[tuple[FakeKeyServer, str]]:
    """A key server, and the address of its keys."""
    server = FakeKeyServer()
    async with serving(server.app) as (_, origin):
        yield server, f"{origin}/jwks.json"


def key_file(platform: FakePlatform, folder: Path) -> Path:
    assert isinstance(platform.signer, Ed25519Signer | P256Signer)
    file = folder / "public.pem"
    file.write_bytes(
        platform.signer.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    return file


def now() -> int:
    return int(time.time())


async def test_a_good_token_is_right_in_every_line_and_not_spent(
    paper: FakePlatform, check_stored: Check, valkey_url: str
) -> None:
    token = paper.token(SLUG, "reader-1", now(), person=PERSON, account_created="2019-05-31")
    output = await check_stored("paper", "--token", token)
    assert output.code == 0, output
    assert output.wrong == []
    for beginning in (
        "✔ origin: https://paper.example", "✔ key paper-1: EdDSA", f"✔ contest: {SLUG}, open",
        "✔ alg: EdDSA", "✔ kid: paper-1", "✔ signature", "✔ iss: paper", f"✔ aud: {SLUG}",
        "✔ sub: 8 characters", "✔ iat: ", "✔ exp: 120 s after iat", "✔ jti", "✔ person: 64",
        "✔ person_policy: required", "✔ account_created: 2019-05-31",
    ):  # fmt: skip
        assert output.line(beginning)
    assert "reader-1" not in "\n".join(output.lines), "the output contains no user id"
    client: Any = Redis.from_url(valkey_url)
    assert await client.dbsize() == 0, "the examination spent the token"
    await client.aclose()
    assert (await check_stored("paper", "--token", token)).code == 0


@pytest.mark.parametrize(
    ("changes", "wrong", "mend"),
    [
        ({"iss": "other"}, ["iss"], 'write the platform\'s slug, "paper"'),
        ({"aud": "nothing"}, ["aud"], f'"{SLUG}"'),
        ({"aud": [SLUG, "more"]}, ["aud"], f'"{SLUG}"'),
        ({"sub": 7}, ["sub"], "your own unchanging user id"),
        ({"sub": ""}, ["sub"], "your own unchanging user id"),
        ({"jti": None}, ["jti"], "UUID"),
        ({"exp": now() + 86_400}, ["exp"], "at most 120"),
        ({"iat": now() - 900, "exp": now() - 800}, ["exp"], "send the user over at once"),
        ({"iat": now() + 86_400, "exp": now() + 86_460}, ["iat"], "NTP"),
        ({"iat": "2022-07-18"}, ["iat"], "whole seconds"),
        ({"account_created": "31.5.2019"}, ["account_created"], "2019-05-31"),
        ({"account_created": "2999-01-01"}, ["account_created"], "2019-05-31"),
        ({"iss": 1, "sub": 2, "jti": 3}, ["iss", "sub", "jti"], '"paper"'),
        ({"iat": now() * 1000}, ["iat"], "whole seconds"),
        ({"person": PERSON}, ["person"], "leave it out"),
    ],
)
async def test_each_broken_claim_is_named_with_its_remedy_and_the_others_stay_right(
    changes: dict[str, Any], wrong: list[str], mend: str
) -> None:
    paper = FakePlatform("paper")
    findings = await examine_token(
        paper.token(SLUG, "x", now(), **changes),
        PinnedKeys([paper.signer.jwk()], ALGORITHMS, "keys"),
        platform=make_platform("paper"),
        contest_slugs=[SLUG],
        now=datetime.now(UTC),
    )
    broken = [finding for finding in findings if finding.ok is False]
    assert [finding.what for finding in broken] == wrong
    assert broken[0].mend is not None and mend in broken[0].mend.en
    kept = {finding.what for finding in findings if finding.ok}
    assert {"alg", "signature", "iss", "aud", "sub", "iat", "exp", "jti"} - set(wrong) <= kept


async def test_a_broken_token_ends_the_command_with_one_and_a_count(
    paper: FakePlatform, check_stored: Check
) -> None:
    token = paper.token("nothing", "", now(), person=PERSON)
    output = await check_stored("paper", "--token", token)
    assert output.code == 1
    assert output.wrong == ["aud", "sub"]
    assert f'"{SLUG}"' in output.after("✘ aud")
    assert output.err.startswith("error: 2 checks failed")


async def test_what_is_wrong_with_the_signature_is_shown_and_the_claims_all_the_same(
    paper: FakePlatform, check_stored: Check
) -> None:
    stranger = FakePlatform("paper", kid="paper-1")
    output = await check_stored("paper", "--token", stranger.token(SLUG, "x", now(), person=PERSON))
    assert output.wrong == ["signature"]
    assert output.line("✔ aud")
    unknown = FakePlatform("paper", paper.signer, kid="paper-9")
    output = await check_stored("paper", "--token", unknown.token(SLUG, "x", now(), person=PERSON))
    assert output.wrong == ["kid"]
    claims = paper.claims(SLUG, "x", now()) | {"person": PERSON}
    rsa = compact(RsaSigner(), claims, {"alg": "RS256"})
    assert (await check_stored("paper", "--token", rsa)).wrong == ["alg"]
    output = await check_stored("paper", "--token", "-", stdin="no token at all\n")
    assert output.wrong == ["token", "claims"]


async def test_a_platform_that_is_off_or_unknown_is_shown(
    paper: FakePlatform, check_stored: Check, database: Connection
) -> None:
    await database.execute("update platforms set enabled = false, revision = revision + 1")
    output = await check_stored("paper")
    assert output.code == 1
    assert "platform enable paper" in output.after("✘ platform")
    assert "platform list" in (await check_stored("nobody")).err


async def test_the_command_for_engineers_finds_what_sign_in_would(
    paper: FakePlatform, check_stored: Check, database: Connection, valkey_url: str
) -> None:
    """`token check` has the rules of the page, and advice for the platform, not the organiser."""

    async def check(token: str, *arguments: object) -> CheckOutput:
        return await check_stored(token, *arguments, command="token")

    token = paper.token(SLUG, "reader-1", now(), person=PERSON)
    assert (await check(f"https://v.example/enter#platform=paper&token={token}&next=")).code == 0
    other = await check(f"https://v.example/enter#platform=demo&token={token}&next=")
    assert "the token names paper, the link names platform demo" in other.line("✘ iss")
    for aud in ("http://127.0.0.1:8000/zh/test-2022", [SLUG, "more"], []):
        output = await check(paper.token(SLUG, "x", now(), person=PERSON, aud=aud))
        assert (output.code, output.wrong) == (1, ["aud"])
        assert SLUG in output.after("✘ aud") and '""' not in str(output.lines)
        assert "['" not in str(output.line("✘ aud"))
    nobody = await check(FakePlatform("nobody").token(SLUG, "x", now()))
    assert nobody.wrong == ["iss"]
    assert "ask the organisers to register" in nobody.after("✘ iss")
    assert "platform list" not in nobody.err + str(nobody.lines)
    valkey = Valkey(valkey_url)
    platform_id = await database.fetchval("select id from platforms where slug = 'paper'")
    assert await UsedTokens(valkey).mark_used(platform_id, str(peek_claim(token, "jti")), 60)
    await valkey.close()
    used = await check(token)
    assert used.wrong == ["jti"] and "each works once" in used.line("✘ jti")


async def test_settings_are_tried_before_anything_is_registered(tmp_path: Path) -> None:
    """Without a store and without a setting of the service."""
    platform = FakePlatform("new-paper", P256Signer())
    token = platform.token("any-contest", "x", now())
    file = key_file(platform, tmp_path)
    output = await run_check(
        "new-paper", "--key", file, "--token", token, "--contest", "any-contest"
    )
    assert output.code == 0, output
    assert output.line("✔ alg: ES256")
    assert output.line("• origins: not examined (--key)")
    assert output.line("✔ aud: any-contest") and output.line("✔ iss: new-paper")
    assert output.lines[-1].endswith(" checks passed; not examined: origins, contest, jti.")
    for person, policy in ((None, "never"), (PERSON, "required")):
        given = platform.token("any-contest", "x", now(), **{"person": person} if person else {})
        output = await run_check(given, "--key", file, "--contest", "any-contest", command="token")
        assert output.code == 0, output
        assert output.line(f"• person_policy: {policy}, by the token; ")
        for what in ("slug", "origins", "iss", "contest", "jti"):
            assert "not examined (--key)" in output.line(f"• {what}: ")
        assert output.lines[-1].endswith(
            "not examined: slug, person_policy, origins, iss, contest, jti."
        )
    output = await run_check("new-paper", "--key", file, "--token", token)
    assert "--contest" in output.line("• aud: any-contest")
    for given, line in (
        ("", "error: token: is empty"),
        (f"Bearer {token}", "✘ token: begins with Bearer; remove Bearer"),
        (token[:-10], "✘ signature: has 57 bytes instead of 64"),
        (f"{base64url(ALG_NONE)}.{token.split('.')[1]}.", "✘ alg: "),
    ):
        output = await run_check(given or "-", "--key", file, command="token")
        assert output.code == 1
        assert line in "\n".join([*output.lines, output.err]), (given, output)
    assert "none: the token is not signed" in output.line("✘ alg")
    settings = tmp_path / "settings.toml"
    settings.write_text('origins = ["http://paper.example"]\njwks_url = "http://paper.example/k"\n')
    output = await run_check("new-paper", "--config", settings)
    assert output.wrong == ["origin http://paper.example", "jwks_url"]
    assert (await run_check("new-paper", "--key", file, "--jwks-url", "x")).code == 2


async def test_published_keys_are_fetched_and_examined(
    key_server: tuple[FakeKeyServer, str],
) -> None:
    server, url = key_server
    old, new = FakePlatform("paper", kid="old"), FakePlatform("paper", P256Signer(), kid="new")
    server.keys = [old.signer.jwk("old"), new.signer.jwk("new"), RsaSigner().jwk("tls")]
    output = await run_check(
        "paper", "--jwks-url", url, "--token", new.token("c", "x", now()), "--contest", "c"
    )
    assert output.code == 0, output
    assert output.line("• key tls: is ignored")
    assert output.line("✔ key new: ES256")
    assert output.line("✔ clock of the keys' server")

    server.keys = [old.signer.jwk("same"), new.signer.jwk("same"), old.signer.jwk()]
    output = await run_check("paper", "--jwks-url", url)
    assert output.wrong == ["kid", "kid"]


async def test_a_leaked_private_key_is_an_alarm(key_server: tuple[FakeKeyServer, str]) -> None:
    server, url = key_server
    server.keys = [{**Ed25519Signer().jwk("k1"), "d": "c2VjcmV0"}, Ed25519Signer().jwk("k2")]
    output = await run_check("paper", "--jwks-url", url)
    assert output.wrong == ["key k1"]
    assert "replace this key everywhere" in output.after("✘ key k1")


@pytest.mark.parametrize(
    ("answer", "wrong"),
    [
        (Response(status_code=404), "jwks_url: answered with status 404"),
        (Response("<html>"), "jwks_url: the address of the keys did not answer with a key set"),
        (Response(status_code=302, headers={"location": "/x"}), "jwks_url"),
        (JSONResponse({"keys": []}), "keys: no usable key"),
        (
            JSONResponse({"keys": []}, headers={"cache-control": "public, max-age=86400"}),
            "cache-control: public, max-age=86400: a cache may hide a new key for 1 day",
        ),
    ],
)
async def test_what_is_wrong_with_the_address_is_shown(
    answer: Response, wrong: str, key_server: tuple[FakeKeyServer, str]
) -> None:
    server, url = key_server
    server.answer = answer
    output = await run_check("paper", "--jwks-url", url, "--token", "a.b.c")
    assert output.code == 1
    assert output.line(f"✘ {wrong}")
    assert "Traceback" not in output.err


@pytest.mark.parametrize(("ahead_seconds", "is_right"), [(29, True), (-29, True), (31, False)])
def test_the_clock_of_the_keys_server_is_compared(ahead_seconds: int, is_right: bool) -> None:
    ours = datetime(2022, 7, 18, tzinfo=UTC)
    server = ours + timedelta(seconds=ahead_seconds)
    [output] = [
        finding
        for finding in examine_delivery({}, ours, server)
        if finding.what.startswith("clock")
    ]
    assert output.ok is is_right
    assert f"{abs(ahead_seconds)} s" in output.detail.en


async def test_an_address_where_nobody_listens_is_shown() -> None:
    output = await run_check("paper", "--jwks-url", "http://127.0.0.1:9/jwks.json")
    assert "cannot be reached" in output.line("✘ jwks_url")
