"""One candidate: where the votes come from and who is near; and two side by side."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from voting_service.contests.model import Contest
from voting_service.desk.access import signed_in
from voting_service.desk.rendering import page
from voting_service.desk.state import contest_of, desk_of
from voting_service.rulings.holds import load_hold_votes, load_holds
from voting_service.rulings.model import Hold, HoldVotes
from voting_service.staff.tally.moments import hour_path, last_window, local_text
from voting_service.staff.tally.reading import (
    READERS,
    candidate_names,
    candidate_of,
    figures_asked_for,
    moment_asked_for,
    platform_names,
    platform_slugs,
    read_number,
    texts,
)
from voting_service.staff.tally.views import (
    HOUR,
    Counted,
    comparison_chart,
    contest_hours,
    percent,
    tally_of,
    time_chart,
)
from voting_service.tally.desk_figures import Figures
from voting_service.tally.recount import BALLOTS, Count

NEIGHBOURS = 3
"""How many candidates on either side are shown beside one."""


class Origin(NamedTuple):
    """A candidate's votes on a platform: how many of the candidate's come from there, and how
    many of all ballots do, in percent of the net."""

    platform_id: int
    counted: Counted
    share: float
    ballots_share: float


def origins(figures: Figures, number: int) -> tuple[Origin, ...]:
    """By platform, most votes first."""
    votes, ballots = figures.by_platform(number), figures.by_platform()
    net = figures.votes[number].net
    found = (
        Origin(
            platform_id,
            Counted.of(votes.get(platform_id, Count())),
            percent(votes.get(platform_id, Count()).net, net),
            percent(count.net, figures.ballots.net),
        )
        for platform_id, count in ballots.items()
    )
    return tuple(sorted(found, key=lambda o: (-o.counted.gross, o.platform_id)))


async def _holds_of(
    request: Request, contest: Contest, number: int
) -> list[tuple[Hold, HoldVotes]]:
    """What is or was in question about a candidate, most votes first."""
    async with desk_of(request).connection() as connection:
        votes = await load_hold_votes(connection, contest)
        touched = {h: of[number] for h, of in votes.items() if number in of}
        holds = await load_holds(connection, contest) if touched else ()
    found = [(hold, touched[hold.id]) for hold in holds if hold.id in touched]
    return sorted(found, key=lambda pair: (-sum(pair[1]), pair[0].id))


@signed_in(*READERS)
async def candidate_page(request: Request) -> Response:
    """Hours, platforms, neighbours, and the holds that touch the candidate; `?at=` too."""
    contest, desk = contest_of(request), desk_of(request)
    candidate = candidate_of(contest, request.path_params["number"])
    at = moment_asked_for(request, contest)
    figures = await figures_asked_for(desk, contest, at, (BALLOTS, candidate.number))
    tally, order = tally_of(contest, figures), figures.best_first()
    place = order.index(candidate.number)
    begins, ends = contest_hours(contest, figures)
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
        holds=await _holds_of(request, contest, candidate.number),
        window=partial(last_window, contest, figures.as_of, candidate=str(candidate.number)),
        platform_slugs=platform_slugs(request),
        at=at,
        at_text=local_text(figures.as_of, contest),
        chart_data=time_chart(
            contest,
            figures.by_hour(candidate.number),
            begins,
            ends,
            HOUR,
            states=texts(request)["states"],
            link=lambda hour: f"{hour_path(contest, hour)}?candidate={candidate.number}",
        ),
    )


class Side(NamedTuple):
    """A platform's net votes of both, and what lies between them."""

    platform_id: int
    one: int
    other: int

    @property
    def difference(self) -> int:
        return self.one - self.other


@signed_in(*READERS)
async def compare_page(request: Request) -> Response:
    """Two candidates: curves, platforms, the difference; `?a=&b=`, asked for when missing."""
    contest, desk = contest_of(request), desk_of(request)
    at = moment_asked_for(request, contest)
    names = candidate_names(request, contest)
    asked = [request.query_params.get(field, "") for field in ("a", "b")]
    values: dict[str, Any] = {"chosen": None}
    if all(asked):
        one, other = (
            read_number(text, contest, field) for text, field in zip(asked, ("a", "b"), strict=True)
        )
        figures = await figures_asked_for(desk, contest, at, (BALLOTS, one, other))
        values = _comparison(request, contest, figures, one, other)
    return page(
        request,
        "tally/compare.html",
        contest=contest,
        names=names,
        platforms=platform_names(request),
        at=at,
        asked=asked,
        **values,
    )


def _comparison(
    request: Request, contest: Contest, figures: Figures, one: int, other: int
) -> dict[str, Any]:
    rows = {row.number: row for row in tally_of(contest, figures).candidates}
    left, right = figures.by_platform(one), figures.by_platform(other)
    sides = [
        Side(platform, left.get(platform, Count()).net, right.get(platform, Count()).net)
        for platform in figures.by_platform()
    ]
    names = candidate_names(request, contest)
    chart = None
    if one != other:
        pair = {number: names[number] for number in (one, other)}
        chart = comparison_chart(contest, figures, pair, texts(request)["difference"])
    return {
        "chosen": (rows[one], rows[other]),
        "difference": rows[one].counted.net - rows[other].counted.net,
        "sides": sides,
        "as_of": figures.as_of,
        "chart_data": chart,
    }
