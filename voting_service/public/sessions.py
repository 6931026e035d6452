"""`POST /api/v1/sessions`: a platform's signed-in user becomes a voter of a contest."""

from __future__ import annotations

from datetime import datetime

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from voting_service import metrics
from voting_service.contests.model import Platform
from voting_service.errors import NotFound, StoreUnavailable, TokenRefused
from voting_service.json_input import decode_json, refuse_repeated_keys
from voting_service.public.worker import ContestDesk, Worker
from voting_service.voters.sign_in import open_session
from voting_service.web.bodies import read_body, require_json

MAX_BODY_BYTES = 8192


class SignInRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`token` is what the platform's kind of sign-in yields; `contest` is needed only where the
    token does not name it (WeChat, OpenID Connect)."""

    platform: str
    token: str
    contest: str | None = None


class SessionGranted(msgspec.Struct, frozen=True):
    """Send `session` as `Authorization: Bearer …` with the ballot."""

    session: str
    expires_at: datetime


_decoder = msgspec.json.Decoder(SignInRequest)


async def create_session(request: Request) -> Response:
    """201 with a session, 401 when the token is not good."""
    worker: Worker = request.state.worker
    declared = request.headers
    require_json(
        declared.get("content-type", "").encode(), declared.get("content-encoding", "").encode()
    )
    body = await read_body(request.receive, MAX_BODY_BYTES)
    refuse_repeated_keys(body)
    _, granted = await sign_in(worker, decode_json(_decoder, body))
    return Response(
        msgspec.json.encode(granted),
        201,
        {"cache-control": "no-store"},
        media_type="application/json",
    )


async def sign_in(worker: Worker, asked: SignInRequest) -> tuple[ContestDesk, SessionGranted]:
    """Uses the token up; the contest that the voter is signed in to, and the session.

    Raises TokenRefused, and Unavailable when the platform does not answer.
    """
    try:
        granted = await _sign_in(worker, asked)
    except TokenRefused:
        metrics.SIGN_INS.labels("refused").inc()
        raise
    metrics.SIGN_INS.labels("accepted").inc()
    return granted


async def _sign_in(worker: Worker, asked: SignInRequest) -> tuple[ContestDesk, SessionGranted]:
    if not worker.registry.loaded:
        raise StoreUnavailable("the service is starting")
    worker.watch.require()
    platform = worker.registry.platforms.get(asked.platform)
    if platform is None or not platform.enabled:
        raise TokenRefused("there is no such platform, or it is switched off")
    desk = _desk_of(worker, platform, asked)
    contest = desk.contest
    identity = await worker.sign_in.identify(platform, asked.token, contest_slug=contest.slug)
    token, expires_at = open_session(desk.keys, contest.id, identity, worker.clock())
    return desk, SessionGranted(token, expires_at)


def _desk_of(worker: Worker, platform: Platform, asked: SignInRequest) -> ContestDesk:
    """The contest asked for: by name, else the token's audience, else the only one there is.

    Raises TokenRefused; for a token that names no contest with what is wrong with the token.
    """
    slug = asked.contest or worker.sign_in.audience(asked.token)
    if slug is None and len(worker.desks) == 1:
        slug = next(iter(worker.desks))
    if slug is None:
        slug = worker.sign_in.named_contest(platform, asked.token)
    try:
        return worker.desk(slug)
    except NotFound:
        raise TokenRefused("aud: there is no such contest") from None
