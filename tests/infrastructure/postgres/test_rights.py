"""What each process may do in SQL is what docs/database-rights.md lists, and no more."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import asyncpg
import pytest

from tests.contest_data import SLUG, store_contest
from voting_service.commands.start_checks import check_start
from voting_service.demo.embedded_postgres import APPLICATION, PROCESSES, EmbeddedPostgres
from voting_service.errors import SecondPersonRequired
from voting_service.infrastructure.postgres.pool import Connection, connect, domain_errors
from voting_service.infrastructure.postgres.roles import url_with_role
from voting_service.settings import Settings, SettingsFault

DOCUMENT = Path(__file__).parents[3] / "docs" / "database-rights.md"
ROLES = ("voting_public", "voting_staff", "voting_jobs", "voting_application")
NONE = "–"

TABLE_RIGHTS = """
select n.nspname || '.' || c.relname as name, g.grantee::regrole::text as role,
       lower(g.privilege_type) as privilege, g.columns
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
 cross join lateral (
       select a.grantee, a.privilege_type, '' as columns from aclexplode(c.relacl) a
        union all
       select a.grantee, a.privilege_type, string_agg(k.attname, ', ' order by k.attname)
         from pg_attribute k, aclexplode(k.attacl) a
        where k.attrelid = c.oid and k.attnum > 0 and not k.attisdropped
        group by a.grantee, a.privilege_type) as g
 where n.nspname in ('public', 'nomination', 'jobs') and c.relkind in ('r', 'p', 'v', 'S')
   and g.grantee <> c.relowner
 order by 1, 2, 3, 4
"""
FUNCTION_RIGHTS = """
select n.nspname || '.' || p.proname as name, a.grantee::regrole::text as role,
       p.prosecdef as as_owner
  from pg_proc p
  join pg_namespace n on n.oid = p.pronamespace
 cross join lateral aclexplode(p.proacl) a
 where n.nspname in ('public', 'nomination', 'jobs') and a.grantee <> p.proowner
 order by 1, 2
