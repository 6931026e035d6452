"""The chain in Postgres: the table and Python agree, forging is found, the services cannot."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.staff.audit_log.chained import forging, stored
from voting_service.infrastructure.postgres.pool import (
    Connection,
    Pool,
    acquire,
    connect,
)
from voting_service.staff.audit_log.hash_chain import (
    BEGINNING,
    Head,
    hash_entry,
)
from voting_service.staff.audit_log.model import ACTS, Act
from voting_service.staff.audit_log.record import record
from voting_service.staff.audit_log.verification import check_chain, load_head

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | TEXTS | st.integers(-(2**60), 2**60) | st.floats(-1e9, 1e9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
LINES = 7


@pytest.fixture
async def audit_log(database: Connection) -> Connection:
    """A connection of the application to an audit log of seven lines."""
    for number in range(1, LINES + 1):
        await record(database, "staff-1", "viewed", contest="a", subject=f"ballot {number}")
    return database


async def faults(connection: Connection, *noted: Head) -> list[str]:
    _, result = await check_chain(connection, noted=noted)
    return [str(fault) for fault in result]


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    actor=TEXTS.filter(bool),
    act=st.sampled_from(ACTS),
    contest=st.none() | TEXTS.filter(bool),
    subject=TEXTS,
    details=st.dictionaries(TEXTS, VALUES, max_size=4),
)
async def test_python_and_postgres_hash_alike(
    database: Connection,
    actor: str,
    act: Act,
    contest: str | None,
    subject: str,
    details: dict[str, Any],
) -> None:
    before = await load_head(database)
    await record(database, actor, act, contest=contest, subject=subject, details=details)
    head, result = await check_chain(database, before)
    assert result == []
    assert head.entry == before.entry + 1
    newest = (await stored(database))[-1]
    assert (newest.actor, newest.act, newest.contest) == (actor, act, contest)
    assert (newest.subject, newest.facts) == (subject, details)
    assert hash_entry(newest) == newest.hash


@pytest.mark.parametrize(
    ("forgery", "result"),
    [
        (
            "update audit_log set subject = 'ballot 9' where entry = 3",
            ["Entry 3: changed; the content does not match the hash"],
        ),
        (
            "update audit_log set at = at - interval '1 second' where entry = 3",
            [
                "Entry 3: changed; the content does not match the hash",
                "Entry 3: dated before the entry before it",
            ],
        ),
        (
            "update audit_log set details = '{\"all\": \"well\"}' where entry = 7",
            ["Entry 7: changed; the content does not match the hash"],
        ),
        (
            "update audit_log j set subject = 'nothing', hash = sha256(audit_entry_bytes("
            "  row(j.entry, j.at, j.actor, j.act, j.contest, 'nothing', j.details,"
            "      j.previous_hash, j.hash)::audit_log)) where entry = 3",
            ["Entry 4: does not follow from the entry before"],
        ),
        ("delete from audit_log where entry = 3", ["Entry 3: missing"]),
        ("delete from audit_log where entry between 1 and 4", ["Entries 1 to 4: missing"]),
        (
            "delete from audit_log where entry = 4;"
            "update audit_log set entry = -entry where entry > 4;"
            "update audit_log set entry = -entry - 1 where entry < 0",
            [
                f"Entry {line}: changed; the content does not match the hash" if fault == 0
                else "Entry 4: does not follow from the entry before"
                for line, fault in ((4, 0), (4, 1), (5, 0), (6, 0))
            ],
        ),
        (
            "update audit_log set entry = -entry where entry in (3, 4);"
            "update audit_log set entry = 7 + entry where entry < 0",
            [
                "Entry 3: changed; the content does not match the hash",
                "Entry 3: does not follow from the entry before",
                "Entry 4: changed; the content does not match the hash",
                "Entry 4: does not follow from the entry before",
                "Entry 5: does not follow from the entry before",
            ],
        ),
        (
            "insert into audit_log values (9, now(), 'staff-1', 'viewed', 'a', '', '{}',"
            " sha256('x'), sha256('y'))",
            ["Entry 9: changed; the content does not match the hash", "Entry 8: missing"],
        ),
    ],
)  # fmt: skip
async def test_whatever_the_owner_forges_is_found(
    audit_log: Connection, owner_database_url: str, forgery: str, result: list[str]
) -> None:
    assert await faults(audit_log) == []
    async with forging(owner_database_url) as owner:
        await owner.execute(forgery)
    output = [
        fault for fault in await faults(audit_log) if "dated before" not in fault or fault in result
    ]
    assert output == result


async def test_a_cut_end_shows_by_the_head_that_was_noted(
    audit_log: Connection, owner_database_url: str
) -> None:
    noted = await load_head(audit_log)
    async with forging(owner_database_url) as owner:
        await owner.execute("delete from audit_log where entry > 4")
    assert await faults(audit_log) == []
    assert await faults(audit_log, noted) == ["Entries 5 to 7: cut off the end"]
    await record(audit_log, "staff-1", "viewed", subject="something else")
    assert await faults(audit_log) == []
    for _ in range(3):
        await record(audit_log, "staff-1", "viewed")
    assert await faults(audit_log, noted) == ["Entry 7: not the hash that was noted"]


async def test_going_on_from_a_line_that_no_longer_exists_is_a_fault(
    audit_log: Connection, owner_database_url: str
) -> None:
    noted = await load_head(audit_log)
    async with forging(owner_database_url) as owner:
        await owner.execute("delete from audit_log where entry = 7")
    _, result = await check_chain(audit_log, noted)
    assert [str(fault) for fault in result] == ["Entry 7: cut off the end"]
    await record(audit_log, "staff-1", "viewed", subject="another end")
    _, result = await check_chain(audit_log, noted)
    assert [str(fault) for fault in result] == ["Entry 7: not the hash that was noted"]


@pytest.mark.parametrize(
    "statement",
    [
        "update audit_log set subject = 'x' where entry = 3",
        "update audit_log set hash = sha256('x')",
        "delete from audit_log where entry = 7",
        "truncate audit_log",
        "insert into audit_log (entry, actor, act, subject, details)"
        " values (9, 'a', 'b', '', '{}')",
        "insert into audit_log (at, actor, act, subject, details)"
        " values ('2022-01-01', 'staff-1', 'viewed', '', '{}')",
        "insert into audit_log (hash, actor, act, subject, details)"
        " values (sha256('x'), 'staff-1', 'viewed', '', '{}')",
        "alter table audit_log disable trigger all",
        "drop trigger chain_audit_log on audit_log",
        "create or replace function chain_audit_log() returns trigger language plpgsql as"
        " $$ begin return new; end $$",
        "set session_replication_role = replica",
        "copy journal from stdin",
    ],
)
async def test_the_application_cannot_touch_a_line(audit_log: Connection, statement: str) -> None:
    before = await stored(audit_log)
    with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.UndefinedTableError)):
        await audit_log.execute(statement)
    assert await stored(audit_log) == before


@pytest.mark.parametrize(
    "statement",
    ["update audit_log set subject = 'x'", "delete from audit_log", "truncate audit_log"],
)
async def test_even_the_owner_has_to_switch_the_triggers_off(
    audit_log: Connection, owner_database_url: str, statement: str
) -> None:
    owner = await connect(owner_database_url)
    try:
        with pytest.raises(asyncpg.CheckViolationError):
            await owner.execute(statement)
    finally:
        await owner.close()
    assert len(await stored(audit_log)) == LINES


async def test_a_hundred_writers_keep_one_chain(pool: Pool) -> None:
    async def act(number: int) -> None:
        async with acquire(pool) as connection:
            try:
                async with connection.transaction():
                    await record(connection, f"staff-{number}", "viewed", subject=str(number))
                    if number % 5 == 0:
                        await connection.execute("select 1 / 0")
            except asyncpg.DivisionByZeroError:
                return

    await asyncio.gather(*(act(number) for number in range(100)))
    async with acquire(pool) as connection:
        lines = await stored(connection)
        head, result = await check_chain(connection)
    assert result == []
    assert [line.entry for line in lines] == list(range(1, 81))
    assert {line.subject for line in lines} == {str(n) for n in range(100) if n % 5}
    assert head == Head(80, lines[-1].hash)


async def test_lines_of_one_statement_are_chained_too(database: Connection) -> None:
    await database.execute(
        "insert into audit_log (actor, act, subject, details)"
        " select 'staff-1', 'viewed', n::text, '{}' from generate_series(1, 500) as n"
    )
    head, result = await check_chain(database)
    assert (head.entry, result) == (500, [])


async def test_a_clock_put_back_does_not_make_a_line_older(
    audit_log: Connection, owner_database_url: str
) -> None:
    async with forging(owner_database_url) as owner:
        await owner.execute(
            "update audit_log set at = at + interval '1 day' where entry = 7;"
            "update audit_log j set hash = sha256(audit_entry_bytes(j)) where entry = 7"
        )
    await record(audit_log, "staff-1", "viewed")
    seventh, eighth = (await stored(audit_log))[-2:]
    assert eighth.at == seventh.at
    assert seventh.at - (await stored(audit_log))[-3].at > timedelta(hours=23)
    assert await faults(audit_log) == []


async def test_an_empty_audit_log_is_whole(database: Connection) -> None:
    assert await check_chain(database) == (BEGINNING, [])
