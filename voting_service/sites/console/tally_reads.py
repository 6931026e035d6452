"""What the tally's pages share: who may read them, and the figures they show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from weakref import WeakKeyDictionary

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from voting_service.contests.model import (
    Candidate,
    Contest,
    Platform,
)
from voting_service.errors import (
    Fault,
    InvalidInput,
    NotFound,
)
from voting_service.sites.console.contests import contest_cache
from voting_service.sites.console.single_flight import SingleFlight
from voting_service.sites.console.time_ranges import read_moment
from voting_service.sites.shared.signed_in.cookies import language
from voting_service.sites.shared.signed_in.rendering import PAGE_HEADERS
from voting_service.sites.shared.signed_in.state import StaffState, get_state
from voting_service.staff.accounts.model import Role
from voting_service.voting.tally.live_figures import (
    Figures,
    MinuteCount,
    load_figures,
    load_minutes,
)
from voting_service.voting.tally.recount import BALLOTS

READERS: tuple[Role, ...] = ("tally_clerk", "supervisor", "auditor")
"""Roles that may see counts before the public does."""
LATEST = timedelta(hours=3)
MINUTE = timedelta(minutes=1)

_shared: WeakKeyDictionary[StaffState, SingleFlight] = WeakKeyDictionary()


def single_flight(state: StaffState) -> SingleFlight:
    """Return the shared reads of this process."""
    return _shared.setdefault(state, SingleFlight())


def texts(request: Request) -> Mapping[str, Any]:
    """Return the area's texts and, under `states`, the names of a ballot's states."""
    catalogue = get_state(request).theme.texts(language(request))
    return {**catalogue["tally"], "states": catalogue["layout"]["states"]}


def read_at(request: Request, contest: Contest) -> datetime | None:
    """Return the time in `?at=`; None without it. Raises InvalidInput."""
    text = request.query_params.get("at", "")
    return read_moment(text, contest, "at") if text else None


async def current_figures(state: StaffState, contest: Contest) -> Figures:
    """Return the current figures, shared by all readers for a moment."""

    async def load() -> Figures:
        async with state.connection() as connection:
            return await load_figures(connection, contest, state.clock())

    return await single_flight(state).get(("figures", contest.id, contest.revision), load)


async def load_figures_at(
    state: StaffState, contest: Contest, at: datetime | None, candidates: Sequence[int] = (BALLOTS,)
) -> Figures:
    """Return the tally at a time, or now with the hours of some candidates."""
    async with state.connection() as connection:
        return await load_figures(connection, contest, state.clock(), at=at, candidates=candidates)


async def latest_minutes(
    state: StaffState, contest: Contest
) -> tuple[datetime, datetime, tuple[MinuteCount, ...]]:
    """Return the last three hours of voting by the minute: from, until, counts."""

    async def load() -> tuple[datetime, datetime, tuple[MinuteCount, ...]]:
        now = min(state.clock(), contest.closes_at)
        running = now.replace(second=0, microsecond=0)
        ends = running + MINUTE if now > running else running
        begins = ends - LATEST
        async with state.connection() as connection:
            return begins, ends, await load_minutes(connection, contest, begins, ends)

    return await single_flight(state).get(("minutes", contest.id, contest.revision), load)


def find_candidate(contest: Contest, number: int) -> Candidate:
    """Return the candidate with this number. Raises NotFound."""
    for candidate in contest.candidates:
        if candidate.number == number:
            return candidate
    raise NotFound("sites.console.no_such_candidate", slug=contest.slug, number=number)


def read_number(text: str, contest: Contest, field: str) -> int:
    """Return a candidate's number from an address or a form. Raises InvalidInput or NotFound."""
    if not (text.isascii() and text.isdigit() and len(text) <= 4):
        raise InvalidInput(Fault(field, "sites.console.number_format"))
    return find_candidate(contest, int(text)).number


def platform_names(request: Request) -> dict[int, str]:
    """Return the platforms' names by id, in the reader's language."""
    platforms: Mapping[str, Platform] = contest_cache(request).platforms
    return {p.id: getattr(p.name, language(request)) for p in platforms.values()}


def platform_slugs(request: Request) -> dict[int, str]:
    """Return the platforms' slugs by id."""
    return {p.id: p.slug for p in contest_cache(request).platforms.values()}


def candidate_names(request: Request, contest: Contest) -> dict[int, str]:
    """Return the candidates as `7 Name` by number, in the reader's language."""
    spoken = language(request)
    return {c.number: f"{c.number} {getattr(c.name, spoken)}" for c in contest.candidates}


def json_answer(value: Any) -> Response:
    """Return data for a page as JSON; nothing may cache it."""
    return Response(msgspec.json.encode(value), 200, PAGE_HEADERS, "application/json")
