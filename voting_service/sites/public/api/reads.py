"""Public reads: prepared responses with entity tags, apart from the path of a vote."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from voting_service.contests.contest_list import group_by_phase
from voting_service.contests.model import Contest, Phase
from voting_service.contests.phases import published_at
from voting_service.errors import NotFound
from voting_service.infrastructure.postgres.pool import acquire
from voting_service.infrastructure.prepared_response import Prepared
from voting_service.infrastructure.strict_json import printable
from voting_service.sites.public.cors import VARY_ORIGIN
from voting_service.sites.public.prepared_reads import PreparedAnswer, PreparedRead
from voting_service.sites.public.state import PublicState
from voting_service.voting.ballots.commit import load_stored
from voting_service.voting.ballots.receipt import StoredBallot, written_moment
from voting_service.voting.ballots.receipt_state import ReceiptState as ShownState
from voting_service.voting.ballots.receipt_state import shown_from
from voting_service.voting.ballots.repository import load_ballot

_BALLOT_ID = re.compile(r"[0-9a-f]{32}")
_NUMBER = re.compile(r"[1-9][0-9]{0,3}")
_JSON = (b"content-type", b"application/json")
SHARED_SECONDS = 10
"""How long shared caches may keep the cut and the result."""


def json_response(value: Any, cache_control: str = "no-store") -> Response:
    """Return a JSON response made for this request."""
    body = msgspec.json.encode(value)
    headers = {"cache-control": cache_control, "vary": "Origin"}
    return Response(body, 200, headers, media_type="application/json")


class PreparedEndpoint(PreparedRead):
    """An endpoint that returns a prepared response, or 304. Subclasses find the response."""

    cache_control = b"public, max-age=1, stale-while-revalidate=5"

    def find(self, state: PublicState, path: dict[str, Any]) -> Prepared:
        """Raises NotFound, NotPublished or StoreUnavailable."""
        raise NotImplementedError

    def answer(self, scope: Scope) -> PreparedAnswer:
        prepared = self.find(scope["state"]["app_state"], scope["path_params"])
        etag, body = prepared.etag.encode(), prepared.body
        headers = [_JSON, (b"etag", etag), (b"cache-control", self.cache_control), VARY_ORIGIN]
        if matches(dict(scope["headers"]).get(b"if-none-match", b""), etag):
            return PreparedAnswer(304, headers, b"")
        headers.append((b"content-length", b"%d" % len(body)))
        return PreparedAnswer(200, headers, body)


def conditional_response(
    request: Request, prepared: Prepared, headers: Mapping[str, str], media_type: str
) -> Response:
    """Return a prepared response with its entity tag, or 304 if the client has it."""
    headers = {**headers, "etag": prepared.etag}
    if matches(request.headers.get("if-none-match", "").encode(), prepared.etag.encode()):
        return Response(None, 304, headers)
    return Response(prepared.body, 200, headers, media_type=media_type)


def matches(if_none_match: bytes, etag: bytes) -> bool:
    """Whether an If-None-Match header names the entity tag; weak comparison (RFC 9110, 13.1.2)."""
    if not if_none_match:
        return False
    tags = [tag.strip().removeprefix(b"W/") for tag in if_none_match.split(b",")]
    return b"*" in tags or etag in tags


class CandidateListEndpoint(PreparedEndpoint):
    """All profiles."""

    cache_control = b"public, max-age=10, stale-while-revalidate=60"

    def find(self, state: PublicState, path: dict[str, Any]) -> Prepared:
        return state.published_contest_state(path["slug"]).profiles.list


class CandidateProfile(PreparedEndpoint):
    """One profile by number."""

    cache_control = CandidateListEndpoint.cache_control

    def find(self, state: PublicState, path: dict[str, Any]) -> Prepared:
        profiles = state.published_contest_state(path["slug"]).profiles.by_number
        number: str = path["number"]
        profile = profiles.get(int(number)) if _NUMBER.fullmatch(number) else None
        if profile is None:
            raise NotFound("sites.public.api.no_such_candidate", number=printable(number))
        return profile


class Corrections(PreparedEndpoint):
    """Corrections of profiles, and withdrawals."""

    cache_control = CandidateListEndpoint.cache_control

    def find(self, state: PublicState, path: dict[str, Any]) -> Prepared:
        return state.published_contest_state(path["slug"]).profiles.changes


class CurrentStandings(PreparedEndpoint):
    """The standings as the release schedule allows."""

    def find(self, state: PublicState, path: dict[str, Any]) -> Prepared:
        return state.published_contest_state(path["slug"]).standings_cache.shown()


class StandingsTrend(PreparedEndpoint):
    """How the shown counts grew."""

    def find(self, state: PublicState, path: dict[str, Any]) -> Prepared:
        return state.published_contest_state(path["slug"]).standings_cache.trend()


class ListedContest(msgspec.Struct, frozen=True):
    """A contest in the list. `/api/v1/contests/{slug}` returns the details."""

    contest: str
    title: dict[str, str]
    phase: str
    publish_at: datetime
    opens_at: datetime
    closes_at: datetime
    time_zone: str


def _listed(contest: Contest, phase: Phase) -> ListedContest:
    return ListedContest(
        contest=contest.slug,
        title=msgspec.to_builtins(contest.rules.title),
        phase=phase,
        publish_at=published_at(contest).astimezone(contest.zone),
        opens_at=contest.opens_at.astimezone(contest.zone),
        closes_at=contest.closes_at.astimezone(contest.zone),
        time_zone=contest.rules.time_zone,
    )


class ContestListing(msgspec.Struct, frozen=True):
    """All visible contests: open, upcoming and closed."""

    contests: list[ListedContest]
    server_time: datetime


async def contest_listing(request: Request) -> Response:
    """Return all visible contests in the order of `group_by_phase`."""
    state: PublicState = request.state.app_state
    now = state.clock()
    listed = [
        _listed(contest, phase)
        for phase, contests in group_by_phase(state.contests(), now).items()
        for contest in contests
    ]
    return json_response(ContestListing(listed, now), "public, max-age=1")


class ContestDescription(ListedContest, frozen=True):
    """A contest's title, phase, voting period and rules, who holds it, and the server's time."""

    ballot: dict[str, Any]
    release: dict[str, Any]
    cut: dict[str, Any]
    list_order: str
    candidates: int
    theme: dict[str, str] | None
    introduction: dict[str, str] | None
    organisers: list[dict[str, dict[str, str]]]
    contact: dict[str, Any]
    server_time: datetime


_CONTACT = ("contact", "telephone", "email", "address")


async def contest_description(request: Request) -> Response:
    """Return title, phase, voting period, rules and the server's time."""
    state: PublicState = request.state.app_state
    contest = state.contest_state(request.path_params["slug"]).contest
    rules = msgspec.to_builtins(contest.rules)
    now = state.clock()
    description = ContestDescription(
        **msgspec.structs.asdict(_listed(contest, contest.phase(now))),
        ballot=rules["ballot"],
        release=rules["release"],
        cut={**rules["cut"], "panel": contest.rules.cut.panel},
        list_order=contest.rules.list_order,
        candidates=len(contest.candidates),
        theme=rules["theme"],
        introduction=rules["introduction"],
        organisers=rules["organisers"],
        contact={name: rules[name] for name in _CONTACT if rules[name] is not None},
        server_time=now,
    )
    return json_response(description, "public, max-age=1")


