"""A time window: its platforms, networks and ballots. Every view is recorded in the audit log."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from voting_service.contests.model import Contest
from voting_service.sites.console.contests import contest_from_path
from voting_service.sites.console.tally.charts import (
    CountedColumns,
    TimeSteps,
    counts_by_minute,
    percent,
    time_chart,
)
from voting_service.sites.console.tally_reads import (
    READERS,
    candidate_names,
    current_figures,
    platform_names,
    platform_slugs,
    texts,
)
from voting_service.sites.console.time_ranges import (
    local_text,
    minute_path,
    window_path,
)
from voting_service.sites.console.window_requests import (
    WindowRequest,
    read_window,
    selection_path,
)
from voting_service.sites.shared.signed_in.access import current_user, signed_in
from voting_service.sites.shared.signed_in.rendering import page
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.staff.approvals.model import DECIDERS
from voting_service.staff.audit_log.service import record_view
from voting_service.voting.tally.live_figures import Figures
from voting_service.voting.tally.time_window import (
    PAGE,
    Ballot,
    WindowFigures,
    load_ballots,
    load_window,
)


class WindowShare(msgspec.Struct, frozen=True):
    """A candidate's share of the window's votes and of the contest's, both gross in percent, and
    their ratio (None where the contest has none)."""

    number: int
    counted: CountedColumns
    share: float
    contest_share: float
    times: float | None


def shares(window: WindowFigures, figures: Figures) -> tuple[WindowShare, ...]:
    """Return the candidates chosen in the window, by votes."""
    here = sum(count.gross for count in window.candidates.values())
    everywhere = sum(count.gross for count in figures.votes.values())
    made = []
    for number, count in window.candidates.items():
        whole = figures.votes[number].gross if number in figures.votes else 0
        times = count.gross * everywhere / (here * whole) if here and whole else None
        made.append(
            WindowShare(
                number,
                CountedColumns.of(count),
                percent(count.gross, here),
                percent(whole, everywhere),
                None if times is None else round(times, 2),
            )
        )
    return tuple(sorted(made, key=lambda s: (-s.counted.gross, s.number)))


@signed_in(*READERS)
async def window_page(request: Request) -> Response:
    """Show what was cast in a window of one day at most, and its ballots, fifty per page."""
    contest, state = contest_from_path(request), get_state(request)
    query = read_window(request, contest, request.query_params)
    figures = await current_figures(state, contest)
    async with state.connection() as connection:
        window = await load_window(connection, contest, query.window)
        ballots = await load_ballots(
            connection,
            contest,
            query.window,
            state=query.state,
            after=query.after,
            limit=PAGE + 1,
        )
        await record_view(
            connection,
            current_user(request).account.name,
            contest.slug,
            "ballots of a stretch of time",
            _details(query),
        )
    return page(
        request,
        "tally/window.html",
        contest=contest,
        asked=query,
        found=window,
        counted=CountedColumns.of(window.ballots),
        shares=shares(window, figures),
        names=candidate_names(request, contest),
        **_platforms(request),
        **_ballots(contest, query, ballots),
        platform_counts={p: CountedColumns.of(count) for p, count in window.platforms.items()},
        networks={network.hex(): CountedColumns.of(c) for network, c in window.networks.items()},
        chart_data=_chart(request, contest, query, window),
        narrowed=lambda **more: window_path(
            contest, query.window.begins, query.window.ends, **{**query.conditions, **more}
        ),
        may_decide=current_user(request).account.role in DECIDERS,
        question_path=selection_path(contest, query),
        begins_text=local_text(query.window.begins, contest),
        ends_text=local_text(query.window.ends, contest),
    )


def _details(requested: WindowRequest) -> dict[str, Any]:
    window = requested.window
    details: dict[str, Any] = {
        "from": window.begins.astimezone(UTC).isoformat(),
        "to": window.ends.astimezone(UTC).isoformat(),
        **requested.conditions,
    }
    return details | ({"after": requested.after.hex()} if requested.after else {})


def _platforms(request: Request) -> dict[str, Any]:
    return {
        "platforms": platform_names(request),
        "platform_slugs": platform_slugs(request),
    }


def _ballots(contest: Contest, requested: WindowRequest, ballots: list[Ballot]) -> dict[str, Any]:
    """Return a page of ballots, and where the next one begins."""
    shown, window = ballots[:PAGE], requested.window
    more = None
    if len(ballots) > PAGE:
        after = {"after": shown[-1].ballot_id.hex()}
        more = window_path(contest, window.begins, window.ends, **requested.conditions, **after)
    return {"ballots": shown, "more": more}


def _chart(
    request: Request, contest: Contest, requested: WindowRequest, figures: WindowFigures
) -> dict[str, Any]:
    conditions = {name: value for name, value in requested.conditions.items() if name != "state"}
    return time_chart(
        contest,
        counts_by_minute(figures.minutes),
        TimeSteps.minutes(requested.window.begins, requested.window.ends),
        states=texts(request)["states"],
        link=lambda minute: minute_path(contest, minute, **conditions),
    )
