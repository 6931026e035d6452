"""The log of messages, and sending one again; in a demo the texts that it keeps instead."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from voting_service.sites.shared.signed_in.access import current_actor, current_user, signed_in
from voting_service.sites.shared.signed_in.forms import read_form
from voting_service.sites.shared.signed_in.rendering import page
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.staff.accounts.model import Role
from voting_service.staff.jobs.service import try_again
from voting_service.staff.messages.senders import open_channels
from voting_service.staff.messages.service import JOB_KIND, list_messages

READERS: tuple[Role, ...] = ("administrator", "supervisor", "reviewer", "tally_clerk", "auditor")
SENDERS: tuple[Role, ...] = ("administrator",)
MESSAGES = "/messages"
SHOWN = 200


@signed_in(*READERS)
async def messages_page(request: Request) -> Response:
    """Show the newest messages, or those that failed, newest first."""
    state = get_state(request)
    failed = request.query_params.get("state") == "failed"
    async with state.connection() as connection:
        messages = await list_messages(connection, failed=failed, limit=SHOWN)
    return page(
        request,
        "messages/messages.html",
        messages=messages,
        failed=failed,
        shown=SHOWN,
        channels=open_channels(state.settings),
        keeps=state.settings.keep_messages,
        may_send=current_user(request).account.role in SENDERS,
    )


@signed_in(*SENDERS)
async def send_again(request: Request) -> Response:
    """Send a message again that failed."""
    await read_form(request)
    async with get_state(request).connection() as connection:
        await try_again(current_actor(request, connection), JOB_KIND, request.path_params["id"])
    return RedirectResponse(MESSAGES, 303)


ROUTES = [
    Route(MESSAGES, messages_page),
    Route(f"{MESSAGES}/{{id:int}}/send", send_again, methods=["POST"]),
]
