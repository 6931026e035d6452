"""Create holds of ballots that screening held and that are in no hold yet."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Any

from voting_service.contests.model import Contest, Platform
from voting_service.contests.repository import load_platforms
from voting_service.i18n.catalogues import load_text
from voting_service.i18n.formatting import written_day
from voting_service.i18n.text import Text
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.infrastructure.timeouts import DRAIN_SECONDS
from voting_service.voting.rulings.model import HoldEvidence
from voting_service.voting.rulings.repository import QUERIES, NewHold, create_hold

ACTOR = "voting-service work"
"""The author of these holds, in holds and audit log."""


def stored_until(contest: Contest, now: datetime) -> datetime:
    """Return the moment before which every ballot is stored: the last local midnight, or the
    close, once drained."""
    drained = now - timedelta(seconds=DRAIN_SECONDS)
    if drained >= contest.closes_at:
        return contest.closes_at
    today = drained.astimezone(contest.zone).date()
    return datetime.combine(today, time(), contest.zone)


async def gather(connection: AnyConnection, contest: Contest, now: datetime) -> tuple[int, ...]:
    """Create one hold per platform and local day of ballots that are all stored; return ids."""
    until = stored_until(contest, now)
    with domain_errors():
        rows = await connection.fetch(
            QUERIES["ungathered"], contest.id, until, contest.rules.time_zone
        )
    if not rows:
        return ()
    platforms = {platform.id: platform for platform in await load_platforms(connection)}
    return tuple([await _make_hold(connection, contest, row, platforms, now) for row in rows])


async def _make_hold(
    connection: AnyConnection,
    contest: Contest,
    row: Any,
    platforms: Mapping[int, Platform],
    now: datetime,
) -> int:
    platform, day = platforms.get(row["platform_id"]), row["day"]
    begins = datetime.combine(day, time(), contest.zone)
    ends = datetime.combine(day + timedelta(days=1), time(), contest.zone)
    slug = platform.slug if platform else f"platform {row['platform_id']}"
    name = (
        platform.name
        if platform
        else load_text(
            "voting", "rulings.screening_hold.unknown_platform", platform_id=row["platform_id"]
        )
    )
    sentence = load_text(
        "voting",
        "rulings.screening_hold.sentence",
        count=len(row["ballots"]),
        platform=name,
        day=Text(zh=written_day(day, "zh"), en=written_day(day, "en")),
    )
    return await create_hold(
        connection,
        contest,
        NewHold(
            row["ballots"],
            kind="screening",
            source=ACTOR,
            label=f"{slug} {day.isoformat()}",
            evidence=HoldEvidence(
                sentence=sentence,
                first_at=max(contest.opens_at, begins),
                last_at=min(contest.closes_at, ends),
            ),
        ),
        actor=ACTOR,
        now=now,
    )
