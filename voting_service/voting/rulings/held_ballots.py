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
from voting_service.voting.completeness import Completeness
from voting_service.voting.rulings.model import HoldEvidence
from voting_service.voting.rulings.repository import QUERIES, NewHold, create_hold

ACTOR = "voting-service work"
"""The author of these holds, in holds and audit log."""


def gathered_until(contest: Contest, complete_before: datetime) -> datetime:
    """Return until when ballots are gathered: the last local midnight or the close before which the
    ballots are complete."""
    if complete_before >= contest.closes_at:
        return contest.closes_at
    today = complete_before.astimezone(contest.zone).date()
    return datetime.combine(today, time(), contest.zone)


async def gather(
    connection: AnyConnection, contest: Contest, completeness: Completeness
) -> tuple[int, ...]:
    """Create one hold per platform and local day whose ballots are complete; return their ids."""
    until = gathered_until(contest, completeness.complete_before)
    with domain_errors():
        rows = await connection.fetch(
            QUERIES["ungathered"], contest.id, until, contest.rules.time_zone
        )
    if not rows:
        return ()
    now = completeness.now
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
