"""Ballots that were held at the door and are in no hold yet become holds that can be ruled."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from voting_service.contests.model import Contest, Text
from voting_service.contests.phases import DRAIN_SECONDS
from voting_service.contests.store import load_platforms
from voting_service.rulings.holds import QUERIES, make_hold
from voting_service.rulings.model import Evidence
from voting_service.storage.postgres import AnyConnection, domain_errors

ACTOR = "voting-service work"
"""Who makes these holds, for holds and journal."""


def settled_until(contest: Contest, now: datetime) -> datetime:
    """Ballots cast before this are all stored, and no more come on their local day: the last
    local midnight, or the close, once they have drained."""
    drained = now - timedelta(seconds=DRAIN_SECONDS)
    if drained >= contest.closes_at:
        return contest.closes_at
    today = drained.astimezone(contest.zone).date()
    return datetime.combine(today, time(), contest.zone)


async def gather(connection: AnyConnection, contest: Contest, now: datetime) -> tuple[int, ...]:
    """Makes one hold a platform and local day of what has settled; the holds' ids."""
    until = settled_until(contest, now)
    with domain_errors():
        rows = await connection.fetch(
            QUERIES["ungathered"], contest.id, until, contest.rules.time_zone
        )
    if not rows:
        return ()
    platforms = {platform.id: platform for platform in await load_platforms(connection)}
    made = []
    for row in rows:
        platform = platforms.get(row["platform_id"])
        slug = platform.slug if platform else f"platform {row['platform_id']}"
        name = platform.name if platform else Text(zh=slug, en=slug)
        day, count = row["day"], len(row["ballots"])
        begins = datetime.combine(day, time(), contest.zone)
        ends = min(
            contest.closes_at, datetime.combine(day + timedelta(days=1), time(), contest.zone)
        )
        hold_id = await make_hold(
            connection,
            contest,
            row["ballots"],
            actor=ACTOR,
            kind="screening",
            source=ACTOR,
            label=f"{slug} {day.isoformat()}",
            evidence=Evidence(
                sentence=Text(
                    zh=f"{name.zh}在{day:%Y年%m月%d日}有{count}张选票在投票时被暂扣"
                    "：投票时同时出现几种可疑迹象，或超过了该平台公布的每日上限。",
                    en=f"{count} ballots from {name.en} on {day.isoformat()} were held when they "
                    "were cast: several suspicious signs coincided, or they were beyond the "
                    "platform's announced daily ceiling.",
                ),
                first_at=max(contest.opens_at, begins),
                last_at=ends,
            ),
            now=now,
        )
        made.append(hold_id)
    return tuple(made)