class ReceiptState(msgspec.Struct, frozen=True):
    """What the receipt's holder may see of a ballot; never the choices."""

    ballot: str
    contest: str
    period: str
    issued_at: str
    state: ShownState


async def receipt_state(request: Request) -> Response:
    """Return that a ballot is recorded, and once its day has been gathered whether it is counted,
    held or void. The ballot ID is the only credential."""
    state: PublicState = request.state.app_state
    contest = state.contest_state(request.path_params["slug"]).contest
    ballot: str = request.path_params["ballot"]
    stored, ballot_state = await find_ballot(state, contest, ballot)
    return json_response(
        ReceiptState(
            ballot=ballot,
            contest=contest.slug,
            period=stored.period.isoformat(),
            issued_at=written_moment(stored.cast_at),
            state=ballot_state,
        )
    )


async def find_ballot(
    state: PublicState, contest: Contest, ballot: str
) -> tuple[StoredBallot, ShownState]:
    """Load a ballot by its ID in hexadecimal, and what its holder may see of its state. Raises
    NotFound."""
    stored = None
    if _BALLOT_ID.fullmatch(ballot):
        async with acquire(state.read_pool) as connection:
            stored = await load_ballot(connection, contest.id, bytes.fromhex(ballot))
    if stored is None:
        raise NotFound("sites.public.api.no_such_ballot")
    if state.clock() < shown_from(contest, stored[0].cast_at):
        return stored[0], "recorded"
    return stored


async def find_voters_ballot(
    state: PublicState, contest: Contest, voter: bytes, now: datetime
) -> str | None:
    """Load the ID, in hexadecimal, of the ballot that a voter has cast in the current period."""
    key = contest.period(now), voter
    async with acquire(state.read_pool) as connection:
        stored = await load_stored(connection, contest.id, [key])
    return stored[key].ballot_id.hex() if stored else None


def requested_version(request: Request) -> int | None:
    """Return the value of `?version=`, or None. Raises NotFound for anything but a version."""
    text = request.query_params.get("version")
    if text is None:
        return None
    if not _NUMBER.fullmatch(text):
        raise NotFound("sites.public.api.no_such_version")
    return int(text)


async def published_cut(request: Request) -> Response:
    """Return the signed cut, or 404 until it is published; `?version=` selects an older version."""
    state: PublicState = request.state.app_state
    contest = state.contest_state(request.path_params["slug"]).contest
    shown = await state.publication(contest, requested_version(request))
    if shown is None:
        raise NotFound("sites.public.api.cut_not_published")
    seconds = SHARED_SECONDS
    if shown.until is not None:
        # Caches must not show the cut longer than the service does.
        seconds = min(seconds, int((shown.until - state.clock()).total_seconds()))
    headers = {"cache-control": f"public, max-age={max(0, seconds)}", "vary": "Origin"}
    return conditional_response(request, Prepared.of(shown.document), headers, "application/json")
