"""`voting-service cut`, `tally` and `account` as staff use them."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pyotp
import pytest
from click.testing import Result
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from tests.commands import Command, run_command, set_environment
from tests.contest_data import (
    SLUG,
    rules,
    store_contest,
)
from tests.cut_data import (
    MASTER_KEY,
    PASSWORD,
    SECRET,
    StoredBallot,
    closed_contest,
    insert_ballots,
    member,
)
from tests.patience import eventually
from tests.printed import printed as printed_pages
from tests.running_transactions import FORGET, running_transaction
from voting_service.contests.model import CutRules
from voting_service.errors import (
    InvalidInput,
    NotFound,
    NotSignedIn,
    Refused,
)
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.settings import Settings
from voting_service.staff.accounts.sign_in import SignInAttempt, authenticate
from voting_service.voting.cut.signature import verify_document

COMMITTEE = CutRules(size=3, tie="committee")
CLEAR = {1: 5, 2: 4, 3: 3, 4: 2, 5: 1}
TIED = {1: 5, 2: 3, 3: 3, 4: 3, 5: 1}


@pytest.fixture
def codes() -> Iterator[str]:
    """One-time codes of now and of the next step: a test does two things as one person."""
    return (
        pyotp.TOTP(SECRET).at(datetime.now(UTC) + timedelta(seconds=30 * step)) for step in (0, 1)
    )


@pytest.fixture
def command(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Command:
    set_environment(monkeypatch, settings)

    async def call(*words: str, code: str = "") -> Result:
        return await run_command(*words, **({"VOTING_STAFF_CODE": code} if code else {}))

    return call


def public_key(settings: Settings, folder: Path) -> Path:
    key: Any = load_pem_private_key(settings.signing_key_file.read_bytes(), None)
    path = folder / "public.pem"
    path.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return path


async def test_from_preview_to_a_verified_file(
    database: Connection,
    command: Command,
    settings: Settings,
    codes: Iterator[str],
    tmp_path: Path,
) -> None:
    await closed_contest(database, cut=COMMITTEE, votes=TIED)
    for name in ("clerk", "second"):
        await member(database, name)
    preview = await command("cut", SLUG)
    assert "tied" in preview.stdout
    assert "候选 3" in preview.stdout
    with pytest.raises(Refused, match="2, 3, 4"):
        await command("cut", SLUG, "publish", "--as", "clerk", code=next(codes))
    now, later = pyotp.TOTP(SECRET).now(), next(codes)
    proposed = await command("cut", SLUG, "decide-tie", "4,2,3", "--as", "clerk", code=later)
    assert "approve 1" in proposed.stdout
    approved = await command("cut", SLUG, "approve", "1", "--as", "second", code=now)
    assert "Approved by clerk and second" in approved.stdout
    with pytest.raises(NotFound):
        await command("cut", SLUG, "show")
    publishing = await command("cut", SLUG, "publish", "--as", "second", code=later)
    assert "approve 2" in publishing.stdout
    await member(database, "third", "supervisor")
    await command("cut", SLUG, "approve", "2", "--as", "third", code=later)
    listed = await command("cut", SLUG, "decisions")
    assert "approved by third" in listed.stdout
    file = tmp_path / "cut.json"
    await command("cut", SLUG, "show", "--output", str(file))
    shown = await command("cut", SLUG, "show")
    assert shown.stdout_bytes == file.read_bytes()
    assert verify_document(file.read_bytes()).document.selected == (1, 4, 2)
    key = public_key(settings, tmp_path)
    assert "1, 4, 2" in (await command("cut", "verify", str(file), "--key", str(key))).stdout


async def test_verify_needs_no_settings(
    database: Connection, command: Command, codes: Iterator[str], tmp_path: Path
) -> None:
    await closed_contest(database, cut=COMMITTEE, votes=CLEAR)
    for name in ("clerk", "second"):
        await member(database, name)
    code = next(codes)
    await command("cut", SLUG, "publish", "--as", "clerk", code=code)
    await command("cut", SLUG, "approve", "1", "--as", "second", code=code)
    document = (await command("cut", SLUG, "show")).stdout_bytes
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_bytes(document)
    bad.write_bytes(document.replace(b'"net":5', b'"net":6'))
    program = str(Path(sys.executable).with_name("voting-service"))
    answers = []
    for words in ([str(good)], [str(bad)], []):
        process = await asyncio.create_subprocess_exec(
            program,
            "cut",
            "verify",
            *words,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={"PATH": "/usr/bin"},
        )
        out, err = await process.communicate()
        answers.append((process.returncode, out.decode(), err.decode()))
    assert answers[0][0] == 0
    assert "compare this key" in answers[0][1]
    assert answers[1][0] == 1
    assert "changed after it was signed" in answers[1][2]
    assert answers[2][0] == 2
    with pytest.raises(InvalidInput):
        await command("cut", "verify", str(bad))


async def test_a_correction_from_the_command_line(
    database: Connection, command: Command, codes: Iterator[str], tmp_path: Path
) -> None:
    contest = await closed_contest(database, cut=COMMITTEE, votes=CLEAR)
    for name in ("clerk", "second", "third", "fourth"):
        await member(database, name)
    code = next(codes)
    late = (datetime.now(UTC) + timedelta(days=91)).isoformat()
    with pytest.raises(InvalidInput, match="90 days"):
        await command("cut", SLUG, "publish", "--at", late, "--as", "fourth", code=code)
    assert (await command("cut", SLUG, "publish", "--at", "soon", "--as", "x")).exit_code == 2
    await command("cut", SLUG, "publish", "--as", "clerk", code=code)
    await command("cut", SLUG, "approve", "1", "--as", "second", code=code)
    await insert_ballots(database, contest, [StoredBallot([4])] * 2)
    moment = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    reasons = ("--reason-zh", "补计", "--reason-en", "left out")
    await command("cut", SLUG, "publish", *reasons, "--at", moment, "--as", "third", code=code)
    later = next(codes)
    await command("cut", SLUG, "approve", "2", "--as", "second", code=later)
    first = (await command("cut", SLUG, "show")).stdout_bytes
    assert (await command("cut", SLUG, "show", "--version", "1")).stdout_bytes == first
    with pytest.raises(NotFound, match="version 2"):
        await command("cut", SLUG, "show", "--version", "2")
    old, new = tmp_path / "1.json", tmp_path / "2.json"
    old.write_bytes(first)
    new.write_bytes(await database.fetchval("select document from publications where version = 2"))
    output = (await command("cut", "verify", str(new), "--before", str(old))).stdout
    assert "corrects version 1" in output
    assert "entered: 4; left: 3; 补计 / left out" in output
    with pytest.raises(InvalidInput, match="does not correct another one"):
        await command("cut", "verify", str(old), "--before", str(new))


async def test_a_wrong_code_or_nobody_does_nothing(database: Connection, command: Command) -> None:
    await closed_contest(database, cut=COMMITTEE, votes=CLEAR)
    await member(database, "clerk")
    for name, code in (("clerk", "000000"), ("nobody", pyotp.TOTP(SECRET).now())):
        with pytest.raises(NotSignedIn):
            await command("cut", SLUG, "publish", "--as", name, code=code)
    assert await database.fetchval("select count(*) from approval_requests") == 0


async def test_the_preview_of_an_open_contest_states_what_is_missing(
    database: Connection, command: Command
) -> None:
    await store_contest(
        database, MASTER_KEY, contest_rules=rules(cut=CutRules(size=3, tie="advance_all"))
    )
    preview = (await command("cut", SLUG, "--wait")).stdout
    assert "✘ closed" in preview
    assert "contest close" in preview
    assert "✘ drained" in preview


async def test_wait_waits_for_the_last_transaction_that_ran_at_the_close(
    database: Connection, database_url: str, owner: Connection, command: Command
) -> None:
    await closed_contest(database, cut=COMMITTEE, votes=CLEAR)
    await owner.execute(FORGET)
    async with running_transaction(database_url):
        assert "✘ drained" in (await command("cut", SLUG)).stdout
        waiting = asyncio.ensure_future(command("cut", SLUG, "--wait"))
        await eventually(
            lambda: database.fetchval("select fence_at > 'epoch' from transaction_fence")
        )
    assert "✔ drained" in (await waiting).stdout


async def test_tally_in_every_format(
    database: Connection, command: Command, tmp_path: Path
) -> None:
    await closed_contest(database, cut=COMMITTEE, votes=CLEAR, held=2)
    printed = await command("tally", SLUG)
    assert "Counted 17 ballots" in printed.stderr
    assert "The cut line is below place 3" in printed.stdout
    assert {
        len(line) + line.count("候") + line.count("选")
        for line in printed.stdout.splitlines()
        if line.startswith("│")
    } == {max(len(x) for x in printed.stdout.splitlines())}
    read = json.loads((await command("tally", SLUG, "--format", "json")).stdout)
    assert read["rows"][0] == {
        "rank": 1,
        "candidate": 1,
        "name_zh": "候选 1",
        "name_en": "候选 1",
        "gross": 7,
        "held": 2,
        "void": 0,
        "net": 5,
        "share_percent": 33.33,
        "in_cut": "yes",
    }
    assert read["ballots"] == {"gross": 17, "held": 2, "void": 0, "net": 15}
    content = (await command("tally", SLUG, "--format", "csv", "--bom")).stdout_bytes
    assert content.startswith(b"\xef\xbb\xbf")
    assert len(list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))) == 6
    file = tmp_path / "tally.xlsx"
    await command(
        "tally", SLUG, "--by", "day", "--by", "candidate", "--format", "xlsx", "--output", str(file)
    )
    piped = (
        await command("tally", SLUG, "--by", "day", "--by", "candidate", "--format", "xlsx")
    ).stdout_bytes
    assert piped == file.read_bytes()
    assert openpyxl.load_workbook(file).worksheets[0].max_row == 6
    report = (await command("tally", SLUG, "--format", "pdf", "--language", "en")).stdout_bytes
    assert "17" in printed_pages(report).text
    assert (await command("tally", SLUG, "--format", "pdf", "--by", "day")).exit_code == 2
    assert (await command("tally", SLUG, "--language", "en")).exit_code == 2
    assert (await command("tally", SLUG, "--bom")).exit_code == 2
    assert (await command("tally", SLUG, "--by", "voter")).exit_code == 2
    with pytest.raises(NotFound):
        await command("tally", "no-such-contest")


async def test_accounts_by_command_line(database: Connection, command: Command) -> None:
    added = (await command("account", "add", "管理", "--role", "administrator")).stdout
    uri = next(line for line in added.splitlines() if line.startswith("otpauth://"))
    totp = pyotp.parse_uri(uri)
    assert isinstance(totp, pyotp.TOTP)
    code = totp.now()
    signed_in = await authenticate(database, MASTER_KEY, SignInAttempt("管理", PASSWORD, code))
    assert signed_in.account.role == "administrator"
    assert "管理" in (await command("account", "list")).stdout
    await command("account", "disable", "管理")
    assert "disabled" in (await command("account", "list")).stdout
    assert (await command("account", "add", "x", "--role", "king")).exit_code == 2
    with pytest.raises(InvalidInput, match="already exists"):
        await command("account", "add", "管理", "--role", "auditor")
