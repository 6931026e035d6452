"""Public reads: prepared bytes with entity tags, nothing that touches the vote path."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from voting_service.ballots.commit import QUERIES
from voting_service.ballots.receipt import StoredBallot
from voting_service.contests.model import Contest
from voting_service.contests.phases import by_phase, published_at
from voting_service.errors import NotFound, VotingError
from voting_service.public.cross_origin import VARY_ORIGIN
from voting_service.public.worker import Worker
from voting_service.rulings.model import BallotState
from voting_service.storage.postgres import acquire
from voting_service.tally.standings import Prepared
from voting_service.web.languages import language_of
from voting_service.web.problems import problem

_BALLOT_ID = re.compile(r"[0-9a-f]{32}")
_NUMBER = re.compile(r"[1-9][0-9]{0,3}")
_JSON = (b"content-type", b"application/json")
SHARED_SECONDS = 10
"""How long caches may keep the cut."""


def json_response(value: Any, cache_control: str = "no-store") -> Response:
    """A small answer made for this request."""
    body = msgspec.json.encode(value)
    headers = {"cache-control": cache_control, "vary": "Origin"}
    return Response(body, 200, headers, media_type="application/json")


class PreparedRead:
    """An endpoint that answers with bytes made beforehand, or 304; a subclass finds them.

    A bare ASGI endpoint, so that a read costs no more than the bytes it sends.
    """

    cache_control = b"public, max-age=1, stale-while-revalidate=5"

    def find(self, worker: Worker, path: dict[str, Any]) -> Prepared:
        """Raises NotFound, NotPublished or StoreUnavailable."""
        raise NotImplementedError

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        asked = b""
        language = b"en"
        for name, value in scope["headers"]:
            if name == b"if-none-match":
                asked = value
            elif name == b"accept-language":
                language = value
        try:
            prepared = self.find(scope["state"]["worker"], scope["path_params"])
        except VotingError as error:
            status, headers, body = problem(error, language_of(language))
        else:
            etag = prepared.etag.encode()
            headers = [_JSON, (b"etag", etag), (b"cache-control", self.cache_control), VARY_ORIGIN]
            if asked and matches(asked, etag):
                status, body = 304, b""
            else:
                status, body = 200, prepared.body
                headers.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        if scope["method"] == "HEAD":
            body = b""
        await send({"type": "http.response.body", "body": body})


def matches(if_none_match: bytes, etag: bytes) -> bool:
    """Weak comparison (RFC 9110 section 13.1.2)."""
    tags = [tag.strip().removeprefix(b"W/") for tag in if_none_match.split(b",")]
    return b"*" in tags or etag in tags


class CandidateList(PreparedRead):
    """All profiles."""

    cache_control = b"public, max-age=10, stale-while-revalidate=60"

    def find(self, worker: Worker, path: dict[str, Any]) -> Prepared:
        return worker.published_desk(path["slug"]).profiles.list


class CandidateProfile(PreparedRead):
    """One profile by number."""

    cache_control = CandidateList.cache_control

    def find(self, worker: Worker, path: dict[str, Any]) -> Prepared:
        profiles = worker.published_desk(path["slug"]).profiles.by_number
        number: str = path["number"]
        profile = profiles.get(int(number)) if _NUMBER.fullmatch(number) else None
        if profile is None:
            raise NotFound("there is no candidate of this number")
        return profile


class CurrentStandings(PreparedRead):
    """The standings as the release schedule allows."""

    def find(self, worker: Worker, path: dict[str, Any]) -> Prepared:
        return worker.published_desk(path["slug"]).board.shown()


class ListedContest(msgspec.Struct, frozen=True):
    """A contest as the list names it; `/api/v1/contests/{slug}` says more."""

    contest: str
    title: dict[str, str]
    phase: str
    publish_at: datetime
    opens_at: datetime
    closes_at: datetime
    time_zone: str


class ContestListing(msgspec.Struct, frozen=True):
    """Every contest that may be seen: open ones, upcoming ones, closed ones."""

    contests: list[ListedContest]
    server_time: datetime


async def contest_listing(request: Request) -> Response:
    """Every contest that may be seen, in the order of `by_phase`."""
    worker: Worker = request.state.worker
    now = worker.clock()
    listed = [
        ListedContest(
            contest=contest.slug,
            title=msgspec.to_builtins(contest.rules.title),
            phase=phase,
            publish_at=published_at(contest).astimezone(contest.zone),
            opens_at=contest.opens_at.astimezone(contest.zone),
            closes_at=contest.closes_at.astimezone(contest.zone),
            time_zone=contest.rules.time_zone,
        )
        for phase, contests in by_phase(worker.contests(), now).items()
        for contest in contests
    ]
    return json_response(ContestListing(listed, now), "public, max-age=1")


class ContestFacts(msgspec.Struct, frozen=True):
    """What a page or a platform needs to know about a contest."""

    contest: str
    title: dict[str, str]
    phase: str
    publish_at: datetime
    opens_at: datetime
    closes_at: datetime
    time_zone: str
    ballot: dict[str, Any]
    release: dict[str, Any]
    cut: dict[str, Any]
    list_order: str
    candidates: int
    server_time: datetime


async def contest_facts(request: Request) -> Response:
    """Title, phase, window, rules and the server's time."""
    worker: Worker = request.state.worker
    contest = worker.desk(request.path_params["slug"]).contest
    rules = msgspec.to_builtins(contest.rules)
    now = worker.clock()
    facts = ContestFacts(
        contest=contest.slug,
        title=rules["title"],
        phase=contest.phase(now),
        publish_at=published_at(contest).astimezone(contest.zone),
        opens_at=contest.opens_at.astimezone(contest.zone),
        closes_at=contest.closes_at.astimezone(contest.zone),
        time_zone=contest.rules.time_zone,
        ballot=rules["ballot"],
        release=rules["release"],
        cut=rules["cut"],
        list_order=contest.rules.list_order,
        candidates=len(contest.candidates),
        server_time=now,
    )
    return json_response(facts, "public, max-age=1")


