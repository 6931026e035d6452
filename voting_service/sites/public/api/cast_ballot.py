"""`POST /api/v1/contests/{slug}/ballots`: steps ① and ② of a vote and the call of ③.

A bare ASGI endpoint: at thousands of votes a second Starlette's request and response objects
would cost as much as the vote itself.
"""

from __future__ import annotations

from datetime import datetime

import msgspec
import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from voting_service.antifraud.captchas.verifier import CaptchaResult
from voting_service.antifraud.challenges.service import ChallengeSolution
from voting_service.errors import (
    ChallengeRequired,
    NotSignedIn,
    SessionEnded,
    VotingError,
)
from voting_service.i18n.formatting import preferred_language
from voting_service.sites.public.cors import allow_origin
from voting_service.sites.public.request_signals import RequestSignals
from voting_service.sites.public.state import ContestState, PublicState
from voting_service.sites.shared.problem_documents import (
    Headers,
    bug,
    problem,
)
from voting_service.sites.shared.request_bodies import read_body, require_json
from voting_service.voting.ballots.parse import (
    MAX_BODY_BYTES,
    BallotRequest,
    check_period,
    parse_cast,
)
from voting_service.voting.ballots.pipeline import not_open
from voting_service.voting.ballots.vote import Accepted, DatedBallot, Repeated
from voting_service.voting.voters.session_token import Session, read

log = structlog.get_logger(__name__)

_JSON = (b"content-type", b"application/json")
_NO_STORE = (b"cache-control", b"no-store")


class PlatformSwitchedOff(NotSignedIn):
    """The session is valid, but its platform has been switched off."""


def authenticate_voter(
    state: PublicState, contest_state: ContestState, token: bytes, now: datetime
) -> Session:
    """② Return the session of a token. Raises NotSignedIn, PlatformSwitchedOff, SessionEnded."""
    session = read(
        contest_state.keys.session,
        token,
        contest_id=contest_state.contest.id,
        now_seconds=now.timestamp(),
    )
    platform = state.platforms.get(session.platform_id)
    if platform is None:
        raise PlatformSwitchedOff("sites.public.api.platform_switched_off")
    if session.issued < platform.oldest_session:
        raise SessionEnded("sites.public.api.session_ended")
    return session


class SubmittedBallot(msgspec.Struct, frozen=True, gc=False):
    """A ballot as sent, and the signals of its request."""

    parsed: BallotRequest
    signals: RequestSignals


async def submit_ballot(
    contest_state: ContestState, session: Session, ballot: SubmittedBallot, now: datetime
) -> Accepted | Repeated:
    """③ to ⑥: submit a ballot that arrives now, and return its result. Raises the error of a
    refused ballot.

    The arrival decides day and deadline, however long the vote then waits. After the end of its
    period, a voter whose answer was lost still gets the receipt of the stored ballot. Before the
    opening, and once the voters' key is destroyed, every ballot is refused.
    """
    contest, senders, paid = contest_state.contest, contest_state.senders, CaptchaResult.FAILED
    if senders is None or now < contest.opens_at:
        raise not_open(contest, now)
    parsed, signals = ballot.parsed, ballot.signals
    choices, named = parsed.choices, parsed.period
    dated = DatedBallot.of(contest, choices, now)
    if named is not None:
        check_period(named, contest, now)
        dated = dated.in_period(named)
    if parsed.challenge is not None:
        address = senders.read_address(signals)
        solution = ChallengeSolution(session.voter, parsed.challenge, address)
        paid, arrived_at = await contest_state.challenges.check(contest, solution, now)
        first_try = DatedBallot.of(contest, choices, arrived_at)
        if named in {None, first_try.period}:
            dated = first_try
        else:
            paid = CaptchaResult.FAILED
    result = await contest_state.pipeline.submit(
        voter=session.voter,
        platform_id=session.platform_id,
        sender=senders.read_sender(signals, session, now.timestamp()),
        solved=paid is CaptchaResult.VERIFIED,
        ballot=dated,
    )
    if isinstance(result, ChallengeRequired):
        await contest_state.challenges.issue(contest, session.voter, result, dated.cast_at, paid)
    if isinstance(result, VotingError):
        raise result
    return result


class CastBallot:
    """The endpoint. Every request gets exactly one answer: a receipt or a problem document."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        state: PublicState = scope["state"]["app_state"]
        headers_sent = dict(scope["headers"])
        origin = headers_sent.get(b"origin")
        headers: Headers
        try:
            require_json(
                headers_sent.get(b"content-type", b""), headers_sent.get(b"content-encoding", b"")
            )
            result = await self._cast(state, scope, receive, headers_sent)
            status, payload = 201 if isinstance(result, Accepted) else 200, result.receipt
            headers = [_JSON, (b"content-length", str(len(payload)).encode()), _NO_STORE]
        except VotingError as error:
            status, headers, payload = problem(
                error, preferred_language(headers_sent.get(b"accept-language", b"en"))
            )
        except Exception:
            log.exception("cast_failed")
            status, headers, payload = bug()
        if origin:
            headers.extend(allow_origin(state.origins, origin))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": payload})

    async def _cast(
        self, state: PublicState, scope: Scope, receive: Receive, headers_sent: dict[bytes, bytes]
    ) -> Accepted | Repeated:
        contest_state = state.contest_state(scope["path_params"]["slug"])
        body = await read_body(receive, MAX_BODY_BYTES)
        authorization = headers_sent.get(b"authorization", b"")
        if authorization[:7].lower() != b"bearer ":
            raise NotSignedIn("sites.public.api.session_missing")
        now = state.require_accepting()
        session = authenticate_voter(state, contest_state, authorization[7:], now)
        parsed = parse_cast(body, contest_state.contest)
        ballot = SubmittedBallot(parsed, RequestSignals.from_scope(scope, headers_sent))
        return await submit_ballot(contest_state, session, ballot, now)


class BallotFastPath:
    """Route ballots directly to their endpoint and all other requests to the rest of the app.

    Routing and middleware cost about 10 µs, an eighth of a vote; ballots skip both.
    """

    def __init__(self, rest: ASGIApp, prefix: str, suffix: str) -> None:
        self._rest = rest
        self._prefix = prefix
        self._suffix = suffix
        self._cast = CastBallot()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST":
            path: str = scope["path"]
            if path.startswith(self._prefix) and path.endswith(self._suffix):
                slug = path[len(self._prefix) : -len(self._suffix)]
                if slug and "/" not in slug:
                    scope["path_params"] = {"slug": slug}
                    scope["endpoint"] = self._cast
                    await self._cast(scope, receive, send)
                    return
        await self._rest(scope, receive, send)
