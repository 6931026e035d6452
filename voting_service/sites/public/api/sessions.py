"""`POST /api/v1/sessions`: exchange the token of a platform's user for a voter's session."""

from __future__ import annotations

from datetime import datetime

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from voting_service.contests.model import Platform
from voting_service.errors import (
    NotFound,
    TokenRefused,
    Unavailable,
)
from voting_service.i18n.catalogues import load_text
from voting_service.infrastructure.postgres.pool import acquire_confirming
from voting_service.infrastructure.strict_json import decode_json, printable, refuse_repeated_keys
from voting_service.sites.public.state import ContestState, PublicState
from voting_service.sites.shared.request_bodies import read_body, require_json
from voting_service.voting import metrics
from voting_service.voting.voters.identity import Identity
from voting_service.voting.voters.platform_diagnostics import error_text, remedy
from voting_service.voting.voters.service import bind_account, open_session

MAX_BODY_BYTES = 8192


class SignInRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A platform's sign-in token. `contest` is needed only when the token does not name it (WeChat,
    OpenID Connect)."""

    platform: str
    token: str
    contest: str | None = None


class SessionGranted(msgspec.Struct, frozen=True):
    """A session. Send it as `Authorization: Bearer …` with the ballot."""

    session: str
    expires_at: datetime


_decoder = msgspec.json.Decoder(SignInRequest)


async def create_session(request: Request) -> Response:
    """Return 201 with a session. Raises TokenRefused (401)."""
    state: PublicState = request.state.app_state
    declared = request.headers
    require_json(
        declared.get("content-type", "").encode(), declared.get("content-encoding", "").encode()
    )
    body = await read_body(request.receive, MAX_BODY_BYTES)
    refuse_repeated_keys(body)
    sent = decode_json(_decoder, body)
    try:
        _, granted = await sign_in(state, sent)
    except TokenRefused as error:
        raise _with_way_on(state, sent.platform, error) from None
    return Response(
        msgspec.json.encode(granted),
        201,
        {"cache-control": "no-store"},
        media_type="application/json",
    )


def _with_way_on(state: PublicState, slug: str, error: TokenRefused) -> TokenRefused:
    """Return the error with its remedy and the address of the token checker, where a signed token
    was sent."""
    platform = state.registry.platforms.get(slug)
    if platform is not None and platform.kind != "jwt":
        return error
    rule = error_text(error)
    mend = remedy(error, slug, state.contest_states)
    if mend is not None:
        rule = load_text("errors_sites", "sites.public.api.rule_and_remedy", rule=rule, mend=mend)
    address = state.settings.public_url
    return TokenRefused("sites.public.api.see_checker", rule=rule, address=address)


async def sign_in(
    state: PublicState, request: SignInRequest
) -> tuple[ContestState, SessionGranted]:
    """Use up the token and return the contest that the voter is signed in to, and the session.

    Raises TokenRefused, and Unavailable when the platform does not answer.
    """
    try:
        granted = await _sign_in(state, request)
    except TokenRefused:
        metrics.SIGN_INS.labels("refused").inc()
        raise
    metrics.SIGN_INS.labels("accepted").inc()
    return granted


async def _sign_in(
    state: PublicState, request: SignInRequest
) -> tuple[ContestState, SessionGranted]:
    platform = _accepting_platform(state, request.platform)
    contest_state = _requested_contest(state, platform, request)
    contest = contest_state.contest
    identity = await state.sign_in.identify(platform, request.token, contest_slug=contest.slug)
    try:
        granted = await _open_session(state, contest_state, platform, identity)
    except Unavailable:  # trying again later needs no new token
        await state.sign_in.release(platform, request.token)
        raise
    return contest_state, granted


async def _open_session(
    state: PublicState, contest_state: ContestState, platform: Platform, identity: Identity
) -> SessionGranted:
    contest = contest_state.contest
    if identity.person is not None:
        async with acquire_confirming(state.pool) as connection:
            await bind_account(connection, contest_state.keys, contest.id, identity)
    # This worker may have learned only now that the platform is off, or that sessions end which the
    # token's key has opened: such a session would be refused, or outlive the key.
    current = _accepting_platform(state, platform.slug)
    now = state.clock()
    wait_seconds = current.oldest_session - int(now.timestamp())
    if wait_seconds > 0 or current.sessions_not_before != platform.sessions_not_before:
        raise Unavailable(
            "sites.public.api.sessions_ending", retry_after_seconds=max(1, wait_seconds)
        )
    return SessionGranted(*open_session(contest_state.keys, contest, identity, now))


def _accepting_platform(state: PublicState, slug: str) -> Platform:
    """Return the platform as it is now. Raises TokenRefused if it is off, Unavailable while this
    worker may not sign anybody in."""
    state.require_accepting()
    platform = state.registry.platforms.get(slug)
    if platform is None or not platform.enabled:
        raise TokenRefused("sites.public.api.no_such_platform", slug=printable(slug))
    return platform


def _requested_contest(
    state: PublicState, platform: Platform, request: SignInRequest
) -> ContestState:
    """Return the contest by its name, else by the token's audience, else the only contest.

    Raises TokenRefused; if the token names no contest, the error describes the token's fault.
    """
    slug = request.contest or state.sign_in.audience(request.token)
    if slug is None and len(state.contest_states) == 1:
        slug = next(iter(state.contest_states))
    if slug is None:
        slug = state.sign_in.named_contest(platform, request.token)
    try:
        return state.contest_state(slug)
    except NotFound:
        raise TokenRefused(
            "sites.public.api.no_contest_for_audience",
            slug=printable(slug),
            slugs=", ".join(state.contest_states),
        ) from None
