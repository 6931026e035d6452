"""The tally of a contest as it is now, refreshed by itself, or as it was at any moment."""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from voting_service.contests.model import Contest
from voting_service.contests.release import Live, SnapshotAt, release_at
from voting_service.decisions.model import DECIDERS
from voting_service.desk.access import signed_in, visitor
from voting_service.desk.rendering import page
from voting_service.desk.state import contest_of, desk_of
from voting_service.errors import NotFound
from voting_service.staff.alarms.showing import new_alarms
from voting_service.staff.tally.moments import hour_path, last_window, local_text, minute_path
from voting_service.staff.tally.reading import (
    READERS,
    candidate_names,
    current_figures,
    figures_asked_for,
    json_answer,
    latest_minutes,
    moment_asked_for,
    platform_names,
    platform_slugs,
    texts,
)
from voting_service.staff.tally.views import (
    HOUR,
    Chart,
    bars,
    contest_hours,
    minutes_chart,
    tally_of,
    time_chart,
)
from voting_service.tally.desk_figures import Figures


@signed_in(*READERS)
async def contest_page(request: Request) -> Response:
    """Everything at a glance. With `?at=` as it stood then, and nothing moves."""
    contest, desk = contest_of(request), desk_of(request)
    at = moment_asked_for(request, contest)
    if at is None:
        figures = await current_figures(desk, contest)
    else:
        figures = await figures_asked_for(desk, contest, at)
    async with desk.connection() as connection:
        alarms = await new_alarms(request, connection, contest)
    now = desk.clock()
    charts = None
    if at is not None:
        charts = {name: make(request, contest, figures) for name, make in _CHARTS.items()}
    return page(
        request,
        "tally/contest.html",
        contest=contest,
        phase=contest.phase(now),
        release=_release(contest, request),
        tally=tally_of(contest, figures),
        names=candidate_names(request, contest),
        platforms=platform_names(request),
        at=at,
        at_text=local_text(at or now, contest),
        window=partial(last_window, contest, at or now),
        platform_slugs=platform_slugs(request),
        as_of_text=_to_read(figures, contest),
        charts=charts,
        alarms=alarms,
        may_see=visitor(request).account.role in DECIDERS,
    )


def _release(contest: Contest, request: Request) -> dict[str, Any]:
    """What the public sees of all this."""
    found = release_at(contest, desk_of(request).clock())
    if isinstance(found, Live):
        return {"kind": "live", "moment": None}
    if isinstance(found, SnapshotAt):
        return {"kind": "snapshot", "moment": found.moment}
    return {"kind": "hidden", "moment": found.until}


@signed_in(*READERS)
async def tally_json(request: Request) -> Response:
    """The figures of the page, for its refresh and for programs; `?at=` as the page."""
    contest, desk = contest_of(request), desk_of(request)
    at = moment_asked_for(request, contest)
    figures = (
        await current_figures(desk, contest)
        if at is None
        else await figures_asked_for(desk, contest, at)
    )
    tally = msgspec.to_builtins(tally_of(contest, figures))
    return json_answer(tally | {"as_of_text": _to_read(figures, contest)})


def _to_read(figures: Figures, contest: Contest) -> str:
    return local_text(figures.as_of, contest).replace("T", " ")


@signed_in(*READERS)
async def minutes_json(request: Request) -> Response:
    """Ballots of the last three hours by the minute."""
    contest = contest_of(request)
    begins, ends, minutes = await latest_minutes(desk_of(request), contest)
    chart = minutes_chart(
        contest,
        minutes,
        begins,
        ends,
        states=texts(request)["states"],
        link=lambda minute: minute_path(contest, minute),
    )
    return json_answer(chart)


def _hours(request: Request, contest: Contest, figures: Figures) -> Chart:
    begins, ends = contest_hours(contest, figures)
    return time_chart(
        contest,
        figures.by_hour(),
        begins,
        ends,
        HOUR,
        states=texts(request)["states"],
        link=lambda hour: hour_path(contest, hour),
    )


def _platforms(request: Request, _contest: Contest, figures: Figures) -> Chart:
    names, counts = platform_names(request), figures.by_platform()
    labels = [names.get(platform_id, str(platform_id)) for platform_id in counts]
    return bars(labels, list(counts.values()), states=texts(request)["states"])


def _candidates(request: Request, contest: Contest, figures: Figures) -> Chart:
    names, order = candidate_names(request, contest), figures.best_first()
    return bars(
        [names.get(number, str(number)) for number in order],
        [figures.votes[number] for number in order],
        states=texts(request)["states"],
        links=[f"/contests/{contest.slug}/candidates/{number}" for number in order],
        ticks=[str(number) for number in order],
    )


_CHARTS = {"hours": _hours, "platforms": _platforms, "candidates": _candidates}


@signed_in(*READERS)
async def chart_json(request: Request) -> Response:
    """One of the charts of the page as it is now."""
    contest, desk = contest_of(request), desk_of(request)
    make = _CHARTS.get(request.path_params["chart"])
    if make is None:
        raise NotFound("there is no chart of this name")
    return json_answer(make(request, contest, await current_figures(desk, contest)))
