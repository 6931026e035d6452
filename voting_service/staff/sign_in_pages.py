"""Signing in, proving again who one is, signing out."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from voting_service.accounts.failed_sign_ins import record_failure
from voting_service.accounts.sessions import confirm_session, end_session, open_session
from voting_service.accounts.sign_in import TooManyTries, authenticate, prove_again
from voting_service.desk.access import find_visitor, safe_next, signed_in, visitor
from voting_service.desk.cookies import forget_session, keep_language, keep_session
from voting_service.desk.forms import read_form
from voting_service.desk.limits import count_try
from voting_service.desk.rendering import page
from voting_service.desk.source import source_of
from voting_service.desk.state import desk_of
from voting_service.errors import NotFound, NotSignedIn
from voting_service.journal.record import record
from voting_service.staff.said import said
from voting_service.web.languages import LANGUAGES

JOURNAL_ACTOR = "desk"
"""Who writes what nobody signed in for."""


async def sign_in_page(request: Request) -> Response:
    """The form; whoever is signed in already goes on."""
    wanted = safe_next(request.query_params.get("next", "/"))
    if await find_visitor(request) is not None:
        return RedirectResponse(wanted, 303)
    notice = said(request, "sign_in")["welcome"] if "welcome" in request.query_params else ""
    return _sign_in_form(request, wanted, notice=notice)


def _sign_in_form(
    request: Request, wanted: str, *, name: str = "", notice: str = "", status: int = 200
) -> Response:
    return page(
        request,
        "staff/sign_in.html",
        status=status,
        next=wanted,
        name=name,
        notice=notice,
        openid=desk_of(request).openid is not None,
    )


async def sign_in(request: Request) -> Response:
    """Opens a session for the right name, password and code."""
    form = await read_form(request)
    desk = desk_of(request)
    wanted, name = safe_next(form.get("next", "/")), form.get("name", "")
    source = source_of(request)
    texts = said(request, "sign_in")
    async with desk.connection() as connection:
        try:
            await count_try("sign_in", request)
            account = await authenticate(
                connection,
                desk.settings.master_key.get_secret_value(),
                name,
                form.get("password", ""),
                form.get("code", ""),
                clock=desk.clock,
                source=source,
            )
        except TooManyTries as refusal:
            notice = texts["wait"].format(seconds=refusal.retry_after_seconds)
            return _sign_in_form(request, wanted, name=name, notice=notice, status=429)
        except NotSignedIn:
            await record_failure(connection, name, program=JOURNAL_ACTOR, source=source)
            return _sign_in_form(request, wanted, name=name, notice=texts["wrong"], status=401)
        async with connection.transaction():
            token, _ = await open_session(connection, account, source, desk.clock())
            await record(connection, account.name, "signed_in", details={"source": source})
    response = RedirectResponse(wanted, 303)
    keep_session(request, response, token)
    return response


@signed_in()
async def confirm_page(request: Request) -> Response:
    """Asks again who it is."""
    return _confirm_form(request, safe_next(request.query_params.get("next", "/")))


def _confirm_form(
    request: Request, wanted: str, *, notice: str = "", status: int = 200
) -> Response:
    return page(
        request,
        "staff/confirm.html",
        status=status,
        next=wanted,
        notice=notice,
        openid=desk_of(request).openid is not None,
    )


@signed_in()
async def confirm(request: Request) -> Response:
    """Takes the password or a one-time code as proof."""
    form = await read_form(request)
    desk, known = desk_of(request), visitor(request)
    wanted, texts = safe_next(form.get("next", "/")), said(request, "confirm")
    source = source_of(request)
    async with desk.connection() as connection:
        try:
            await count_try("confirm", request)
            await prove_again(
                connection,
                desk.settings.master_key.get_secret_value(),
                known.account,
                form.get("proof", ""),
                clock=desk.clock,
                source=source,
            )
        except TooManyTries as refusal:
            notice = said(request, "sign_in")["wait"].format(seconds=refusal.retry_after_seconds)
            return _confirm_form(request, wanted, notice=notice, status=429)
        except NotSignedIn:
            name = known.account.name
            await record_failure(connection, name, program=JOURNAL_ACTOR, source=source)
            return _confirm_form(request, wanted, notice=texts["wrong"], status=401)
        async with connection.transaction():
            await confirm_session(connection, known.session.token_hash, desk.clock())
            await record(connection, known.account.name, "confirmed_identity")
    return RedirectResponse(wanted, 303)


@signed_in()
async def sign_out(request: Request) -> Response:
    """Ends the session here and in the browser."""
    await read_form(request)
    desk, known = desk_of(request), visitor(request)
    async with desk.connection() as connection, connection.transaction():
        await end_session(connection, known.session.token_hash, desk.clock())
        await record(connection, known.account.name, "signed_out")
    response = RedirectResponse("/sign-in", 303)
    forget_session(request, response)
    return response


async def choose_language(request: Request) -> Response:
    """Remembers the language in which the pages are read."""
    for known in LANGUAGES:
        if known == request.path_params["language"]:
            wanted = safe_next(request.query_params.get("next", "/"))
            response = RedirectResponse(wanted, 303)
            keep_language(request, response, known)
            return response
    raise NotFound("there are no pages in this language")


ROUTES = [
    Route("/sign-in", sign_in_page),
    Route("/sign-in", sign_in, methods=["POST"]),
    Route("/confirm", confirm_page),
    Route("/confirm", confirm, methods=["POST"]),
    Route("/sign-out", sign_out, methods=["POST"]),
    Route("/language/{language}", choose_language),
]
