"""Reconcile, snapshot, audit, gather: each loop holds its lease on its own connection and starts
over, lease included, after any failure."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import NamedTuple

import structlog

from voting_service import metrics
from voting_service.background.lease import try_lease
from voting_service.background.sweep import LIMIT_SECONDS, due, latest_sweep, sweep
from voting_service.clock import Clock
from voting_service.contests.model import Contest
from voting_service.contests.phases import DRAIN_SECONDS
from voting_service.contests.release import snapshot_moments_due
from voting_service.contests.store import load_contests
from voting_service.errors import Refused, StoreUnavailable, VotingError
from voting_service.rulings.gather import gather
from voting_service.storage.postgres import Connection, connect
from voting_service.storage.valkey import Valkey
from voting_service.tally.audit import Audit, audit, audit_due, last_ruled_at, load_audit
from voting_service.tally.counters import set_counts
from voting_service.tally.record import advance_floor, latest_snapshot_moment, take_snapshot

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


def reconcile_loop(valkey: Valkey) -> Loop:
    """Postgres is right: every round sets the live counters to what the record says."""

    async def work(connection: Connection) -> None:
        for contest in await load_contests(connection):
            try:
                floor, totals = await advance_floor(connection, contest.id)
            except Refused as error:  # the other contests go on
                metrics.LOOP_FAILURES.labels("reconcile").inc()
                log.warning("tally_not_advanced", contest=contest.slug, reason=str(error))
                continue
            try:
                drift = await set_counts(valkey, contest.id, floor, totals)
            except StoreUnavailable as error:
                log.warning("counters_not_reconciled", contest=contest.slug, reason=str(error))
                continue
            metrics.COUNTER_DRIFT.set(drift)
            metrics.RECONCILED_AT.set(time.time())
            if drift:
                log.info("counters_corrected", contest=contest.slug, votes=drift)

    return Loop("reconcile", 1.0, work)


def snapshot_loop(clock: Clock) -> Loop:
    """Keeps the counts at every moment that the release schedules show, once the last vote
    from before the moment has been stored."""

    async def work(connection: Connection) -> None:
        settled: datetime = clock() - timedelta(seconds=DRAIN_SECONDS)
        for contest in await load_contests(connection):
            latest = await latest_snapshot_moment(connection, contest.id)
            for moment in snapshot_moments_due(contest, latest, settled):
                await take_snapshot(connection, contest.id, moment)
                log.info("snapshot_taken", contest=contest.slug, moment=moment.isoformat())

    return Loop("snapshot", 5.0, work)


def audit_loop(clock: Clock) -> Loop:
    """Recounts all ballots now and then, and after the close, and compares the kept tally."""

    async def work(connection: Connection) -> None:
        off_by = 0
        for contest in await load_contests(connection):
            newest = await load_audit(connection, contest.id)
            ruled_at = await last_ruled_at(connection, contest.id)
            if audit_due(contest, newest, ruled_at, clock()):
                newest = await _audited(connection, contest) or newest
            off_by += newest.difference if newest else 0
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


def gather_loop(clock: Clock) -> Loop:
    """Makes holds of the ballots that were held at the door, once their day is over."""

    async def work(connection: Connection) -> None:
        for contest in await load_contests(connection):
            for hold_id in await gather(connection, contest, clock()):
                log.info("held_ballots_gathered", contest=contest.slug, hold=hold_id)

    return Loop("gather", 30.0, work)


def sweep_loop(clock: Clock) -> Loop:
    """Examines the ballots of every contest at night and at the close; what is found goes on
    hold."""

    async def work(connection: Connection) -> None:
        for contest in await load_contests(connection):
            moment = due(contest, await latest_sweep(connection, contest.id), clock())
            if moment is not None:
                await sweep(connection, contest, moment)

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
    """Runs a loop for ever; failures are logged and counted, never fatal."""
    while True:
        try:
            connection = await connect(database_url)
            try:
                await _hold_lease(loop, connection)
                while True:
                    async with asyncio.timeout(loop.limit_seconds):
                        await loop.work(connection)
                    await asyncio.sleep(loop.pause_seconds)
            finally:
                connection.terminate()
        except VotingError as error:
            metrics.LOOP_FAILURES.labels(loop.name).inc()
            log.warning("loop_failed", loop=loop.name, reason=str(error))
        except Exception:
            metrics.LOOP_FAILURES.labels(loop.name).inc()
            log.exception("loop_failed", loop=loop.name)
        await asyncio.sleep(LEASE_WAIT_SECONDS)


async def run_loops(loops: list[Loop], database_url: str) -> None:
    """All loops side by side until cancelled."""
    async with asyncio.TaskGroup() as group:
        for loop in loops:
            group.create_task(run_loop(loop, database_url), name=loop.name)
