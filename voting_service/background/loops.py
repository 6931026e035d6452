"""Reconcile, snapshot, audit, gather: each loop holds its lease on its own connection and starts
over, lease included, after any failure."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import NamedTuple

import structlog

from voting_service import metrics
from voting_service.background.lease import try_lease
from voting_service.background.sweep import LIMIT_SECONDS, due, latest_sweep, sweep
from voting_service.contests.model import Contest
from voting_service.contests.phases import DRAIN_SECONDS
from voting_service.contests.release import snapshot_moments_due
from voting_service.contests.store import load_readable_contests
from voting_service.errors import Refused, StoreUnavailable, TallyOfAnotherCluster
from voting_service.rulings.gather import gather
from voting_service.storage.database_clock import DatabaseClock
from voting_service.storage.durability import require_durable
from voting_service.storage.postgres import Connection, connect, domain_errors
from voting_service.storage.valkey import Valkey
from voting_service.tally.audit import Audit, audit, audit_due, last_ruled_at, load_audit
from voting_service.tally.counters import forget_counts, set_counts
from voting_service.tally.record import advance_floor, latest_snapshot_moment, take_snapshot
from voting_service.tasks import FailureLog, run_forever

log = structlog.get_logger(__name__)

Round = Callable[[Connection], Awaitable[None]]
LEASE_WAIT_SECONDS = 2.0
ROUND_LIMIT_SECONDS = 600.0
"""A snapshot of millions of ballots takes a minute; what takes this long hangs."""


class Loop(NamedTuple):
    """A named round of work and the pause after it."""

    name: str
    pause_seconds: float
    work: Round
    limit_seconds: float = ROUND_LIMIT_SECONDS


def for_each_contest(loop: str, work: Callable[[Connection, Contest], Awaitable[None]]) -> Round:
    """A round that does `work` for every contest; one that fails stops no other.

    Its failure is logged and counted under `loop`. The round raises when the connection is lost,
    because then every contest would fail.
    """
    failures = FailureLog(loop)

    async def work_for_all(connection: Connection) -> None:
        contests, unreadable = await load_readable_contests(connection)
        for slug, error in unreadable.items():
            failures.add(error, contest=slug)
        for contest in contests:
            try:
                await work(connection, contest)
            except Exception as error:
                if connection.is_closed():
                    raise
                failures.add(error, contest=contest.slug)
            else:
                failures.clear(contest=contest.slug)

    return work_for_all


def reconcile_loop(valkey: Valkey) -> Loop:
    """Postgres is right: every round sets the live counters to what the record says, and empties
    them where the kept tally is of another cluster."""
    refused: set[int] = set()

    async def reconcile(connection: Connection, contest: Contest) -> None:
        try:
            floor, totals = await advance_floor(connection, contest.id)
        except TallyOfAnotherCluster as error:
            metrics.LOOP_FAILURES.labels("reconcile").inc()
            if contest.id not in refused:  # once, not every second
                refused.add(contest.id)
                _tell_refused(contest, error)
            with suppress(StoreUnavailable):
                await forget_counts(valkey, contest.id)
            return
        except Refused as error:
            metrics.LOOP_FAILURES.labels("reconcile").inc()
            log.warning("tally_not_advanced", contest=contest.slug, reason=str(error))
            return
        if contest.id in refused:
            refused.discard(contest.id)
            log.info("tally_counted_again", contest=contest.slug, ballots=totals.ballots)
        try:
            drift = await set_counts(valkey, contest.id, floor, totals)
        except StoreUnavailable as error:
            log.warning("counters_not_reconciled", contest=contest.slug, reason=str(error))
            return
        metrics.COUNTER_DRIFT.set(drift)
        metrics.RECONCILED_AT.set(time.time())
        if drift:
            log.info("counters_corrected", contest=contest.slug, votes=drift)

    return Loop("reconcile", 1.0, for_each_contest("reconcile", reconcile))


def _tell_refused(contest: Contest, error: TallyOfAnotherCluster) -> None:
    log.error("tally_of_another_cluster", contest=contest.slug, reason=str(error))


def snapshot_loop(clock: DatabaseClock) -> Loop:
    """Keeps the counts at every moment that the release schedules show, once the last vote
    from before the moment has been stored."""

    async def snapshot(connection: Connection, contest: Contest) -> None:
        settled = await clock(connection) - timedelta(seconds=DRAIN_SECONDS)
        latest = await latest_snapshot_moment(connection, contest.id)
        for moment in snapshot_moments_due(contest, latest, settled):
            await take_snapshot(connection, contest.id, moment)
            log.info("snapshot_taken", contest=contest.slug, moment=moment.isoformat())

    return Loop("snapshot", 5.0, for_each_contest("snapshot", snapshot))


def audit_loop(clock: DatabaseClock) -> Loop:
    """Recounts all ballots now and then, and after the close, and compares the kept tally."""

    off_by = 0

    async def compare(connection: Connection, contest: Contest) -> None:
        nonlocal off_by
        newest = await load_audit(connection, contest.id)
        ruled_at = await last_ruled_at(connection, contest.id)
        if audit_due(contest, newest, ruled_at, await clock(connection)):
            newest = await _audited(connection, contest) or newest
        off_by += newest.difference if newest else 0

    compare_all = for_each_contest("audit", compare)

    async def work(connection: Connection) -> None:
        nonlocal off_by
        off_by = 0
        await compare_all(connection)
        metrics.AUDIT_DIFFERENCE.set(off_by)

    return Loop("audit", 30.0, work)


async def _audited(connection: Connection, contest: Contest) -> Audit | None:
    try:
        done = await audit(connection, contest)
    except Refused as error:  # the other contests go on
        metrics.LOOP_FAILURES.labels("audit").inc()
        log.warning("tally_not_audited", contest=contest.slug, reason=str(error))
        return None
    if done.difference:
        log.error("tally_differs_from_ballots", contest=contest.slug, votes=done.difference)
    else:
        log.info("tally_audited", contest=contest.slug, ballots=done.ballots)
    return done


def gather_loop(clock: DatabaseClock) -> Loop:
    """Makes holds of the ballots that were held at the door, once their day is over."""

    async def gather_held(connection: Connection, contest: Contest) -> None:
        for hold_id in await gather(connection, contest, await clock(connection)):
            log.info("held_ballots_gathered", contest=contest.slug, hold=hold_id)

    return Loop("gather", 30.0, for_each_contest("gather", gather_held))


def sweep_loop(clock: DatabaseClock) -> Loop:
    """Examines the ballots of every contest at night and at the close; what is found goes on
    hold."""

    async def sweep_due(connection: Connection, contest: Contest) -> None:
        moment = due(contest, await latest_sweep(connection, contest.id), await clock(connection))
        if moment is not None:
            await sweep(connection, contest, moment)

    work = for_each_contest("sweep", sweep_due)
    return Loop("sweep", 60.0, work, limit_seconds=LIMIT_SECONDS)


async def _hold_lease(loop: Loop, connection: Connection) -> None:
    """Returns once the lease is ours."""
    while True:
        async with asyncio.timeout(ROUND_LIMIT_SECONDS):
            if await try_lease(connection, loop.name):
                break
        await asyncio.sleep(LEASE_WAIT_SECONDS)
    log.info("lease_taken", loop=loop.name)


async def run_loop(loop: Loop, database_url: str) -> None:
    """Runs a loop for ever; failures are logged and counted, never fatal. A round whose server is
    set to lose what it commits does not begin."""

    async def work_under_lease() -> None:
        connection = await connect(database_url)
        try:
            await _hold_lease(loop, connection)
            while True:
                async with asyncio.timeout(loop.limit_seconds):
                    with domain_errors():
                        await require_durable(connection)
                    await loop.work(connection)
                await asyncio.sleep(loop.pause_seconds)
        finally:
            connection.terminate()

    await run_forever(loop.name, work_under_lease, pause_seconds=LEASE_WAIT_SECONDS)


async def run_loops(loops: list[Loop], database_url: str) -> None:
    """All loops side by side until cancelled."""
    async with asyncio.TaskGroup() as group:
        for loop in loops:
            group.create_task(run_loop(loop, database_url), name=loop.name)
