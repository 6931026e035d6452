"""The user's own account: sessions, password and passkeys."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from voting_service.errors import Fault, InvalidInput, Refused, VotingError
from voting_service.sites.shared.sign_in.passkey_views import passkey_site
from voting_service.sites.shared.signed_in.access import current_user, master_key, signed_in
from voting_service.sites.shared.signed_in.cookies import language, session_token
from voting_service.sites.shared.signed_in.forms import read_form
from voting_service.sites.shared.signed_in.rendering import page
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.staff.accounts.passkeys import (
    MAX_NAME_CHARACTERS,
    NewPasskey,
    PasskeyAnswer,
    add_passkey,
    load_passkeys,
    remove_passkey,
)
from voting_service.staff.accounts.service import change_own_password, end_account_session
from voting_service.staff.accounts.sessions import load_sessions
from voting_service.staff.messages.contacts import CODE_MINUTES, load_contacts
from voting_service.staff.messages.senders import open_channels


@signed_in()
async def own_account(request: Request) -> Response:
    """Show the user's name, role, sessions, passkeys and addresses for messages."""
    return await account_page(request)


async def account_page(
    request: Request,
    *,
    status: int = 200,
    passkey_error: VotingError | None = None,
    **values: object,
) -> Response:
    """Render the page of the user's account; `passkey_error` is about the passkey that was to be
    added."""
    state, user = get_state(request), current_user(request)
    async with state.connection() as connection:
        sessions = await load_sessions(connection, user.account.id, state.clock())
        passkeys = await load_passkeys(connection, user.account.id)
        contacts = await load_contacts(connection, master_key(request), user.account.id)
    errors = passkey_error.faults if isinstance(passkey_error, InvalidInput) else (passkey_error,)
    return page(
        request,
        "sign_in/own_account.html",
        status=status,
        sessions=sessions,
        passkeys=passkeys,
        passkey_host=state.settings.passkey_host,
        passkey_faults=[error.text(language(request)) for error in errors if error is not None],
        passkey_limit=MAX_NAME_CHARACTERS,
        openid=state.openid is not None,
        channels=open_channels(state.settings),
        contacts=contacts,
        code_minutes=CODE_MINUTES,
        **{"refused": None, "faults": {}, "typed": {}, **values},
    )


@signed_in(step_up=True)
async def post_passkey(request: Request) -> Response:
    """Add a passkey that the browser just made. An error is shown on the page."""
    form = await read_form(request)
    state, account = get_state(request), current_user(request).account
    answer = PasskeyAnswer(passkey_site(request), form.get("passkey", ""))
    try:
        async with state.connection() as connection:
            await add_passkey(
                connection,
                account,
                session_token(request),
                NewPasskey(form.get("name", ""), answer),
                state.clock(),
            )
    except (InvalidInput, Refused) as error:
        status = 422 if isinstance(error, InvalidInput) else 409
        return await account_page(request, status=status, passkey_error=error)
    return RedirectResponse("/account?done=added#passkeys", 303)


@signed_in(step_up=True)
async def delete_passkey(request: Request) -> Response:
    """Remove one of the user's own passkeys."""
    await read_form(request)
    state, account = get_state(request), current_user(request).account
    async with state.connection() as connection:
        await remove_passkey(
            connection, account, session_token(request), request.path_params["passkey"]
        )
    return RedirectResponse("/account?done=removed#passkeys", 303)


@signed_in()
async def end_own_session(request: Request) -> Response:
    """End one of the user's own sessions. Ending access needs no step-up."""
    form = await read_form(request)
    state, account = get_state(request), current_user(request).account
    async with state.connection() as connection:
        await end_account_session(
            connection, account, account, form.get("session", ""), state.clock()
        )
    return RedirectResponse("/account", 303)


@signed_in(step_up=True)
async def change_password(request: Request) -> Response:
    """Set a new password and end the other sessions."""
    form = await read_form(request)
    state, user = get_state(request), current_user(request)
    password = form.get("password", "")
    if password != form.get("again", ""):
        raise InvalidInput(Fault("again", "sites.shared.sign_in.passwords_differ"))
    async with state.connection() as connection:
        await change_own_password(
            connection, user.account, session_token(request), password, state.clock()
        )
    return RedirectResponse("/account", 303)


ROUTES = [
    Route("/account", own_account),
    Route("/account/password", change_password, methods=["POST"]),
    Route("/account/passkeys", post_passkey, methods=["POST"]),
    Route("/account/passkeys/{passkey:int}/remove", delete_passkey, methods=["POST"]),
    Route("/account/end-session", end_own_session, methods=["POST"]),
]
