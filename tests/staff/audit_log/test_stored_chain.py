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
    hash_of,
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
async def journal(database: Connection) -> Connection:
    """A connection of the application to a journal of seven lines."""
    for number in range(1, LINES + 1):
        await record(database, "staff-1", "viewed", contest="a", subject=f"ballot {number}")
    return database


async def faults(connection: Connection, *noted: Head) -> list[str]:
    _, found = await check_chain(connection, noted=noted)
    return [str(fault) for fault in found]


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
    head, found = await check_chain(database, before)
    assert found == []
    assert head.entry == before.entry + 1
    newest = (await stored(database))[-1]
    assert (newest.actor, newest.act, newest.contest) == (actor, act, contest)
    assert (newest.subject, newest.facts) == (subject, details)
    assert hash_of(newest) == newest.hash


@pytest.mark.parametrize(
    ("forgery", "found"),
    [
        (
            "update journal set subject = 'ballot 9' where entry = 3",
            ["line 3 changed: it does not fit its hash"],
        ),
        (
            "update journal set at = at - interval '1 second' where entry = 3",
            ["line 3 changed: it does not fit its hash", "line 3 older than the line before it"],
        ),
        (
            "update journal set details = '{\"all\": \"well\"}' where entry = 7",
            ["line 7 changed: it does not fit its hash"],
        ),
        (
            "update journal j set subject = 'nothing', hash = sha256(journal_text("
            "  row(j.entry, j.at, j.actor, j.act, j.contest, 'nothing', j.details,"
            "      j.previous_hash, j.hash)::journal)) where entry = 3",
            ["line 4 not following the line before it"],
        ),
        ("delete from journal where entry = 3", ["line 3 missing"]),
        ("delete from journal where entry between 1 and 4", ["lines 1 to 4 missing"]),
        (
            "delete from journal where entry = 4;"
            "update journal set entry = -entry where entry > 4;"
            "update journal set entry = -entry - 1 where entry < 0",
            [
                f"line {line} changed: it does not fit its hash" if each == 0
                else "line 4 not following the line before it"
                for line, each in ((4, 0), (4, 1), (5, 0), (6, 0))
            ],
        ),
        (
            "update journal set entry = -entry where entry in (3, 4);"
            "update journal set entry = 7 + entry where entry < 0",
            [
                "line 3 changed: it does not fit its hash",
                "line 3 not following the line before it",
                "line 4 changed: it does not fit its hash",
                "line 4 not following the line before it",
                "line 5 not following the line before it",
            ],
        ),
        (
            "insert into journal values (9, now(), 'staff-1', 'viewed', 'a', '', '{}',"
            " sha256('x'), sha256('y'))",
            ["line 9 changed: it does not fit its hash", "line 8 missing"],
        ),
    ],
)  # fmt: skip
async def test_whatever_the_owner_forges_is_found(
    journal: Connection, owner_database_url: str, forgery: str, found: list[str]
) -> None:
    assert await faults(journal) == []
    async with forging(owner_database_url) as owner:
        await owner.execute(forgery)
    said = [each for each in await faults(journal) if "older" not in each or each in found]
    assert said == found


async def test_a_cut_end_shows_by_the_head_that_was_noted(
    journal: Connection, owner_database_url: str
) -> None:
    noted = await load_head(journal)
    async with forging(owner_database_url) as owner:
        await owner.execute("delete from journal where entry > 4")
    assert await faults(journal) == []
    assert await faults(journal, noted) == ["lines 5 to 7 cut off the end"]
    await record(journal, "staff-1", "viewed", subject="something else")
    assert await faults(journal) == []
    for _ in range(3):
        await record(journal, "staff-1", "viewed")
    assert await faults(journal, noted) == ["line 7 not the one whose hash was noted"]


async def test_going_on_from_a_line_that_is_not_there_any_more_is_a_fault(
    journal: Connection, owner_database_url: str
) -> None:
    noted = await load_head(journal)
    async with forging(owner_database_url) as owner:
        await owner.execute("delete from journal where entry = 7")
    _, found = await check_chain(journal, noted)
    assert [str(fault) for fault in found] == ["line 7 cut off the end"]
    await record(journal, "staff-1", "viewed", subject="another end")
    _, found = await check_chain(journal, noted)
    assert [str(fault) for fault in found] == ["line 7 not the one whose hash was noted"]


@pytest.mark.parametrize(
    "statement",
    [
        "update journal set subject = 'x' where entry = 3",
        "update journal set hash = sha256('x')",
        "delete from journal where entry = 7",
        "truncate journal",
        "insert into journal (entry, actor, act, subject, details) values (9, 'a', 'b', '', '{}')",
        "insert into journal (at, actor, act, subject, details)"
        " values ('2022-01-01', 'staff-1', 'viewed', '', '{}')",
        "insert into journal (hash, actor, act, subject, details)"
        " values (sha256('x'), 'staff-1', 'viewed', '', '{}')",
        "alter table journal disable trigger all",
        "drop trigger chain_journal on journal",
        "create or replace function chain_journal() returns trigger language plpgsql as"
        " $$ begin return new; end $$",
        "set session_replication_role = replica",
        "copy journal from stdin",
    ],
)
async def test_the_application_cannot_touch_a_line(journal: Connection, statement: str) -> None:
    before = await stored(journal)
    with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.UndefinedTableError)):
        await journal.execute(statement)
    assert await stored(journal) == before


@pytest.mark.parametrize("statement", ["update journal set subject = 'x'", "delete from journal",
                                       "truncate journal"])  # fmt: skip
async def test_even_the_owner_has_to_switch_the_triggers_off(
    journal: Connection, owner_database_url: str, statement: str
) -> None:
    owner = await connect(owner_database_url)
    try:
        with pytest.raises(asyncpg.CheckViolationError):
            await owner.execute(statement)
    finally:
        await owner.close()
    assert len(await stored(journal)) == LINES


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
        head, found = await check_chain(connection)
    assert found == []
    assert [line.entry for line in lines] == list(range(1, 81))
    assert {line.subject for line in lines} == {str(n) for n in range(100) if n % 5}
    assert head == Head(80, lines[-1].hash)


async def test_lines_of_one_statement_are_chained_too(database: Connection) -> None:
    await database.execute(
        "insert into journal (actor, act, subject, details)"
        " select 'staff-1', 'viewed', n::text, '{}' from generate_series(1, 500) as n"
    )
    head, found = await check_chain(database)
    assert (head.entry, found) == (500, [])


async def test_a_clock_put_back_does_not_make_a_line_older(
    journal: Connection, owner_database_url: str
) -> None:
    async with forging(owner_database_url) as owner:
        await owner.execute(
            "update journal set at = at + interval '1 day' where entry = 7;"
            "update journal j set hash = sha256(journal_text(j)) where entry = 7"
        )
    await record(journal, "staff-1", "viewed")
    seventh, eighth = (await stored(journal))[-2:]
    assert eighth.at == seventh.at
    assert seventh.at - (await stored(journal))[-3].at > timedelta(hours=23)
    assert await faults(journal) == []


async def test_an_empty_journal_is_whole(database: Connection) -> None:
    assert await check_chain(database) == (BEGINNING, [])