"""


def rights_lines(
    tables: Sequence[asyncpg.Record], functions: Sequence[asyncpg.Record]
) -> list[str]:
    """Return the rows of both tables of the document."""
    rights: dict[str, dict[str, list[str]]] = {}
    for row in tables:
        columns = f" ({row['columns']})" if row["columns"] else ""
        cell = rights.setdefault(row["name"], {}).setdefault(row["role"], [])
        cell.append(row["privilege"] + columns)
    for row in functions:
        name = f"{row['name']}()" + (" as owner" if row["as_owner"] else "")
        rights.setdefault(name, {}).setdefault(row["role"], []).append("execute")
    return [
        f"| {name} | " + " | ".join(", ".join(by_role.get(role, [NONE])) for role in ROLES) + " |"
        for name, by_role in rights.items()
    ]


async def test_the_rights_are_those_of_the_document(database: Connection) -> None:
    lines = rights_lines(await database.fetch(TABLE_RIGHTS), await database.fetch(FUNCTION_RIGHTS))
    text = DOCUMENT.read_text(encoding="utf-8")
    documented = [
        line for line in text.splitlines() if line.startswith(("| public.", "| nom", "| jobs."))
    ]
    assert documented == lines, "\n".join(lines)


BALLOT = (
    "insert into ballots (contest_id, platform_id, disposition, screened, period, cast_at,"
    " ballot_id, voter, choices) values (1, 1, 0, true, now()::date, now(), '', '', '{1}')"
)
SNAPSHOT = "insert into standings_snapshots values (1, now() + interval '1 day', 1, '{}')"
SESSION = (
    "insert into staff_sessions (token_hash, account_id, source, opened_at, last_seen_at,"
    " confirmed_at) values (sha256('mine'), 1, '', now(), now(), now())"
)
ACCOUNT = (
    "insert into accounts (name, role, password_hash, wrapped_totp_secret, created_at)"
    " values ('x', 'auditor', 'x', 'x', now())"
)
PLATFORM = "insert into platforms (slug, name, kind, config) values ('x', '{}', 'jwt', '{}')"
HOLD = (
    "insert into holds (contest_id, kind, source, label, evidence, ballots, ballots_hash,"
    " created_at) values (1, 'bloc', '', '', '{}', 1, '', now())"
)
SHEETS = "select content from nomination.panel_sheets"
REFUSED = {
    "serve": (
        "select name from accounts",
        "select token_hash from staff_sessions",
        "select payload from approval_requests",
        "insert into audit_log (actor, act, subject, details) values ('x', 'viewed', '', '{}')",
        "update contests set closes_at = now()",
        "update platforms set enabled = true",
        "select id from nomination.selections",
        "select evidence from holds",
        "select content from online_objections",
        "delete from contest_keys",
        "select open_session(1, 'x', null, 'x', '', now())",
        SNAPSHOT,
        SESSION,
        ACCOUNT,
        PLATFORM,
        HOLD,
    ),
    "console": (
        "delete from picture_files",
        "insert into contests (slug, created_xid) values ('x', '1')",
        "update accounts set password_hash = 'mine'",
        "update accounts set openid_subject = 'mine'",
        "update accounts set wrapped_totp_secret = 'mine'",
        "update accounts set role = 'supervisor'",
        "delete from contest_keys",
        "update tally_hours set votes = 2",
        "insert into sweeps values (1, now() + interval '1 day', 1, 0, 0, 0)",
        "insert into rulings values (1, 1, 1, 1, 'void', now())",
        SHEETS,
        BALLOT,
        SNAPSHOT,
        SESSION,
        ACCOUNT,
    ),
    "work": (
        "select password_hash from accounts",
        "select token_hash from staff_sessions",
        "update accounts set disabled = true",
        "update approval_requests set approved_by = 1",
        "update contests set closes_at = now()",
        "insert into publications values (1, 1, '', 1, now())",
        "select sender from nomination.objections",
        "delete from contest_keys",
        SHEETS,
        BALLOT,
        SESSION,
        ACCOUNT,
        PLATFORM,
    ),
}


@pytest.mark.parametrize("process", REFUSED)
async def test_a_login_of_one_process_cannot_do_what_others_do(
    postgres: EmbeddedPostgres, database_name: str, process: str
) -> None:
    connection = await connect(postgres.url(PROCESSES[process], database_name))
    others = [f"set role {role}" for role in ROLES if role not in _own_role(process)]
    others += ["reset role; " + statement for statement in REFUSED[process]]
    try:
        for statement in (*REFUSED[process], *others):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
                pytest.fail(statement)
    finally:
        await connection.close()


async def test_the_console_stores_no_contest_that_two_people_have_not_announced(
    postgres: EmbeddedPostgres, database: Connection, database_name: str
) -> None:
    await store_contest(database, b"m" * 32)
    connection = await connect(postgres.url(PROCESSES["console"], database_name))
    try:
        with pytest.raises(SecondPersonRequired), domain_errors():
            await connection.execute(
                "insert into contests (slug, rules, opens_at, closes_at)"
                " select 'alone', rules, opens_at, closes_at from contests"
            )
    finally:
        await connection.close()
    assert await database.fetchval("select array_agg(slug) from contests") == [SLUG]


def _own_role(process: str) -> str:
    return {"serve": "voting_public", "console": "voting_staff", "work": "voting_jobs"}[process]


async def test_a_process_with_the_login_of_all_takes_its_own_role(database_url: str) -> None:
    connection = await connect(url_with_role(database_url + "?application_name=x", "voting_public"))
    try:
        assert await connection.fetchval("select current_user") == "voting_public"
        assert await connection.fetchval("select session_user") == "voting_service"
        for statement in REFUSED["serve"]:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close()


async def test_a_login_of_another_process_is_named_before_a_service_starts(
    postgres: EmbeddedPostgres, database_name: str, settings: Settings
) -> None:
    of_the_web = settings.model_copy(
        update={"database_url": postgres.url(PROCESSES["serve"], database_name)}
    )
    await asyncio.to_thread(check_start, of_the_web, "serve")
    with pytest.raises(SettingsFault, match="not a member of voting_staff"):
        await asyncio.to_thread(check_start, of_the_web, "console")


@pytest.mark.parametrize("login", ["console", "one login for all"])
async def test_the_console_stores_no_contest_that_nobody_approved(
    postgres: EmbeddedPostgres, database: Connection, database_name: str, login: str
) -> None:
    stored = await store_contest(database, b"m" * 32)
    url = postgres.url(PROCESSES.get(login, APPLICATION), database_name)
    connection = await connect(url_with_role(url, "voting_staff"))
    try:
        with pytest.raises(asyncpg.CheckViolationError, match="nobody joins a contest later"):
            await connection.execute(
                "insert into candidates (contest_id, number, profile) values ($1, 9, '{}')",
                stored.id,
            )
        with pytest.raises(asyncpg.CheckViolationError, match="two people announce a contest"):
            await connection.execute(
                "insert into contests (slug, rules, opens_at, closes_at)"
                " values ('x', '{}', now(), now() + interval '1 day')"
            )
    finally:
        await connection.close()
