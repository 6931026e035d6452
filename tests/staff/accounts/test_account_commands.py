"""Accounts from a shell: invitations, and the audit log of what was done there."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from tests.commands import run_command, set_environment
from tests.cut_data import (
    member,
)
from voting_service.errors import (
    NotFound,
    Refused,
    SecondPersonRequired,
    WrongRole,
)
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.settings import Settings
from voting_service.staff.accounts.invitations import find_invitation


@pytest.fixture(autouse=True)
def environment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch, settings, STAFF_URL="https://desk.example")


async def account(*words: str) -> str:
    """What `account` prints; errors of the domain pass through."""
    return (await run_command("account", *words)).stdout


async def test_an_administrator_invites_from_a_shell(database: Connection) -> None:
    await member(database, "chief", "administrator")
    output = await account("invite", "--role", "auditor", "--note", "审计", "--as", "chief")
    link = re.fullmatch(r"https://desk\.example/invitation/([A-Za-z0-9_-]{43})\n", output)
    assert link
    invitation = await find_invitation(database, link[1], datetime.now(UTC))
    assert (invitation.role, invitation.note, invitation.inviter) == ("auditor", "审计", "chief")


async def test_nobody_else_invites(database: Connection) -> None:
    await member(database, "clerk")
    with pytest.raises(WrongRole):
        await account("invite", "--role", "auditor", "--note", "x", "--as", "clerk")
    assert await database.fetchval("select count(*) from invitations") == 0


async def test_what_is_done_from_a_shell_stands_in_the_audit_log(database: Connection) -> None:
    await account("add", "auditor", "--role", "auditor")
    await account("disable", "auditor")
    rows = await database.fetch("select actor, act, subject from audit_log order by entry")
    assert [(row["act"], row["subject"]) for row in rows] == [
        ("account_made", "auditor"),
        ("account_disabled", "auditor"),
    ]
    assert all(row["actor"].startswith("terminal of user ") for row in rows)


async def test_only_a_demo_knows_codes() -> None:
    with pytest.raises(Refused, match="only available for a demo"):
        await account("code", "supervisor-1")


async def test_a_second_person_approves_an_invitation_from_a_shell(database: Connection) -> None:
    await member(database, "chief", "administrator")
    await member(database, "second", "supervisor")
    await account("invite", "--role", "supervisor", "--note", "[b]监督", "--as", "chief")
    (invitation,) = await database.fetch("select encode(token_hash, 'hex') as id from invitations")
    listed = await account("invitations")
    assert listed.split()[0] == invitation["id"]
    assert listed.endswith("supervisor, invited by chief, waits for a second person: [b]监督\n")
    with pytest.raises(NotFound):
        await account("approve", "0" * 64, "--as", "second")
    await account("approve", invitation["id"], "--as", "second")
    approver = await database.fetchval(
        "select a.name from invitations i join accounts a on a.id = i.approved_by"
    )
    assert approver == "second"


async def test_a_shell_makes_no_third_account_that_decides(database: Connection) -> None:
    for name in ("first", "second"):
        await account("add", name, "--role", "administrator")
    with pytest.raises(SecondPersonRequired, match="account invite"):
        await account("add", "third", "--role", "supervisor")
    await account("add", "auditor", "--role", "auditor")
    assert await database.fetchval("select count(*) from accounts") == 3
