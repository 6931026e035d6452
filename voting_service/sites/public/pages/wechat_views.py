"""`/wechat/signature`: lets WeChat make a card of a page that is shared (static/wechat_card.js)."""

from __future__ import annotations

import secrets

from starlette.requests import Request
from starlette.responses import Response

from voting_service.errors import NotFound, Unavailable
from voting_service.infrastructure.http_clients.wechat_ticket import KEY, sign_page
from voting_service.sites.public.api.reads import json_response
from voting_service.sites.public.state import PublicState

MAX_ADDRESS_CHARACTERS = 2048
RETRY_SECONDS = 60


async def signature(request: Request) -> Response:
    """Return the configuration of the JS-SDK for the page `url`, which is one of ours. Raises
    NotFound where no app id is set, and Unavailable while there is no ticket."""
    state: PublicState = request.state.app_state
    app_id, url = state.settings.wechat_share_app_id, request.query_params.get("url", "")
    is_ours = url.startswith(f"{state.settings.public_url}/") and len(url) <= MAX_ADDRESS_CHARACTERS
    if app_id is None or not is_ours or "#" in url:
        raise NotFound("sites.public.pages.no_such_page")
    ticket: bytes | None = await state.valkey.command("GET", KEY)
    if ticket is None:
        raise Unavailable("sites.public.pages.no_wechat_ticket", retry_after_seconds=RETRY_SECONDS)
    nonce, timestamp = secrets.token_hex(8), int(state.clock().timestamp())
    signed = sign_page(ticket.decode(), url, nonce=nonce, timestamp=timestamp)
    return json_response(
        {"appId": app_id, "timestamp": timestamp, "nonceStr": nonce, "signature": signed}
    )
