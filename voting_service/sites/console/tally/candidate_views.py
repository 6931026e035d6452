"""Pages of one candidate, and of two side by side."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from voting_service.antifraud.alarms.repository import load_alarms
from voting_service.antifraud.screening.decision import signal_names
from voting_service.contests.model import Contest
from voting_service.sites.console.alarms.presentation import ShownAlarm, shown_alarms
from voting_service.sites.console.contests import contest_from_path
from voting_service.sites.console.tally.charts import (
    CountedColumns,
    build_tally,
    comparison_chart,
    contest_hours,
    percent,
    time_chart,
)
from voting_service.sites.console.tally_reads import (
    READERS,
    candidate_names,
    find_candidate,
    load_figures_at,
    platform_names,
    platform_slugs,
    read_at,
    read_number,
    texts,
)
from voting_service.sites.console.time_ranges import (
    hour_path,
    last_window,
    local_text,
)
from voting_service.sites.shared.signed_in.access import signed_in
from voting_service.sites.shared.signed_in.rendering import page
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.voting.rulings.model import Hold, HoldVotes
from voting_service.voting.rulings.repository import (
    load_held_reasons,
    load_hold_votes,
    load_holds,
)
from voting_service.voting.tally.live_figures import Figures
from voting_service.voting.tally.recount import BALLOTS, Count

ALARMS_SHOWN = 5
NEIGHBOURS = 3
"""How many candidates are shown above and below one."""


class VoteOrigin(NamedTuple):
    """A candidate's votes on a platform: share of the candidate's votes and of all ballots, in
    percent of net."""

    platform_id: int
    counted: CountedColumns
    share: float
    ballots_share: float


def origins(figures: Figures, number: int) -> tuple[VoteOrigin, ...]:
    """Return the candidate's votes by platform, most first."""
    votes, ballots = figures.by_platform(number), figures.by_platform()
    net = figures.votes[number].net
    rows = (
        VoteOrigin(
            platform_id,
            CountedColumns.of(votes.get(platform_id, Count())),
            percent(votes.get(platform_id, Count()).net, net),
            percent(count.net, figures.ballots.net),
        )
        for platform_id, count in ballots.items()
    )
    return tuple(sorted(rows, key=lambda o: (-o.counted.gross, o.platform_id)))


class HeldReason(NamedTuple):
    """Ballots that were held when they were cast, and the signals that were active."""

    signals: tuple[str, ...]
    ballots: int


class Suspicions(NamedTuple):
    """All that speaks against votes of a candidate: the newest alarms, what was held when it was
    cast, and the holds with votes for the candidate, most votes first."""

    alarms: tuple[ShownAlarm, ...]
    held: tuple[HeldReason, ...]
    holds: list[tuple[Hold, HoldVotes]]

    @property
    def held_ballots(self) -> int:
        return sum(reason.ballots for reason in self.held)

    @property
    def campaigns(self) -> list[tuple[Hold, HoldVotes]]:
        """The holds that the examination of all ballots found."""
        return [(hold, votes) for hold, votes in self.holds if hold.kind in ("campaign", "bloc")]

    @property
    def campaign_votes(self) -> int:
        return sum(sum(votes) for _, votes in self.campaigns)


async def load_suspicions(request: Request, contest: Contest, number: int) -> Suspicions:
    """Load what speaks against votes of a candidate. Raises StoreUnavailable."""
    async with get_state(request).connection() as connection:
        alarms = await load_alarms(connection, contest.id, candidate=number, limit=ALARMS_SHOWN)
        reasons = await load_held_reasons(connection, contest, number)
        votes = await load_hold_votes(connection, contest)
        touched = {h: of[number] for h, of in votes.items() if number in of}
        holds = await load_holds(connection, contest) if touched else ()
    matching = [(hold, touched[hold.id]) for hold in holds if hold.id in touched]
    return Suspicions(
        shown_alarms(request, contest, alarms),
        tuple(HeldReason(signal_names(signals), count) for signals, count in reasons.items()),
        sorted(matching, key=lambda pair: (-sum(pair[1]), pair[0].id)),
    )


@signed_in(*READERS)
async def candidate_page(request: Request) -> Response:
    """Show hours, platforms, neighbours and holds of a candidate; also `?at=`."""
    contest, state = contest_from_path(request), get_state(request)
    candidate = find_candidate(contest, request.path_params["number"])
    at = read_at(request, contest)
    figures = await load_figures_at(state, contest, at, (BALLOTS, candidate.number))
    tally, order = build_tally(contest, figures), figures.best_first()
    place = order.index(candidate.number)
    first = max(0, place - NEIGHBOURS)
    return page(
        request,
        "tally/candidate.html",
        contest=contest,
        candidate=candidate,
        names=candidate_names(request, contest),
        platforms=platform_names(request),
        tally=tally,
        row=tally.candidates[place],
        neighbours=tally.candidates[first : place + NEIGHBOURS + 1],
        origins=origins(figures, candidate.number),
        suspicions=await load_suspicions(request, contest, candidate.number),
        window=partial(last_window, contest, figures.as_of, candidate=str(candidate.number)),
        platform_slugs=platform_slugs(request),
        at=at,
        at_text=local_text(figures.as_of, contest),
        chart_data=time_chart(
            contest,
            figures.by_hour(candidate.number),
            contest_hours(contest, figures),
            states=texts(request)["states"],
            link=lambda hour: f"{hour_path(contest, hour)}?candidate={candidate.number}",
        ),
    )


class Side(NamedTuple):
    """A platform's net votes of two candidates."""

    platform_id: int
    chosen: int
    other: int

    @property
    def difference(self) -> int:
        return self.chosen - self.other


@signed_in(*READERS)
async def compare_page(request: Request) -> Response:
    """Compare two candidates, `?a=&b=`; show the form when one is missing."""
    contest, state = contest_from_path(request), get_state(request)
    at = read_at(request, contest)
    names = candidate_names(request, contest)
    texts = [request.query_params.get(field, "") for field in ("a", "b")]
    values: dict[str, Any] = {"chosen": None}
    if all(texts):
        chosen, other = (
            read_number(text, contest, field) for text, field in zip(texts, ("a", "b"), strict=True)
        )
        figures = await load_figures_at(state, contest, at, (BALLOTS, chosen, other))
        values = _comparison(request, contest, figures, chosen, other)
    return page(
        request,
        "tally/compare.html",
        contest=contest,
        names=names,
        platforms=platform_names(request),
        at=at,
        asked=texts,
        **values,
    )


def _comparison(
    request: Request, contest: Contest, figures: Figures, chosen: int, other: int
) -> dict[str, Any]:
    rows = {row.number: row for row in build_tally(contest, figures).candidates}
    left, right = figures.by_platform(chosen), figures.by_platform(other)
    sides = [
        Side(platform, left.get(platform, Count()).net, right.get(platform, Count()).net)
        for platform in figures.by_platform()
    ]
    names = candidate_names(request, contest)
    chart = None
    if chosen != other:
        pair = {number: names[number] for number in (chosen, other)}
        chart = comparison_chart(contest, figures, pair, texts(request)["difference"])
    return {
        "chosen": (rows[chosen], rows[other]),
        "difference": rows[chosen].counted.net - rows[other].counted.net,
        "sides": sides,
        "as_of": figures.as_of,
        "chart_data": chart,
    }
