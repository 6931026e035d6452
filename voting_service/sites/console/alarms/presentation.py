"""An alarm as pages show it: its sentence and the address of its ballots."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from starlette.requests import Request

from voting_service.antifraud.alarms.repository import StoredAlarm, load_alarms
from voting_service.contests.model import Contest
from voting_service.infrastructure.postgres.pool import AnyConnection
from voting_service.sites.console.contests import contest_cache
from voting_service.sites.console.time_ranges import window_path

NEW_SHOWN = 5
"""How many unseen alarms a page shows; the others are one link away."""


class ShownAlarm(NamedTuple):
    """`look` is the address of the minutes that raised the alarm, filtered by its candidate,
    platform and network."""

    alarm: StoredAlarm
    contest: Contest
    look: str


class NewAlarms(NamedTuple):
    """The newest unseen alarms; `more`: there are others."""

    shown: tuple[ShownAlarm, ...]
    more: bool


def shown_alarms(
    request: Request, contest: Contest, alarms: tuple[StoredAlarm, ...]
) -> tuple[ShownAlarm, ...]:
    """Return the alarms with their sentences and addresses."""
    slugs = {p.id: p.slug for p in contest_cache(request).platforms.values()}
    return tuple(ShownAlarm(alarm, contest, _look(contest, alarm, slugs)) for alarm in alarms)


def _look(contest: Contest, alarm: StoredAlarm, slugs: Mapping[int, str]) -> str:
    return window_path(
        contest,
        alarm.begins,
        alarm.ends,
        candidate=str(alarm.candidate or ""),
        platform=slugs.get(alarm.platform_id or 0, ""),
        network=alarm.network.hex() if alarm.network else "",
    )


async def new_alarms(request: Request, connection: AnyConnection, contest: Contest) -> NewAlarms:
    """Return the unseen alarms. Raises StoreUnavailable."""
    alarms = await load_alarms(connection, contest.id, seen=False, limit=NEW_SHOWN + 1)
    return NewAlarms(
        shown_alarms(request, contest, alarms[:NEW_SHOWN]), more=len(alarms) > NEW_SHOWN
    )
