"""The kept tally: gross, held, void and net from the aggregates, now or at any moment.

Millions of ballots cost what their hours cost; only the hour in which the moment lies is read
from the ballots. That it agrees with all ballots is for tally/audit.py to check.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from voting_service.contests.model import Contest
from voting_service.contests.store import load_platforms
from voting_service.storage.postgres import AnyConnection, domain_errors
from voting_service.storage.queries import Queries
from voting_service.tally.record import checked_floor
from voting_service.tally.recount import Count, Key

QUERIES = Queries(__package__, "kept.sql")

Group = tuple[tuple[int | str, ...], Count]


def first_ballot_id(moment: datetime) -> bytes:
    """No ballot cast at `moment` or later has an id below this, and none of an earlier millisecond
    has one above it (ballots/commit.py: new_ballot_ids)."""
    milliseconds = (moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(
        milliseconds=1
    )
    return milliseconds.to_bytes(6, "big") + bytes(10)


async def kept_tally(
    connection: AnyConnection,
    contest: Contest,
    *,
    by: Sequence[Key] = ("candidate",),
    at: datetime | None = None,
) -> list[Group]:
    """Sums in order of their keys, as `Recount.grouped` gives them: of votes when `candidate`
    is a key, else of ballots.

    Now, or as it stood at `at`: ballots cast and rulings approved before it. Hours begin with
    those of UTC, so days are exact in time zones of whole hours. Raises Refused for a database
    restored from a dump, and StoreUnavailable.
    """
    platforms = {p.id: p.slug for p in await load_platforms(connection)} if "platform" in by else {}
    with domain_errors():
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            await checked_floor(connection, contest.id)
            statement, arguments = _statement(contest, by, at)
            rows = await connection.fetch(statement, *arguments)
    groups = []
    for row in rows:
        local = row["hour"].astimezone(contest.zone) if row["hour"] else None
        values: Mapping[Key, int | str] = {
            "candidate": row["candidate"] or 0,
            "platform": platforms.get(row["platform_id"], str(row["platform_id"])),
            "day": local.date().isoformat() if local else "",
            "hour": local.isoformat(timespec="minutes") if local else "",
        }
        counted = Count(row["gross"], row["held"], row["void"])
        groups.append((tuple(values[part] for part in by), counted))
    return sorted(groups)


def _statement(
    contest: Contest, by: Sequence[Key], at: datetime | None
) -> tuple[str, tuple[object, ...]]:
    """The query and its arguments."""
    unit = "hour" if "hour" in by else "day" if "day" in by else None
    shape = (contest.id, "candidate" in by, "platform" in by, unit, contest.rules.time_zone)
    if at is None:
        return QUERIES["kept_now"], shape
    hour = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    reach = first_ballot_id(hour), first_ballot_id(at + timedelta(milliseconds=1))
    return QUERIES["kept_at"], (*shape, at, hour, *reach)
