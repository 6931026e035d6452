"""The contest and platform commands as a user runs them, on a real Postgres."""

from __future__ import annotations

import asyncio
import sys
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from functools import partial
from os import urandom
from pathlib import Path
from typing import Protocol

import msgspec
import pyotp
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.commands import Answer, process_environment, run_to_end
from tests.contest_data import store_contest
from tests.contests.test_candidate_files import CHINESE, workbook
from tests.fakes.signers import private_pem
from tests.picture_files import jpeg
from voting_service.contests.candidate_list.reader import read_candidates
from voting_service.contests.model import Contest, EarlyClose
from voting_service.contests.pictures.repository import load_all_pictures
from voting_service.contests.platform_registration import public_jwk
from voting_service.contests.repository import (
    load_contest,
    load_contests,
    load_platforms,
)
from voting_service.i18n.text import Text
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.settings import Settings
from voting_service.staff.accounts.model import Role
from voting_service.staff.accounts.repository import NewAccount, create_account
from voting_service.voting.voters.keyring import load_keys

EXAMPLE = """\
slug = "crafts"
time_zone = "Asia/Shanghai"
title = { zh = "选树", en = "Selection" }
window = { opens_at = 2022-07-18T09:00:00, closes_at = 2022-08-17T18:00:00 }
ballot = { max_choices = 2 }
cut = { size = 1 }
""" + "".join(
    f"""
[[candidates]]
number = {number}
name = "候选人{number}"
trade = "焊工"
district = "万盛"
summary = "x"
story = "x"
"""
    for number in (1, 2)
)


class Command(Protocol):
    async def __call__(self, *arguments: object, **environment: str) -> Answer: ...


@pytest.fixture
def command(settings: Settings) -> Command:
    """Runs `voting-service …` against the test's stores."""
    return partial(run_to_end, process_environment(settings))


@pytest.fixture
def own_process(settings: Settings) -> Command:
    """The same in a process of its own, which costs a second."""

    async def execute(*arguments: object, **environment: str) -> Answer:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            "from voting_service.cli import main; main()",
            *map(str, arguments),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=process_environment(settings) | environment,
        )
        out, err = await process.communicate()
        return Answer(process.returncode or 0, out.decode(), err.decode())

    return execute


