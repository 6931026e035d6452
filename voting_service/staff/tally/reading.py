"""What the tally's pages have in common: who may read them, and where figures come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from weakref import WeakKeyDictionary

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from voting_service.accounts.model import Role
from voting_service.contests.model import Candidate, Contest, Platform
from voting_service.desk.cookies import language
from voting_service.desk.rendering import PAGE_HEADERS
from voting_service.desk.state import Desk, desk_of
from voting_service.errors import Fault, InvalidInput, NotFound
from voting_service.staff.tally.moments import read_moment
from voting_service.staff.tally.shared_reads import SharedReads
from voting_service.tally.desk_figures import Figures, MinuteCount, load_figures, load_minutes
from voting_service.tally.recount import BALLOTS

READERS: tuple[Role, ...] = ("tally_clerk", "supervisor", "auditor")
"""Counts that the public may not see yet are for those who answer for them."""
LATEST = timedelta(hours=3)
MINUTE = timedelta(minutes=1)

_shared: WeakKeyDictionary[Desk, SharedReads] = WeakKeyDictionary()


def shared_reads(desk: Desk) -> SharedReads:
    """The desk's own."""
    return _shared.setdefault(desk, SharedReads())


def texts(request: Request) -> Mapping[str, Any]:
    """The area's texts, and under `states` the words for a ballot's states."""
    known = desk_of(request).face.texts(language(request))
    return {**known["tally"], "states": known["desk"]["states"]}


def moment_asked_for(request: Request, contest: Contest) -> datetime | None:
    """`?at=`: the figures of then instead of now. Raises InvalidInput."""
    text = request.query_params.get("at", "")
    return read_moment(text, contest, "at") if text else None


async def current_figures(desk: Desk, contest: Contest) -> Figures:
    """Of a moment ago at most: many people watch the same figures."""

    async def load() -> Figures:
        async with desk.connection() as connection:
            return await load_figures(connection, contest, desk.clock())

    return await shared_reads(desk).get(("figures", contest.id, contest.revision), load)


async def figures_asked_for(
    desk: Desk, contest: Contest, at: datetime | None, candidates: Sequence[int] = (BALLOTS,)
) -> Figures:
    """The tally at a moment, or with the hours of some candidates."""
    async with desk.connection() as connection:
        return await load_figures(connection, contest, desk.clock(), at=at, candidates=candidates)


async def latest_minutes(
    desk: Desk, contest: Contest
) -> tuple[datetime, datetime, tuple[MinuteCount, ...]]:
    """The last three hours of voting, whole minutes and the running one: from, until, counts."""

    async def load() -> tuple[datetime, datetime, tuple[MinuteCount, ...]]:
        now = min(desk.clock(), contest.closes_at)
        running = now.replace(second=0, microsecond=0)
        ends = running + MINUTE if now > running else running
        begins = ends - LATEST
        async with desk.connection() as connection:
            return begins, ends, await load_minutes(connection, contest, begins, ends)

    return await shared_reads(desk).get(("minutes", contest.id, contest.revision), load)


def candidate_of(contest: Contest, number: int) -> Candidate:
    """Raises NotFound."""
    for candidate in contest.candidates:
        if candidate.number == number:
            return candidate
    raise NotFound(f"{contest.slug} has no candidate {number}")


def read_number(text: str, contest: Contest, field: str) -> int:
    """A candidate's number from an address or a form. Raises InvalidInput or NotFound."""
    if not (text.isascii() and text.isdigit() and len(text) <= 4):
        raise InvalidInput(Fault(field, "write a candidate's number"))
    return candidate_of(contest, int(text)).number


def platform_names(request: Request) -> dict[int, str]:
    """By id, in the reader's language."""
    platforms: Mapping[str, Platform] = desk_of(request).registry.platforms
    return {p.id: getattr(p.name, language(request)) for p in platforms.values()}


def platform_slugs(request: Request) -> dict[int, str]:
    """By id."""
    return {p.id: p.slug for p in desk_of(request).registry.platforms.values()}


def candidate_names(request: Request, contest: Contest) -> dict[int, str]:
    """By number, `7 Name`, in the reader's language."""
    spoken = language(request)
    return {c.number: f"{c.number} {getattr(c.name, spoken)}" for c in contest.candidates}


def json_answer(value: Any) -> Response:
    """Data for a page; nobody may keep it."""
    return Response(msgspec.json.encode(value), 200, PAGE_HEADERS, "application/json")
