"""Raises an alarm within two minutes of a burst; it never holds a ballot.

Whatever happened to the process or its lease, the next round reads the last days from the kept
aggregates, the last hour again from the ballots, and goes on from there.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from voting_service import metrics
from voting_service.antifraud.alarm import QUIET, Alarm, Minute, Watch
from voting_service.antifraud.alarm_store import (
    MINUTE,
    begin_of,
    keep_alarm,
    minute_of,
    raised_since,
)
from voting_service.antifraud.alarm_words import sentence
from voting_service.background.loops import Loop, for_each_contest
from voting_service.contests.model import Contest
from voting_service.contests.phases import DRAIN_SECONDS
from voting_service.contests.store import load_platforms
from voting_service.errors import TallyOfAnotherCluster
from voting_service.storage.database_clock import DatabaseClock
from voting_service.storage.postgres import Connection, domain_errors
from voting_service.storage.queries import Queries
from voting_service.tally.desk_figures import id_bound

QUERIES = Queries(__package__, "alarm_loop.sql")
EVERY_SECONDS = 15.0
REMEMBERED = timedelta(days=10)
READ_AGAIN_MINUTES = 10
"""So much at least is read again from the ballots when a watch begins, back to a whole hour."""
LONGEST_GAP_MINUTES = 120
NETWORK_COUNTS = 5_000
"""A minute of thousands of networks is told by the largest of them."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Watched:
    """A contest's watch, and the first minute that it has not been told."""

    watch: Watch
    next: int


def alarm_loop(clock: DatabaseClock) -> Loop:
    """Looks at every minute once no ballot of it can appear any more."""
    known: dict[int, Watched] = {}

    async def look(connection: Connection, contest: Contest) -> None:
        now = await clock(connection)
        # Taken out until its alarms are kept: after a failure the watch begins anew.
        watched = known.pop(contest.id, None)
        last = last_settled_minute(contest, now)
        if last < minute_of(contest.opens_at) or _is_over(contest, now):
            return
        if watched is None or last - watched.next > LONGEST_GAP_MINUTES:
            try:
                watched = await begin(connection, contest, last)
            except TallyOfAnotherCluster:  # the reconciler says so
                metrics.LOOP_FAILURES.labels("alarm").inc()
                return
        await _catch_up(connection, contest, watched, last, now)
        known[contest.id] = watched

    return Loop("alarm", EVERY_SECONDS, for_each_contest("alarm", look))


def last_settled_minute(contest: Contest, now: datetime) -> int:
    """The newest minute, of the voting time, whose ballots are all stored."""
    settled = minute_of(now - timedelta(seconds=DRAIN_SECONDS)) - 1
    return min(settled, minute_of(contest.closes_at - timedelta(microseconds=1)))


def _is_over(contest: Contest, now: datetime) -> bool:
    return now >= contest.closes_at + LONGEST_GAP_MINUTES * MINUTE


async def begin(connection: Connection, contest: Contest, last: int) -> Watched:
    """A watch that knows the days before, and what was raised lately. Raises
    TallyOfAnotherCluster and StoreUnavailable."""
    hour = (last - READ_AGAIN_MINUTES) // 60 * 60
    start = begin_of(max(hour, minute_of(contest.opens_at)))
    watch = Watch(contest.numbers)
    with domain_errors():
        rows = await connection.fetch(
            QUERIES["kept_hours"], contest.id, start - REMEMBERED, begin_of(hour)
        )
    hours: dict[int, dict[tuple[int, int], int]] = {}
    for row in rows:
        votes = hours.setdefault(minute_of(row["hour"]), {})
        votes[row["platform_id"], row["candidate"]] = row["votes"]
    for begins, votes in hours.items():
        watch.remember(begins, votes)
    for at, subject in await raised_since(connection, contest.id, start - QUIET * MINUTE):
        watch.known(subject, at)
    return Watched(watch, minute_of(start))


async def _catch_up(
    connection: Connection, contest: Contest, watched: Watched, last: int, now: datetime
) -> None:
    while watched.next <= last:
        minute = await read_minute(connection, contest, watched.next)
        for alarm in watched.watch.add(minute):
            await _raise(connection, contest, alarm, now)
        watched.next += 1


async def read_minute(connection: Connection, contest: Contest, at: int) -> Minute:
    """One minute's counts, from a range of one index. Raises StoreUnavailable."""
    bounds = id_bound(begin_of(at)), id_bound(begin_of(at + 1))
    with domain_errors():
        rows = await connection.fetch(QUERIES["minute_counts"], contest.id, *bounds, NETWORK_COUNTS)
    votes, networks = {}, {}
    for row in rows:
        if row["network"] is None:
            votes[row["platform_id"], row["candidate"]] = row["votes"]
        else:
            networks[row["network"], row["candidate"]] = row["votes"]
    return Minute(at, votes, networks)


async def _raise(connection: Connection, contest: Contest, alarm: Alarm, now: datetime) -> None:
    names = {candidate.number: candidate.name for candidate in contest.candidates}
    platforms = {platform.id: platform.name for platform in await load_platforms(connection)}
    words = sentence(alarm, names, platforms)
    if not await keep_alarm(connection, contest.id, alarm, words, now):
        return
    metrics.ALARMS.labels(alarm.subject.what, alarm.looks).inc()
    log.warning(
        "alarm_raised",
        contest=contest.slug,
        minute=begin_of(alarm.at).isoformat(),
        what=alarm.subject.what,
        candidate=alarm.subject.candidate,
        platform=alarm.subject.platform,
        looks=alarm.looks,
        observed=round(alarm.observed),
        expected=round(alarm.expected, 1),
    )
