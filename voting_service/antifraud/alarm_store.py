"""Alarms as they are kept: raised once, and seen by a member of staff."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from voting_service.antifraud.alarm import Alarm, Looks, Subject, What
from voting_service.contests.model import Contest, Text
from voting_service.errors import NotFound
from voting_service.journal.record import record
from voting_service.storage.postgres import AnyConnection, domain_errors
from voting_service.storage.queries import Queries

QUERIES = Queries(__package__, "alarm_store.sql")
MINUTE = timedelta(minutes=1)


class StoredAlarm(msgspec.Struct, frozen=True):
    """An alarm as it was raised (antifraud/alarm.py), and who has seen it."""

    id: int
    minute: datetime
    raised_at: datetime
    what: What
    candidate: int | None
    platform_id: int | None
    network: bytes | None
    looks: Looks
    span_minutes: int
    observed: float
    expected: float
    score: float
    sentence: Text
    seen_by: str | None
    seen_at: datetime | None

    @property
    def begins(self) -> datetime:
        """Where to begin to look."""
        return self.minute + MINUTE - self.span_minutes * MINUTE

    @property
    def ends(self) -> datetime:
        """The end of the minute that raised it."""
        return self.minute + MINUTE


def minute_of(moment: datetime) -> int:
    """Whole minutes since 1970."""
    return int(moment.timestamp()) // 60


def begin_of(minute: int) -> datetime:
    """The moment at which a minute begins."""
    return datetime.fromtimestamp(minute * 60, UTC)


async def keep_alarm(
    connection: AnyConnection, contest_id: int, alarm: Alarm, sentence: Text, now: datetime
) -> bool:
    """False when it was kept before. Raises StoreUnavailable."""
    subject = alarm.subject
    with domain_errors():
        kept = await connection.fetchval(
            QUERIES["insert_alarm"],
            contest_id,
            begin_of(alarm.at),
            now,
            subject.what,
            subject.candidate,
            subject.platform,
            subject.network,
            alarm.looks,
            alarm.span,
            alarm.observed,
            alarm.expected,
            alarm.score,
            sentence,
        )
    return kept is not None


async def load_alarms(
    connection: AnyConnection, contest_id: int, *, seen: bool | None = None, limit: int
) -> tuple[StoredAlarm, ...]:
    """The newest first. Raises StoreUnavailable."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["alarms"], contest_id, seen, limit)
    return tuple(msgspec.convert(dict(row), StoredAlarm) for row in rows)


async def raised_since(
    connection: AnyConnection, contest_id: int, since: datetime
) -> list[tuple[int, Subject]]:
    """Minute and subject of what was raised, the oldest first. Raises StoreUnavailable."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["raised_since"], contest_id, since)
    return [
        (
            minute_of(row["minute"]),
            Subject(row["what"], row["candidate"], row["platform_id"], row["network"]),
        )
        for row in rows
    ]


async def mark_seen(
    connection: AnyConnection, contest: Contest, alarm_id: int, account: str, now: datetime
) -> None:
    """Writes down who saw an alarm first, in the journal too. Raises NotFound."""
    with domain_errors():
        async with connection.transaction():
            if not await connection.fetchval(QUERIES["alarm_exists"], contest.id, alarm_id):
                raise NotFound(f"{contest.slug} has no alarm {alarm_id}")
            is_first = await connection.fetchval(QUERIES["insert_seen"], alarm_id, account, now)
            if is_first:
                await record(
                    connection,
                    account,
                    "alarm_seen",
                    contest=contest.slug,
                    subject=f"alarm {alarm_id}",
                )
