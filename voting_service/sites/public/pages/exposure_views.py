"""Whether the place in the list brought votes: the report after the close, as page and as JSON."""

from __future__ import annotations

from functools import partial
from typing import Literal, NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from voting_service.errors import NotFound
from voting_service.infrastructure.postgres.pool import acquire
from voting_service.sites.public.api.reads import SHARED_SECONDS, conditional_response
from voting_service.sites.public.pages.context import PageContext
from voting_service.sites.public.pages.responses import page_response
from voting_service.sites.public.state import PublicState
from voting_service.voting.exposure.model import ExposureReport, PartOfList
from voting_service.voting.exposure.repository import load_report

_SHARED = f"public, max-age={SHARED_SECONDS}"
PLOT_WIDTH, PLOT_HEIGHT = 560, 200
_LEAST_RANGE = 0.05
"""The picture shows at least 95% to 105% of the expected votes, so that a hair is no mountain."""

Finding = Literal["too_few", "more", "fewer", "none"]


class Plotted(NamedTuple):
    """Where the estimate of a part of the list and the ends of its interval are in the picture."""

    part: PartOfList
    x: int
    middle: int
    top: int
    bottom: int


def finding(report: ExposureReport) -> Finding:
    """Return what the report finds about the first places."""
    ratio = report.parts[0].ratio if report.parts else None
    if ratio is None:
        return "too_few"
    return "more" if ratio.low > 1 else "fewer" if ratio.high < 1 else "none"


def plot(report: ExposureReport) -> list[Plotted]:
    """Return the picture's points; the middle of the picture is as many votes as expected."""
    ratios = [(place, part, part.ratio) for place, part in enumerate(report.parts) if part.ratio]
    ends = [end for *_, ratio in ratios for end in (ratio.low, ratio.high)]
    widest = max([_LEAST_RANGE, *(abs(end - 1) for end in ends)])
    step = PLOT_WIDTH / max(1, len(report.parts))

    def y(value: float) -> int:
        return round(PLOT_HEIGHT / 2 * (1 - (value - 1) / widest))

    return [
        Plotted(part, round(step * (place + 0.5)), y(ratio.estimate), y(ratio.high), y(ratio.low))
        for place, part, ratio in ratios
    ]


async def exposure(context: PageContext) -> Response:
    """Show the report. Raises NotFound until it is prepared."""

    def render(report: ExposureReport) -> bytes:
        return context.page_cache.render(
            "exposure.html",
            context.language,
            "/exposure",
            report=report,
            finding=finding(report),
            plot=plot(report),
            plot_size=(PLOT_WIDTH, PLOT_HEIGHT),
            by_number={c.number: c for c in context.contest.candidates},
        )

    key = "exposure", context.language
    load = partial(_load, context.state, context.contest.id)
    page = await context.page_cache.shown.get(key, context.now, load, render)
    return page_response(context.request, page, cache_control=_SHARED)


async def exposure_report(request: Request) -> Response:
    """Return the report, or 404 until it is prepared."""
    state: PublicState = request.state.app_state
    contest_state, now = state.contest_state(request.path_params["slug"]), state.clock()
    load = partial(_load, state, contest_state.contest.id)
    shown = contest_state.page_cache(now).shown
    prepared = await shown.get("exposure_report", now, load, msgspec.json.encode)
    headers = {"cache-control": _SHARED, "vary": "Origin"}
    return conditional_response(request, prepared, headers, "application/json")


async def _load(state: PublicState, contest_id: int) -> ExposureReport:
    async with acquire(state.read_pool) as connection:
        report = await load_report(connection, contest_id)
    if report is None:
        raise NotFound("sites.public.pages.no_exposure_report")
    return report
