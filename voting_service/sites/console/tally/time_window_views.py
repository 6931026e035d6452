"""A time window: its platforms, networks and ballots. Every view is recorded in the audit log."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from voting_service.contests.model import Contest
from voting_service.errors import Fault, InvalidInput
from voting_service.sites.console.contests import contest_cache, contest_from_path
from voting_service.sites.console.tally.charts import (
    HOUR,
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
    read_number,
    texts,
)
from voting_service.sites.console.time_ranges import (
    local_text,
    minute_path,
    read_hour,
    read_moment,
    window_path,
)
from voting_service.sites.shared.signed_in.access import current_user, signed_in
from voting_service.sites.shared.signed_in.rendering import page
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.staff.audit_log.service import record_view
from voting_service.voting.rulings.model import BallotState
from voting_service.voting.tally.live_figures import Figures
from voting_service.voting.tally.time_window import (
    PAGE,
    STATES,
    Ballot,
    Window,
    WindowFigures,
    load_ballots,
    load_window,
)

_ID_BYTES = 16
_NETWORK_BYTES = 8


class WindowShare(msgspec.Struct, frozen=True):
    """A candidate's share of the window's votes and of the contest's, both gross in percent, and
    their ratio (None where the contest has none)."""

    number: int
    counted: CountedColumns
    share: float
    contest_share: float
    times: float | None


class WindowRequest(msgspec.Struct, frozen=True):
    """The window, its filters, and `conditions` as in the address."""

    window: Window
    state: BallotState | None
    after: bytes | None
    conditions: dict[str, str]


def read_window(request: Request, contest: Contest) -> WindowRequest:
    """Return the window from `/hours/{hour}` or `?from=&to=`, with its filters. Raises InvalidInput
    or NotFound, also for what belongs to another contest."""
    query = request.query_params
    if "hour" in request.path_params:
        begins = read_hour(request.path_params["hour"])
        ends = begins + HOUR
    else:
        begins = read_moment(query.get("from", ""), contest, "from")
        ends = read_moment(query.get("to", ""), contest, "to")
    names = ("platform", "network", "candidate", "state")
    conditions = {name: query[name] for name in names if query.get(name)}
    state = _read_state(conditions.get("state"))
    after = query.get("after", "")
    window = Window(
        begins,
        ends,
        platform_id=_read_platform(request, conditions.get("platform")),
        network=_read_hex(conditions.get("network", ""), _NETWORK_BYTES, "network"),
        candidate=read_number(conditions["candidate"], contest, "candidate")
        if "candidate" in conditions
        else None,
    )
    return WindowRequest(window, state, _read_hex(after, _ID_BYTES, "after"), conditions)


def _read_state(text: str | None) -> BallotState | None:
    if text is None:
        return None
    for state in STATES:
        if state == text:
            return state
    raise InvalidInput(
        Fault("state", "sites.console.tally.unknown_state", states=", ".join(STATES))
    )


def _read_platform(request: Request, slug: str | None) -> int | None:
    if slug is None:
        return None
    platform = contest_cache(request).platforms.get(slug)
    if platform is None:
        raise InvalidInput(Fault("platform", "sites.console.tally.no_such_platform"))
    return platform.id


def _read_hex(text: str, length: int, field: str) -> bytes | None:
    try:
        value = bytes.fromhex(text)
    except ValueError:
        value = b"?"
    if text and (len(value) != length or not text.isalnum()):
        raise InvalidInput(Fault(field, "sites.console.tally.hexadecimal_digits", value=2 * length))
    return value or None


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
    query = read_window(request, contest)
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
