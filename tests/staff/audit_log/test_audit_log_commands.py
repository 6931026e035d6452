"""The audit log's commands, as the application's role runs them; and what commands record."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyotp
import pytest

from tests.commands import Command, invoke, set_environment
from tests.contest_data import (
    SLUG,
    store_contest,
    store_platform,
)
from tests.cut_data import (
    MASTER_KEY,
    PASSWORD,
    SECRET,
    member,
)
from tests.staff.audit_log.chained import forging, stored
from voting_service.contests.repository import load_platforms
from voting_service.contests.settings.repository import load_changes
from voting_service.errors import (
    NotSignedIn,
    Refused,
    SecondPersonRequired,
)
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.settings import Settings
from voting_service.staff.audit_log.record import record
from voting_service.staff.audit_log.verification import load_head


@pytest.fixture
def command(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Command:
    set_environment(monkeypatch, settings)
    return invoke


async def write(database: Connection, lines: int) -> None:
    for number in range(1, lines + 1):
        await record(database, "staff-1", "viewed", contest=SLUG, subject=f"ballot {number}")


async def test_a_whole_audit_log_states_its_head(database: Connection, command: Command) -> None:
    empty = await command("audit-log", "verify")
    assert empty.exit_code == 0 and "The audit log is empty" in empty.stdout
    await write(database, 3)
    head = str(await load_head(database))
    verified = await command("audit-log", "verify")
    assert verified.exit_code == 0 and f"3 lines, last line {head}" in verified.stdout
    await write(database, 2)
    again = await command("audit-log", "verify", "--expect", head)
    assert again.exit_code == 0 and "every line you noted is unchanged" in again.stdout
    assert (await command("audit-log", "verify", "--expect", "3:abc")).exit_code == 2


async def test_every_fault_is_named(
    database: Connection, command: Command, owner_database_url: str
) -> None:
    await write(database, 9)
    noted = str(await load_head(database))
    async with forging(owner_database_url) as owner:
        await owner.execute("update audit_log set actor = 'staff-2' where entry = 2")
        await owner.execute("delete from audit_log where entry in (5, 6, 9)")
    result = await command("audit-log", "verify", "--expect", noted)
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "error: Entry 2: changed; the content does not match the hash",
        "error: Entries 5 to 6: missing",
        "error: Entry 9: cut off the end",
    ]
    assert isinstance(result.exception, Refused)
    assert str(result.exception) == "the audit log has been changed: 3 faults"


async def test_an_export_is_verified_without_any_store(
    database: Connection, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await write(database, 3)
    file = tmp_path / "journal.jsonl"
    assert (await command("audit-log", "export", str(file))).exit_code == 0
    newest = (await stored(database))[-1]
    assert (newest.act, newest.subject) == ("exported", "journal")
    monkeypatch.delenv("VOTING_DATABASE_URL")
    assert (await command("audit-log", "verify", "--file", str(file))).exit_code == 0
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join([lines[0], lines[2]]))
    result = await command("audit-log", "verify", "--file", str(file))
    assert result.exit_code == 1 and result.stderr == "error: Entry 2: missing\n"


async def test_looking_through_it(database: Connection, command: Command) -> None:
    await write(database, 3)
    await record(database, "staff-2", "exported", subject="journal", details={"head": "x"})
    shown = (await command("audit-log", "show", "--limit", "2")).stdout.splitlines()
    assert [line.split()[0] for line in shown] == ["3", "4"]
    assert '{"head": "x"}' in shown[1]
    for words, numbers in (
        (("--actor", "staff-2"), ["4"]),
        (("--act", "viewed", "--before", "3"), ["1", "2"]),
        (("--words", "BALLOT 2", "--contest", SLUG), ["2"]),
        (("--from", "2100-01-01"), []),
        (("--to", "2000-01-01"), []),
    ):
        lines = (await command("audit-log", "show", *words)).stdout.splitlines()
        assert [line.split()[0] for line in lines] == numbers, words


async def test_a_platform_comes_back_by_command_when_two_people_say_so(
    database: Connection, command: Command
) -> None:
    contest = await store_contest(database, MASTER_KEY)
    await store_platform(database, "demo")
    await member(database, "staff-1")
    await member(database, "staff-2")
    why = ("--reason-zh", "夜间攻击", "--reason-en", "An attack at night")
    assert (await command("platform", "disable", "demo", *why)).exit_code == 0
    alone = await command("platform", "enable", "demo")
    assert isinstance(alone.exception, Refused) and "--as" in str(alone.exception)
    proposed = await command("platform", "enable", "demo", "--as", "staff-1")
    assert "Proposed as request 1" in proposed.stdout
    later = pyotp.TOTP(SECRET).at(datetime.now(UTC) + timedelta(seconds=30))
    again = await command("platform", "enable", "demo", "--as", "staff-1", VOTING_STAFF_CODE=later)
    assert isinstance(again.exception, SecondPersonRequired)
    assert not (await load_platforms(database))[0].enabled
    agreed = await command("platform", "enable", "demo", "--as", "staff-2")
    assert agreed.stdout == "demo is on.\n"
    assert (await load_platforms(database))[0].enabled
    changes = await load_changes(database, contest.id)
    assert [change.reason.zh for change in changes] == ["夜间攻击", "该平台恢复投票。"]
    acts = [(line.actor.split(" of ")[0], line.act) for line in await stored(database)]
    assert acts == [
        ("terminal", "platform_switched"),
        ("staff-1", "signed_in"),
        ("staff-1", "proposed"),
        ("staff-1", "signed_in"),
        ("staff-2", "signed_in"),
        ("staff-2", "platform_switched"),
        ("staff-2", "approved"),
    ]


async def test_a_wrong_password_is_recorded_and_what_was_typed_as_a_name_is_not(
    database: Connection, command: Command
) -> None:
    await store_contest(database, MASTER_KEY)
    await member(database, "staff-1", "supervisor")
    close = ("contest", "close", SLUG, "--at", "2022-08-15T10:00:00")
    for name in ("staff-1", PASSWORD):
        failed = await command(*close, "--as", name, VOTING_STAFF_PASSWORD="wrong horse battery")
        assert isinstance(failed.exception, NotSignedIn)
    lines = await stored(database)
    assert [(line.actor, line.act, line.subject) for line in lines] == [
        ("command line", "sign_in_failed", "staff-1"),
        ("command line", "sign_in_failed", ""),
    ]
    assert PASSWORD not in str(lines)
