"""The background check of the audit log: what is forged while it runs becomes an alarm."""

from __future__ import annotations

from datetime import timedelta

from prometheus_client import REGISTRY

from tests.database_clocks import as_database_clock
from tests.sites.public.api.running_service import MovedClock
from tests.staff.audit_log.chained import forging
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.jobs.audit_log_check import CHECK_ALL_EVERY, audit_log_check_loop
from voting_service.staff.audit_log.record import record
from voting_service.staff.audit_log.verification import (
    Scope,
    load_checks,
    load_head,
)


def alarm() -> float:
    return REGISTRY.get_sample_value("voting_audit_log_faults") or 0.0


async def write(database: Connection, lines: int) -> None:
    for _ in range(lines):
        await record(database, "staff-1", "viewed")


async def faults(database: Connection, scope: Scope) -> tuple[str, ...]:
    return tuple(str(fault) for fault in (await load_checks(database))[scope].faults)


async def test_new_lines_are_checked_each_round_and_all_of_them_each_hour(
    database: Connection, owner_database_url: str
) -> None:
    clock = MovedClock()
    loop = audit_log_check_loop(as_database_clock(clock))
    await write(database, 3)
    await loop.work(database)
    checks = await load_checks(database)
    assert (checks["whole"].head, checks["whole"].faults) == (await load_head(database), ())

    await write(database, 2)
    await loop.work(database)
    checks = await load_checks(database)
    assert (checks["whole"].head.entry, checks["newest"].head.entry) == (3, 5)
    assert alarm() == 0

    async with forging(owner_database_url) as owner:
        await owner.execute("update audit_log set subject = 'x' where entry = 2")
    await loop.work(database)
    assert alarm() == 0, "an old line is looked at again within the hour"
    clock.offset += CHECK_ALL_EVERY + timedelta(seconds=1)
    await loop.work(database)
    assert alarm() == 1
    assert await faults(database, "whole") == (
        "Entry 2: changed; the content does not match the hash",
    )
    async with forging(owner_database_url) as owner:
        await owner.execute("update audit_log set subject = '' where entry = 2")
    await loop.work(database)
    assert alarm() == 0


async def test_a_cut_end_is_an_alarm_that_no_restart_ends(
    database: Connection, owner_database_url: str
) -> None:
    clock = MovedClock()
    await write(database, 4)
    loop = audit_log_check_loop(as_database_clock(clock))
    await loop.work(database)
    async with forging(owner_database_url) as owner:
        await owner.execute("delete from audit_log where entry > 2")
    await loop.work(database)
    assert alarm() == 1
    for started_again in (
        loop,
        audit_log_check_loop(as_database_clock(clock)),
        audit_log_check_loop(as_database_clock(clock)),
    ):
        await started_again.work(database)
        assert alarm() == 1
    assert await faults(database, "whole") == ("Entries 3 to 4: cut off the end",)


async def test_a_rewritten_end_is_an_alarm(database: Connection, owner_database_url: str) -> None:
    await write(database, 4)
    loop = audit_log_check_loop(as_database_clock(MovedClock()))
    await loop.work(database)
    async with forging(owner_database_url) as owner:
        await owner.execute("delete from audit_log where entry > 2")
    await write(database, 3)
    await loop.work(database)
    assert alarm() == 2
    assert await faults(database, "newest") == (
        "Entry 4: not the hash that was noted",
        "Entry 5: does not follow from the entry before",
    )
