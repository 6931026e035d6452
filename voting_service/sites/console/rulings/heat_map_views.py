"""The heat map of a hold, as data and in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.antifraud.screening.user_agents import CLASSES
from voting_service.contests.model import Contest
from voting_service.sites.console.contests import contest_from_path
from voting_service.sites.console.tally_reads import (
    READERS,
    json_answer,
    platform_names,
    platform_slugs,
)
from voting_service.sites.console.time_ranges import window_path
from voting_service.sites.shared.signed_in.access import current_user, signed_in
from voting_service.sites.shared.signed_in.cookies import language
from voting_service.sites.shared.signed_in.rendering import moment_text
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.staff.audit_log.service import record_view
from voting_service.voting.rulings.repository import load_hold
from voting_service.voting.tally.hold_heat_map import (
    STEPS,
    HeatMapFrame,
    HoldHeatMap,
    load_hold_heat_map,
)
from voting_service.voting.tally.time_window import MAX_LENGTH

LONG_SECONDS = 60.0
_HASH_DIGITS = 8


@signed_in(*READERS)
async def heat_map_json(request: Request) -> Response:
    """Return the heat map and `words`, for charts.js."""
    state, contest = get_state(request), contest_from_path(request)
    async with state.long_connection(LONG_SECONDS) as connection:
        hold = await load_hold(connection, contest, request.path_params["hold"])
        loaded = await load_hold_heat_map(connection, contest, hold)
        await record_view(
            connection,
            current_user(request).account.name,
            contest.slug,
            f"picture of hold {hold.id}",
        )
    return json_answer(heat_map(request, contest, loaded))


def heat_map(request: Request, contest: Contest, picture: HoldHeatMap) -> dict[str, Any]:
    """Return two rows per value: votes cast and votes expected, on one scale. The rows of networks
    and platforms, and each step of them, lead to their ballots."""
    texts = get_state(request).theme.texts(language(request))["heat_map"]
    names = [*(_named(request, picture, value) for value in picture.frame.values), texts["others"]]
    rows, values, links = [], [], []
    frame = picture.frame
    for value, name, cast, usual in zip(
        (*frame.values, None), names, picture.observed, picture.expected, strict=True
    ):
        links += [value and _ballots_path(request, contest, frame, value), None]
        rows += [texts["cast"].format(value=name), texts["usual"].format(value=name)]
        values += [list(cast), [round(share, 1) for share in usual]]
    return {
        "columns": [_clock(frame.begins + n * frame.step, contest) for n in range(STEPS)],
        "rows": rows,
        "values": values,
        "links": links,
        "starts": [
            (frame.begins + n * frame.step).strftime("%Y-%m-%dT%H:%M:%SZ") for n in range(STEPS + 1)
        ],
        "words": _words(request, contest, picture, texts),
    }


def _ballots_path(
    request: Request, contest: Contest, frame: HeatMapFrame, value: str
) -> str | None:
    """Return the window with the votes of a row; of a long map its first day. None for an
    attribute by which no window is filtered."""
    conditions = {
        "network": lambda: {"network": value},
        "platform": lambda: {"platform": platform_slugs(request).get(int(value), "")},
    }.get(frame.kind)
    if conditions is None:
        return None
    ends = min(frame.ends, frame.begins + MAX_LENGTH)
    return window_path(contest, frame.begins, ends, **conditions(), candidate=str(frame.candidate))


def _clock(moment: datetime, contest: Contest) -> str:
    return f"{moment.astimezone(contest.zone):%m-%d %H:%M}"


def _named(request: Request, picture: HoldHeatMap, value: str) -> str:
    """Return the name of a value; of a hash its first digits."""
    if picture.frame.kind == "platform":
        return platform_names(request).get(int(value), value)
    if picture.frame.kind == "agent":
        device_class = CLASSES.get(int(value))
        return device_class.name if device_class else value
    return value if picture.frame.kind == "account" else value[:_HASH_DIGITS]


def _words(
    request: Request, contest: Contest, picture: HoldHeatMap, texts: Mapping[str, Any]
) -> str:
    def total(rows: tuple[tuple[float, ...], ...]) -> str:
        return f"{sum(map(sum, rows)):.0f}"

    template: str = texts["words"]
    return template.format(
        begins=moment_text(request, picture.frame.begins, contest.zone),
        ends=moment_text(request, picture.frame.ends, contest.zone),
        candidate=picture.frame.candidate,
        count=len(picture.frame.values),
        kind=texts["kinds"][picture.frame.kind],
        cast=total(picture.observed[:-1]),
        usual=total(picture.expected[:-1]),
        mine=picture.mine,
        others_cast=total(picture.observed[-1:]),
        others_usual=total(picture.expected[-1:]),
    )


ROUTES = [Route("/contests/{slug}/holds/{hold:int}/picture.json", heat_map_json)]
