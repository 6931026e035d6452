"""The tally of a contest, refreshed automatically, or as it was at any time."""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from voting_service.contests.model import Contest
from voting_service.contests.release_schedule import (
    Live,
    SnapshotAt,
    release_at,
)
from voting_service.errors import NotFound
from voting_service.sites.console.alarms.presentation import new_alarms
from voting_service.sites.console.contests import contest_from_path
from voting_service.sites.console.tally.charts import (
    Chart,
    TimeSteps,
    bars,
    build_tally,
    contest_hours,
    counts_by_minute,
    time_chart,
)
from voting_service.sites.console.tally_reads import (
    READERS,
    candidate_names,
    current_figures,
    json_answer,
    latest_minutes,
    load_figures_at,
    platform_names,
    platform_slugs,
    read_at,
    texts,
)
from voting_service.sites.console.time_ranges import (
    hour_path,
    last_window,
    local_text,
    minute_path,
)
from voting_service.sites.shared.signed_in.access import current_user, signed_in
from voting_service.sites.shared.signed_in.rendering import page
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.staff.approvals.model import DECIDERS
from voting_service.voting.tally.live_figures import Figures
from voting_service.voting.tally.losses import load_losses


@signed_in(*READERS)
async def contest_page(request: Request) -> Response:
    """Show the tally; with `?at=` as it was then, without refresh."""
    contest, state = contest_from_path(request), get_state(request)
    at = read_at(request, contest)
    if at is None:
        figures = await current_figures(state, contest)
    else:
        figures = await load_figures_at(state, contest, at)
    async with state.connection() as connection:
        alarms = await new_alarms(request, connection, contest)
        losses = await load_losses(connection, contest.id)
    now = state.clock()
    charts = None
    if at is not None:
        charts = {name: make(request, contest, figures) for name, make in _CHARTS.items()}
    return page(
        request,
        "tally/contest.html",
        contest=contest,
        phase=contest.phase(now),
        release=_release(contest, request),
        tally=build_tally(contest, figures),
        names=candidate_names(request, contest),
        platforms=platform_names(request),
        at=at,
        at_text=local_text(at or now, contest),
        window=partial(last_window, contest, at or now),
        platform_slugs=platform_slugs(request),
        as_of_text=_to_read(figures, contest),
        charts=charts,
        alarms=alarms,
        losses=losses,
        may_see=current_user(request).account.role in DECIDERS,
    )


def _release(contest: Contest, request: Request) -> dict[str, Any]:
    """Return what the public sees of the counts."""
    release = release_at(contest, get_state(request).clock())
    if isinstance(release, Live):
        return {"kind": "live", "moment": None}
    if isinstance(release, SnapshotAt):
        return {"kind": "snapshot", "moment": release.moment}
    return {"kind": "hidden", "moment": release.until}


@signed_in(*READERS)
async def tally_json(request: Request) -> Response:
    """Return the figures of the page, for its refresh and for programs; also `?at=`."""
    contest, state = contest_from_path(request), get_state(request)
    at = read_at(request, contest)
    figures = (
        await current_figures(state, contest)
        if at is None
        else await load_figures_at(state, contest, at)
    )
    tally = msgspec.to_builtins(build_tally(contest, figures))
    return json_answer(tally | {"as_of_text": _to_read(figures, contest)})


def _to_read(figures: Figures, contest: Contest) -> str:
    return local_text(figures.as_of, contest).replace("T", " ")


@signed_in(*READERS)
async def minutes_json(request: Request) -> Response:
    """Return the ballots of the last three hours by the minute."""
    contest = contest_from_path(request)
    begins, ends, minutes = await latest_minutes(get_state(request), contest)
    chart = time_chart(
        contest,
        counts_by_minute(minutes),
        TimeSteps.minutes(begins, ends),
        states=texts(request)["states"],
        link=lambda minute: minute_path(contest, minute),
    )
    return json_answer(chart)


def _hours(request: Request, contest: Contest, figures: Figures) -> Chart:
    return time_chart(
        contest,
        figures.by_hour(),
        contest_hours(contest, figures),
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
    """Return one of the page's charts."""
    contest, state = contest_from_path(request), get_state(request)
    make = _CHARTS.get(request.path_params["chart"])
    if make is None:
        raise NotFound("sites.console.tally.no_such_chart")
    return json_answer(make(request, contest, await current_figures(state, contest)))
