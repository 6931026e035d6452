"""`POST /api/v1/contests/{slug}/ballots`: the hot path, ①, ② and the way into ③.

A bare ASGI endpoint: at thousands of votes a second Starlette's request and response objects
would cost as much as the vote.
"""

from __future__ import annotations

from datetime import datetime

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from voting_service.antifraud.captchas.gate import Outcome
from voting_service.ballots.casting import not_open
from voting_service.ballots.parse import MAX_BODY_BYTES, parse_cast
from voting_service.ballots.vote import Accepted, Repeated
from voting_service.errors import ChallengeRequired, NotSignedIn, PlatformSwitchedOff, VotingError
from voting_service.public.challenge_desk import Payment
from voting_service.public.cross_origin import allow_origin
from voting_service.public.senders import Machine
from voting_service.public.worker import ContestDesk, Worker
from voting_service.voters.session import Session, read
from voting_service.web.bodies import read_body, require_json
from voting_service.web.languages import language_of
from voting_service.web.problems import Headers, bug, problem

log = structlog.get_logger(__name__)

_JSON = (b"content-type", b"application/json")
_NO_STORE = (b"cache-control", b"no-store")


def voter_of(worker: Worker, desk: ContestDesk, token: bytes, now: datetime) -> Session:
    """② The session in a token. Raises NotSignedIn, also when its platform is switched off."""
    session = read(
        desk.keys.session, token, contest_id=desk.contest.id, now_seconds=now.timestamp()
    )
    if session.platform_id not in worker.platforms:
        raise PlatformSwitchedOff("this platform takes no part any more; come over another one")
    return session


async def hand_in(
    desk: ContestDesk,
    session: Session,
    choices: list[int],
    *,
    challenge: str | None,
    machine: Machine,
    now: datetime,
) -> Accepted | Repeated:
    """③ to ⑥. Raises the refusal, if it is one.

    After the close a voter whose answer was lost still gets the receipt of the stored ballot.
    Before the opening, and for good once the voters' key is destroyed, nothing is taken.
    """
    contest, senders, paid = desk.contest, desk.senders, Outcome.FAILED
    if senders is None or now < contest.opens_at:
        raise not_open(contest, now)
    if now < contest.closes_at:
        if challenge is not None:
            payment = Payment(session.voter, challenge, senders.address_of(machine))
            paid = await desk.challenges.check(contest, payment, now)
        outcome = await desk.caster.submit(
            voter=session.voter,
            platform_id=session.platform_id,
            sender=senders.of(machine, session, now.timestamp()),
            solved=paid is Outcome.VERIFIED,
            choices=choices,
        )
    else:
        outcome = await desk.caster.answer_after_close(session.voter, choices)
    if isinstance(outcome, ChallengeRequired):
        await desk.challenges.ask(contest, session.voter, outcome, now, paid)
    if isinstance(outcome, VotingError):
        raise outcome
    return outcome


class CastBallot:
    """The endpoint; answers every request exactly once, with a receipt or a problem."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        worker: Worker = scope["state"]["worker"]
        sent = dict(scope["headers"])
        origin = sent.get(b"origin")
        headers: Headers
        try:
            require_json(sent.get(b"content-type", b""), sent.get(b"content-encoding", b""))
            outcome = await self._cast(worker, scope, receive, sent)
            status, payload = 201 if isinstance(outcome, Accepted) else 200, outcome.receipt
            headers = [_JSON, (b"content-length", str(len(payload)).encode()), _NO_STORE]
        except VotingError as error:
            status, headers, payload = problem(
                error, language_of(sent.get(b"accept-language", b"en"))
            )
        except Exception:
            log.exception("cast_failed")
            status, headers, payload = bug()
        if origin:
            headers.extend(allow_origin(worker.origins, origin))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": payload})

    async def _cast(
        self, worker: Worker, scope: Scope, receive: Receive, sent: dict[bytes, bytes]
    ) -> Accepted | Repeated:
        desk = worker.desk(scope["path_params"]["slug"])
        body = await read_body(receive, MAX_BODY_BYTES)
        authorization = sent.get(b"authorization", b"")
        if authorization[:7].lower() != b"bearer ":
            raise NotSignedIn("sign in at a platform first, then send the session as Bearer")
        worker.watch.require()
        now = worker.clock()
        session = voter_of(worker, desk, authorization[7:], now)
        choices, challenge = parse_cast(body, desk.contest)
        machine = Machine.of(scope, sent)
        return await hand_in(desk, session, choices, challenge=challenge, machine=machine, now=now)


class VotesFirst:
    """Sends casts straight to their endpoint and everything else to the rest of the face.

    Routing and the middleware around it cost about 10 µs, an eighth of a vote: the one request
    that matters in the closing hour does without them.
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
                    await self._cast(scope, receive, send)
                    return
        await self._rest(scope, receive, send)
