"""Raises an alarm within two minutes of a burst; holds no ballot.

After a failure, of the process or its lease, the next round reads the last days from the stored
aggregates and the last hour again from the ballots, and continues from there.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from voting_service.antifraud import metrics as antifraud_metrics
from voting_service.antifraud.alarms.detection import (
    QUIET_MINUTES,
    Alarm,
    BurstDetector,
    MinuteCounts,
)
from voting_service.antifraud.alarms.messages import alarm_message
from voting_service.antifraud.alarms.repository import (
    MINUTE,
    load_raised_since,
    minute_number,
    minute_start,
    store_alarm,
)
from voting_service.contests.model import Contest
from voting_service.contests.repository import load_platforms
from voting_service.infrastructure import metrics
from voting_service.infrastructure.postgres.named_queries import Queries
from voting_service.infrastructure.postgres.pool import Connection, domain_errors
from voting_service.infrastructure.timeouts import CHALLENGE_GRACE_SECONDS
from voting_service.jobs.loop_runner import Loop, for_each_contest
from voting_service.voting.completeness import CompletenessReader
from voting_service.voting.tally.errors import TallyOfAnotherCluster
from voting_service.voting.tally.live_figures import first_ballot_id

QUERIES = Queries(__package__, "alarms.sql")
NAME = "alarms"
ROUND_SECONDS = 15.0
BASELINE_READ = timedelta(days=10)
REREAD_MINUTES = 10
"""Least part that a new detector reads again from the ballots, back to a whole hour."""
MAX_GAP_MINUTES = 120
MAX_NETWORK_COUNTS = 5_000
"""Counts by network of one minute: the largest of them."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class ContestDetector:
    """The detector of a contest, and the next minute to add to it."""

    detector: BurstDetector
    next_minute: int


def alarm_loop(completeness: CompletenessReader) -> Loop:
    """Return the loop that adds every minute once all its ballots are stored."""
    detectors: dict[int, ContestDetector] = {}

    async def check(connection: Connection, contest: Contest) -> None:
        now, complete_before = await completeness(connection)
        # Removed until its alarms are stored: after a failure a new detector is started.
        state = detectors.pop(contest.id, None)
        last = last_complete_minute(contest, complete_before)
        if last < minute_number(contest.opens_at) or _is_over(contest, now):
            return
        if state is None or last - state.next_minute > MAX_GAP_MINUTES:
            try:
                state = await start_detector(connection, contest, last)
            except TallyOfAnotherCluster:  # logged by the reconcile loop
                metrics.LOOP_FAILURES.labels(NAME).inc()
                return
        await _catch_up(connection, contest, state, last, now)
        detectors[contest.id] = state

    return Loop(NAME, ROUND_SECONDS, for_each_contest(NAME, check))


def last_complete_minute(contest: Contest, complete_before: datetime) -> int:
    """Return the newest minute of the voting time whose ballots are all stored."""
    # Votes with a challenge are dated back only at the end of a period: too few to wait for them.
    arrived_before = complete_before + timedelta(seconds=CHALLENGE_GRACE_SECONDS)
    complete = minute_number(arrived_before) - 1
    return min(complete, minute_number(contest.closes_at - timedelta(microseconds=1)))


def _is_over(contest: Contest, now: datetime) -> bool:
    return now >= contest.closes_at + MAX_GAP_MINUTES * MINUTE


async def start_detector(connection: Connection, contest: Contest, last: int) -> ContestDetector:
    """Return a detector with the baseline of the days before and the latest alarms. Raises
    TallyOfAnotherCluster and StoreUnavailable."""
    hour = (last - REREAD_MINUTES) // 60 * 60
    start = minute_start(max(hour, minute_number(contest.opens_at)))
    detector = BurstDetector(contest.numbers)
    with domain_errors():
        rows = await connection.fetch(
            QUERIES["kept_hours"], contest.id, start - BASELINE_READ, minute_start(hour)
        )
    hours: dict[int, dict[tuple[int, int], int]] = {}
    for row in rows:
        votes = hours.setdefault(minute_number(row["hour"]), {})
        votes[row["platform_id"], row["candidate"]] = row["votes"]
    for hour_start, votes in hours.items():
        detector.add_hour(hour_start, votes)
    for at, subject in await load_raised_since(
        connection, contest.id, start - QUIET_MINUTES * MINUTE
    ):
        detector.suppress(subject, at)
    return ContestDetector(detector, minute_number(start))


async def _catch_up(
    connection: Connection, contest: Contest, state: ContestDetector, last: int, now: datetime
) -> None:
    while state.next_minute <= last:
        minute = await read_minute(connection, contest, state.next_minute)
        for alarm in state.detector.add_minute(minute):
            await _raise(connection, contest, alarm, now)
        state.next_minute += 1


async def read_minute(connection: Connection, contest: Contest, at: int) -> MinuteCounts:
    """Load the counts of one minute, from a range of one index. Raises StoreUnavailable."""
    bounds = first_ballot_id(minute_start(at)), first_ballot_id(minute_start(at + 1))
    with domain_errors():
        rows = await connection.fetch(
            QUERIES["minute_counts"], contest.id, *bounds, MAX_NETWORK_COUNTS
        )
    votes, networks = {}, {}
    for row in rows:
        if row["network"] is None:
            votes[row["platform_id"], row["candidate"]] = row["votes"]
        else:
            networks[row["network"], row["candidate"]] = row["votes"]
    return MinuteCounts(at, votes, networks)


async def _raise(connection: Connection, contest: Contest, alarm: Alarm, now: datetime) -> None:
    names = {candidate.number: candidate.name for candidate in contest.candidates}
    platforms = {platform.id: platform.name for platform in await load_platforms(connection)}
    message = alarm_message(alarm, names, platforms)
    if not await store_alarm(connection, contest.id, alarm, message, now):
        return
    antifraud_metrics.ALARMS.labels(alarm.subject.what, alarm.looks).inc()
    log.warning(
        "alarm_raised",
        contest=contest.slug,
        minute=minute_start(alarm.at).isoformat(),
        what=alarm.subject.what,
        candidate=alarm.subject.candidate,
        platform=alarm.subject.platform,
        looks=alarm.looks,
        observed=round(alarm.observed),
        expected=round(alarm.expected, 1),
    )