@pytest.fixture
def contest_file(tmp_path: Path) -> Path:
    file = tmp_path / "contest.toml"
    file.write_text(EXAMPLE, encoding="utf-8")
    return file


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """An Ed25519 public key; private.pem beside it is its private half."""
    private = Ed25519PrivateKey.generate()
    (tmp_path / "private.pem").write_bytes(private_pem(private))
    file = tmp_path / "public.pem"
    file.write_bytes(
        private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    return file


def spoil(file: Path, *changes: tuple[str, str]) -> None:
    text = file.read_text(encoding="utf-8")
    for old, new in changes:
        text = text.replace(old, new)
    file.write_text(text, encoding="utf-8")


def get_jwk(file: Path) -> dict[str, str]:
    return public_jwk(file.read_bytes())


def master_key(settings: Settings) -> bytes:
    return settings.master_key.get_secret_value()


async def test_import_stores_the_contest_and_its_keys(
    own_process: Command, contest_file: Path, database: Connection, settings: Settings
) -> None:
    answer = await own_process("contest", "import", contest_file)
    assert answer.code == 0, answer.err
    assert "2022-07-18 09:00 – 2022-08-17 18:00 Asia/Shanghai" in answer.out
    assert "next: voting-service platform add" in answer.out
    assert "already over" in answer.err
    [stored] = await load_contests(database)
    assert stored.slug == "crafts"
    assert [candidate.name.zh for candidate in stored.candidates] == ["候选人1", "候选人2"]
    assert (await load_keys(database, master_key(settings))).opened[stored.id].pseudonym
    assert "crafts" in (await own_process("contest", "list")).out
    shown = await own_process("contest", "show", "crafts")
    assert "候选人2  焊工  万盛" in shown.out
    assert "1 to 2 of 2 candidates, one ballot per voter and day" in shown.out


async def test_import_of_a_taken_slug_changes_nothing(
    command: Command, contest_file: Path, database: Connection
) -> None:
    assert (await command("contest", "import", contest_file)).code == 0
    before = await load_contests(database)
    answer = await command("contest", "import", contest_file)
    assert (answer.code, answer.out) == (1, "")
    assert answer.err == "error: slug: a contest with this name already exists\n"
    assert await load_contests(database) == before
    assert await database.fetchval("select count(*) from contest_keys") == 3


async def test_import_under_a_master_key_that_opens_nothing_is_refused(
    command: Command, contest_file: Path, database: Connection, settings: Settings
) -> None:
    await store_contest(database, master_key(settings), slug="there")
    other = b64encode(urandom(32)).decode()
    answer = await command("contest", "import", contest_file, VOTING_MASTER_KEY=other)
    assert (answer.code, answer.out) == (1, "")
    assert answer.err == (
        "error: VOTING_MASTER_KEY cannot decrypt the keys of the existing contests (there). "
        "Nothing was stored. Use the master key that they were imported with\n"
    )
    assert [contest.slug for contest in await load_contests(database)] == ["there"]
    # One that came by another way keeps nobody from importing under the right key.
    await store_contest(database, urandom(32), slug="foreign")
    answer = await command("contest", "import", contest_file)
    assert answer.code == 0, answer.err
    assert "cannot decrypt the keys of foreign" in answer.err


async def test_import_states_every_fault_and_stores_nothing(
    command: Command, contest_file: Path, database: Connection
) -> None:
    spoil(contest_file, ("number = 2", "number = 1"), ("size = 1", "size = 3"))
    answer = await command("contest", "import", contest_file)
    assert (answer.code, answer.out) == (1, "")
    assert answer.err.splitlines() == [
        "error: cut.size (line 6): is 3, but the number of candidates is 2",
        "error: candidates[1].number (line 17): number 1 is also used by candidates[0] (line 8)",
    ]
    assert await load_contests(database) == ()


async def test_candidates_of_an_excel_list_with_their_pictures(
    command: Command, contest_file: Path, database: Connection, tmp_path: Path
) -> None:
    contest_file.write_text(EXAMPLE.partition("[[")[0], encoding="utf-8")
    table, folder = tmp_path / "list.xlsx", tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    (folder / "more" / "02.jpg").write_bytes(jpeg(350, 490))
    (folder / "x.jpg").write_bytes(jpeg(350, 490))
    table.write_bytes(workbook(CHINESE, (1, *"abcd", ""), (1, *"efghi")))
    nobody = (
        "belongs to nobody on the list; begin its name with the candidate's number, as in 07.jpg, "
        "use the candidate's name, or write the file name into the list's photo column"
    )
    from_list = ("--candidates", table, "--pictures", folder)
    answer = await command("contest", "import", contest_file, *from_list)
    assert (answer.code, answer.out) == (1, "")
    assert answer.err.splitlines() == [
        "error: F2 (事迹材料): is empty",
        "error: A3 (编号): number 1 is also used by A2 (编号)",
        f"error: more/02.jpg: {nobody}",
        f"error: x.jpg: {nobody}",
    ]
    (folder / "x.jpg").unlink()
    table.write_bytes(workbook(CHINESE, (1, *"abcde"), (2, *"efghi")))
    named = 'candidates_file = "list.xlsx"\npictures = "photos"\n'
    contest_file.write_text(named + EXAMPLE.partition("[[")[0], encoding="utf-8")
    answer = await command("contest", "import", contest_file)
    assert answer.code == 0, answer.err
    assert "candidates without a portrait: 1" in answer.err
    [stored] = await load_contests(database)
    assert [candidate.name.zh for candidate in stored.candidates] == ["a", "e"]
    assert set(await load_all_pictures(database, stored.id)) == {2}
    contest_file.write_text(named + EXAMPLE, encoding="utf-8")
    answer = await command("contest", "import", contest_file, "--check")
    assert "keep one of the two" in answer.err
    template = tmp_path / "template.xlsx"
    assert (await command("contest", "candidates-template", template)).code == 0
    assert read_candidates(template.read_bytes()).entries == ()


async def test_check_needs_no_settings_and_stores_nothing(
    command: Command, contest_file: Path, database: Connection
) -> None:
    nowhere = {"VOTING_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
    answer = await command("contest", "import", contest_file, "--check", **nowhere)
    assert answer.code == 0
    assert "The file is valid. Nothing was stored." in answer.out
    assert await load_contests(database) == ()


async def test_keys_go_only_after_the_close_and_only_with_the_name_twice(
    command: Command, database: Connection, settings: Settings
) -> None:
    now = datetime.now(UTC)
    key = master_key(settings)
    running = await store_contest(database, key, slug="running")
    over = await store_contest(database, key, slug="over", closes_at=now - timedelta(seconds=1))

    early = await command("contest", "destroy-keys", "running", "--confirm", "running")
    assert early.code == 1
    assert "running is open" in early.err
    slip = await command("contest", "destroy-keys", "over", "--confirm", "running")
    assert slip.code == 1
    assert "nothing was destroyed" in slip.err
    keys = (await load_keys(database, key)).opened
    assert keys[running.id].pseudonym
    assert keys[over.id].pseudonym

    assert (await command("contest", "destroy-keys", "over", "--confirm", "over")).code == 0
    keys = (await load_keys(database, key)).opened
    assert keys[over.id].pseudonym is None
    assert keys[over.id].receipt
    assert keys[running.id].pseudonym
    again = await command("contest", "destroy-keys", "over", "--confirm", "over")
    assert "had already been destroyed" in again.out


async def test_a_contest_is_deleted_until_it_is_announced(
    command: Command, database: Connection, settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "crafts.toml"
    ahead = datetime.now(UTC) + timedelta(days=1)
    file.write_text(
        EXAMPLE.replace("2022-07-18T09:00:00", ahead.strftime("%Y-%m-%dT%H:%M:%S")).replace(
            "2022-08-17", f"{ahead.year + 1}-08-17"
        )
    )
    for _ in range(2):  # its name is free again
        assert (await command("contest", "import", file)).code == 0
        slip = await command("contest", "delete", "crafts", "--confirm", "craft")
        assert slip.code == 1 and "nothing was deleted" in slip.err
        assert (await command("contest", "delete", "crafts", "--confirm", "crafts")).code == 0
    assert await load_contests(database) == ()

    key = settings.master_key.get_secret_value()
    announced = await store_contest(database, key, slug="announced")
    refused = await command("contest", "delete", "announced", "--confirm", "announced")
    assert refused.code == 1 and "has been announced" in refused.err
    assert (await load_contest(database, "announced")).candidates == announced.candidates

    later = await store_contest(
        database, key, slug="later", opens_at=ahead, closes_at=ahead + timedelta(days=1)
    )
    await database.execute(
        "insert into contest_changes (contest_id, changed_at, setting, reason)"
        " values ($1, now(), 'closes_at', '{}')",
        later.id,
    )
    refused = await command("contest", "delete", "later", "--confirm", "later")
    assert refused.code == 1 and "refers to this contest" in refused.err


class TestClose:
    """One act with the same two people by command as on the console."""

    PASSWORD = "correct horse battery"

    async def act(
        self, command: Command, name: str, *words: str, password: str = PASSWORD
    ) -> Answer:
        return await command(
            "contest",
            *words,
            "--as",
            name,
            VOTING_STAFF_PASSWORD=password,
            VOTING_STAFF_CODE=pyotp.TOTP(self.secrets[name]).now(),
        )

    @pytest.fixture(autouse=True)
    async def _staff(self, database: Connection, settings: Settings) -> None:
        self.secrets = {}
        roles: dict[str, Role] = {"staff-1": "supervisor", "staff-2": "tally_clerk"}
        for name, role in {**roles, "staff-3": "administrator"}.items():
            _, self.secrets[name] = await create_account(
                database, master_key(settings), NewAccount(name, role, self.PASSWORD)
            )

    @pytest.fixture
    async def running(self, database: Connection, settings: Settings) -> Contest:
        return await store_contest(database, master_key(settings))

    async def test_one_proposes_and_another_approves(
        self, command: Command, database: Connection, running: Contest
    ) -> None:
        at = (datetime.now(UTC) + timedelta(hours=1)).replace(microsecond=0)
        words = ("close", running.slug, "--at", at.isoformat())
        answer = await self.act(command, "staff-3", *words)
        assert answer.code == 1
        assert "this needs" in answer.err
        wrong = await self.act(command, "staff-1", *words, password="wrong horse battery")
        assert wrong.code == 1
        proposed = await self.act(command, "staff-1", *words)
        assert proposed.code == 0, proposed.err
        assert f"contest approve {running.slug} 1 " in proposed.out
        assert await load_contest(database, running.slug) == running
        approved = await self.act(command, "staff-2", "approve", running.slug, "1")
        assert approved.code == 0, approved.err
        assert "staff-1" in approved.out
        closing = await load_contest(database, running.slug)
        assert (closing.closes_at, closing.revision) == (at, running.revision + 1)
        early_close = EarlyClose(by="staff-1", announced=running.closes_at)
        assert closing.rules == msgspec.structs.replace(running.rules, early_close=early_close)
        assert "early by staff-1" in (await command("contest", "show", running.slug)).out

    async def test_there_is_no_way_without_notice_and_none_back(
        self, command: Command, database: Connection, settings: Settings, running: Contest
    ) -> None:
        past = datetime.now(UTC) - timedelta(hours=1)
        at_once = await self.act(
            command, "staff-1", "close", running.slug, "--at", past.isoformat()
        )
        assert at_once.code == 1
        assert await load_contest(database, running.slug) == running
        over = await store_contest(database, master_key(settings), slug="over", closes_at=past)
        later = (past + timedelta(days=1)).isoformat()
        again = await self.act(command, "staff-2", "close", "over", "--at", later)
        assert again.code == 1
        assert await load_contest(database, "over") == over


NAMES = ("--name-zh", "日报", "--name-en", "Daily")


async def test_platform_with_pinned_keys(
    command: Command, database: Connection, key_file: Path
) -> None:
    origins = ("--origin", "https://Vote.Example.com:443", "--origin", "http://127.0.0.1:8080")
    answer = await command(
        "platform", "add", "daily", *NAMES, "--key", key_file, *origins, "--daily-ceiling", "5000"
    )
    assert answer.code == 0, answer.err
    jwk = get_jwk(key_file)
    assert f"key {jwk['kid']}  Ed25519" in answer.out
    [stored] = await load_platforms(database)
    assert (stored.slug, stored.name, stored.kind) == ("daily", Text("日报", "Daily"), "jwt")
    assert stored.config == {"keys": [jwk]}
    assert stored.origins == ("https://vote.example.com", "http://127.0.0.1:8080")
    assert (stored.daily_ceiling, stored.enabled) == (5000, True)

    assert (await command("platform", "disable", "daily")).code == 0
    assert not (await load_platforms(database))[0].enabled
    assert "  off  jwt" in (await command("platform", "list")).out
    assert (await command("platform", "enable", "daily")).code == 0
    assert (await load_platforms(database))[0].enabled


async def test_platform_with_an_adapters_settings(
    command: Command, database: Connection, tmp_path: Path
) -> None:
    config, secrets = tmp_path / "wechat.toml", tmp_path / "secrets.toml"
    config.write_text('appid = "wx123456"\nsubject = "unionid"', encoding="utf-8")
    secrets.write_text('two = "secret"', encoding="utf-8")
    wechat = ("platform", "add", "two", *NAMES, "--kind", "wechat", "--config", config)
    added = await command(*wechat, VOTING_PLATFORM_SECRETS_FILE=str(secrets))
    assert added.code == 0, added.err
    [two] = await load_platforms(database)
    assert (two.kind, two.config) == ("wechat", {"appid": "wx123456", "subject": "unionid"})


@pytest.mark.parametrize(
    ("config", "fault"),
    [
        ("appid = 3", "config.appid: "),
        ('appid = "wx123456"', "VOTING_PLATFORM_SECRETS_FILE: "),
        ("appid = ", "--config "),
    ],
)
async def test_platform_that_could_sign_nobody_in_is_not_stored(
    command: Command, database: Connection, tmp_path: Path, config: str, fault: str
) -> None:
    file = tmp_path / "wechat.toml"
    file.write_text(config, encoding="utf-8")
    answer = await command("platform", "add", "two", *NAMES, "--kind", "wechat", "--config", file)
    assert (answer.code, answer.out) == (1, "")
    assert answer.err.startswith(f"error: {fault}")
    assert await load_platforms(database) == ()


async def test_platform_states_every_fault_and_stores_nothing(
    command: Command, database: Connection, key_file: Path
) -> None:
    private = key_file.with_name("private.pem")
    answer = await command(
        *("platform", "add", "Daily!", "--name-zh", " ", "--name-en", "Daily"),
        *("--key", private, "--origin", "http://example.com", "--origin", "https://a.example/x"),
    )
    assert (answer.code, answer.out) == (1, "")
    assert [line.split(": ")[1] for line in answer.err.splitlines()] == [
        "slug",
        "--name-zh",
        "key 1",
        "origin http://example.com",
        "origin https://a.example/x",
    ]
    assert "must never leave the platform" in answer.err
    assert await load_platforms(database) == ()


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--key", "PEM", "--jwks-url", "https://a.example"),
        ("--kind", "wechat"),
        ("--kind", "openid_connect", "--config", "PEM", "--key", "PEM"),
        ("--key", "missing.pem"),
        ("--kind", "carrier_pigeon", "--key", "PEM"),
        ("--key", "PEM", "--daily-ceiling", "0"),
    ],
)
async def test_platform_wrong_usage(
    command: Command, key_file: Path, arguments: tuple[str, ...]
) -> None:
    given = [str(key_file) if argument == "PEM" else argument for argument in arguments]
    assert (await command("platform", "add", "daily", *NAMES, *given)).code == 2


async def test_unknown_names_are_refused(command: Command) -> None:
    for words in (("contest", "show"), ("platform", "enable"), ("platform", "disable")):
        answer = await command(*words, "nothing")
        assert answer.code == 1
        assert answer.err.startswith("error: there is no ")