class ReceiptState(msgspec.Struct, frozen=True):
    """What the holder of a ballot's id may see: never the choices."""

    ballot: str
    contest: str
    period: str
    issued_at: datetime
    state: BallotState


async def receipt_state(request: Request) -> Response:
    """Counted, held or void, for whoever holds the ballot's id."""
    worker: Worker = request.state.worker
    contest = worker.desk(request.path_params["slug"]).contest
    ballot: str = request.path_params["ballot"]
    stored, state = await find_ballot(worker, contest, ballot)
    return json_response(
        ReceiptState(
            ballot=ballot,
            contest=contest.slug,
            period=stored.period.isoformat(),
            issued_at=stored.cast_at,
            state=state,
        )
    )


async def find_ballot(
    worker: Worker, contest: Contest, ballot: str
) -> tuple[StoredBallot, BallotState]:
    """A ballot by its id in hex. Raises NotFound."""
    row = None
    if _BALLOT_ID.fullmatch(ballot):
        ballot_id = bytes.fromhex(ballot)
        async with acquire(worker.read_pool) as connection:
            row = await connection.fetchrow(QUERIES["ballot_by_id"], contest.id, ballot_id)
    if row is None:
        raise NotFound("there is no ballot of this id in this contest")
    stored = StoredBallot(ballot_id, row["voter"], row["period"], row["cast_at"], row["choices"])
    return stored, row["state"]


async def find_ballot_of(
    worker: Worker, contest: Contest, voter: bytes, now: datetime
) -> str | None:
    """The id of the ballot that a voter has cast for the period of now, in hex."""
    async with acquire(worker.read_pool) as connection:
        row = await connection.fetchrow(
            QUERIES["stored_ballots"], contest.id, contest.period(now), [voter]
        )
    return row["ballot_id"].hex() if row else None


def version_asked(request: Request) -> int | None:
    """`?version=`, None without one. Raises NotFound when it is no version."""
    text = request.query_params.get("version")
    if text is None:
        return None
    if not _NUMBER.fullmatch(text):
        raise NotFound("there is no such version; they are numbered from 1")
    return int(text)


async def published_cut(request: Request) -> Response:
    """The signed document, 404 until the moment it is shown from; `?version=` for older ones."""
    worker: Worker = request.state.worker
    contest = worker.desk(request.path_params["slug"]).contest
    shown = await worker.publication(contest, version_asked(request))
    if shown is None:
        raise NotFound("the cut of this contest has not been published yet")
    document = shown.document
    seconds = SHARED_SECONDS
    if shown.until is not None:
        # No cache in between may show it longer than we do.
        seconds = min(seconds, int((shown.until - worker.clock()).total_seconds()))
    prepared = Prepared.of(document)
    headers = {
        "etag": prepared.etag,
        "cache-control": f"public, max-age={max(0, seconds)}",
        "vary": "Origin",
    }
    if matches(request.headers.get("if-none-match", "").encode(), prepared.etag.encode()):
        return Response(b"", 304, headers)
    return Response(document, 200, headers, media_type="application/json")
