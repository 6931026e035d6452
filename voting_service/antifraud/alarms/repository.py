"""Stores alarms, and who has seen them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from voting_service.antifraud.alarms.detection import (
    Alarm,
    AlarmSubject,
    BurstPattern,
    SubjectKind,
)
from voting_service.contests.model import Contest
from voting_service.errors import NotFound
from voting_service.i18n.text import Text
from voting_service.infrastructure.postgres.named_queries import Queries
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.staff.audit_log.record import record

QUERIES = Queries(__package__)
MINUTE = timedelta(minutes=1)


class StoredAlarm(msgspec.Struct, frozen=True):
    """A stored alarm (antifraud/alarms/detection.py), and who has seen it."""

    id: int
    minute: datetime
    raised_at: datetime
    what: SubjectKind
    candidate: int | None
    platform_id: int | None
    network: bytes | None
    looks: BurstPattern
    span_minutes: int
    observed: float
    expected: float
    score: float
    sentence: Text
    seen_by: str | None
    seen_at: datetime | None

    @property
    def begins(self) -> datetime:
        """Start of the time range to review."""
        return self.minute + MINUTE - self.span_minutes * MINUTE

    @property
    def ends(self) -> datetime:
        """End of the minute that raised it."""
        return self.minute + MINUTE


def minute_number(moment: datetime) -> int:
    """Return the whole minutes since 1970."""
    return int(moment.timestamp()) // 60


def minute_start(minute: int) -> datetime:
    """Return the time at which a minute begins."""
    return datetime.fromtimestamp(minute * 60, UTC)


async def store_alarm(
    connection: AnyConnection, contest_id: int, alarm: Alarm, sentence: Text, now: datetime
) -> bool:
    """Store an alarm; False if it was stored before. Raises StoreUnavailable."""
    subject = alarm.subject
    with domain_errors():
        alarm_id = await connection.fetchval(
            QUERIES["insert_alarm"],
            contest_id,
            minute_start(alarm.at),
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
    return alarm_id is not None


async def load_alarms(
    connection: AnyConnection,
    contest_id: int,
    *,
    seen: bool | None = None,
    candidate: int | None = None,
    limit: int,
) -> tuple[StoredAlarm, ...]:
    """Load alarms, or those about a candidate, the newest first. Raises StoreUnavailable."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["alarms"], contest_id, seen, limit, candidate)
    return tuple(msgspec.convert(dict(row), StoredAlarm) for row in rows)


async def load_raised_since(
    connection: AnyConnection, contest_id: int, since: datetime
) -> list[tuple[int, AlarmSubject]]:
    """Load minute and subject of the alarms since a time, the oldest first."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["raised_since"], contest_id, since)
    return [
        (
            minute_number(row["minute"]),
            AlarmSubject(row["what"], row["candidate"], row["platform_id"], row["network"]),
        )
        for row in rows
    ]


async def mark_seen(
    connection: AnyConnection, contest: Contest, alarm_id: int, account: str, now: datetime
) -> None:
    """Record who saw an alarm first, also in the audit log. Raises NotFound."""
    with domain_errors():
        async with connection.transaction():
            if not await connection.fetchval(QUERIES["alarm_exists"], contest.id, alarm_id):
                raise NotFound(
                    "antifraud.alarms.no_such_alarm", slug=contest.slug, alarm_id=alarm_id
                )
            is_first = await connection.fetchval(QUERIES["insert_seen"], alarm_id, account, now)
            if is_first:
                await record(
                    connection,
                    account,
                    "alarm_seen",
                    contest=contest.slug,
                    subject=f"alarm {alarm_id}",
                )
