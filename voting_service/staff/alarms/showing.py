"""An alarm as pages show it: the sentence, and the way to the ballots behind it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from starlette.requests import Request

from voting_service.antifraud.alarm_store import StoredAlarm, load_alarms
from voting_service.contests.model import Contest
from voting_service.desk.state import desk_of
from voting_service.staff.tally.moments import window_path
from voting_service.storage.postgres import AnyConnection

NEW_SHOWN = 5
"""On top of the pages; what is behind them is one link away."""


class ShownAlarm(NamedTuple):
    """`look` is where the minutes that raised it are drilled down into, by the alarm's
    candidate, platform and network."""

    alarm: StoredAlarm
    contest: Contest
    look: str


class NewAlarms(NamedTuple):
    """The newest that nobody has seen; `more`: there are others."""

    shown: tuple[ShownAlarm, ...]
    more: bool


def shown_alarms(
    request: Request, contest: Contest, alarms: tuple[StoredAlarm, ...]
) -> tuple[ShownAlarm, ...]:
    """As they are, each with its way on."""
    slugs = {p.id: p.slug for p in desk_of(request).registry.platforms.values()}
    return tuple(ShownAlarm(each, contest, _look(contest, each, slugs)) for each in alarms)


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
    """Raises StoreUnavailable."""
    found = await load_alarms(connection, contest.id, seen=False, limit=NEW_SHOWN + 1)
    return NewAlarms(shown_alarms(request, contest, found[:NEW_SHOWN]), more=len(found) > NEW_SHOWN)
