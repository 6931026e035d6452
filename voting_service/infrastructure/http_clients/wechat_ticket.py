"""The ticket of WeChat's JS-SDK: who has it signs pages, so that WeChat shows their card.

https://developers.weixin.qq.com/doc/service/guide/h5/jssdk.html, appendix 1. The access token is
the stable one, which other programs with the same app id do not invalidate by fetching theirs.
"""

from __future__ import annotations

from hashlib import sha1
from typing import NamedTuple

import msgspec
from pydantic import SecretStr

from voting_service.errors import Unavailable
from voting_service.infrastructure.http_clients.client import Answer, BoundedClient

KEY = "wechat:ticket"
"""Where the ticket is kept in Valkey."""
API = "https://api.weixin.qq.com"


class OfficialAccount(NamedTuple):
    """An official account."""

    app_id: str
    secret: SecretStr


class Ticket(NamedTuple):
    """A ticket and how long it is valid."""

    value: str
    seconds: int


class _Given(msgspec.Struct, frozen=True):
    """WeChat's answer, good or bad: errors come with status 200 too."""

    errcode: int = 0
    access_token: str = ""
    ticket: str = ""
    expires_in: int = 0


async def fetch_ticket(
    client: BoundedClient, account: OfficialAccount, *, api_url: str = API
) -> Ticket:
    """Ask WeChat for a ticket. Raises Unavailable."""
    body = {
        "grant_type": "client_credential",
        "appid": account.app_id,
        "secret": account.secret.get_secret_value(),
    }
    token = _read(
        await client.post(
            f"{api_url}/cgi-bin/stable_token",
            msgspec.json.encode(body),
            {"content-type": "application/json"},
        )
    )
    parameters = {"access_token": token.access_token, "type": "jsapi"}
    given = _read(await client.get(f"{api_url}/cgi-bin/ticket/getticket", parameters))
    if not given.ticket or given.expires_in <= 0:
        raise Unavailable("infrastructure.http_clients.no_wechat_ticket", errcode=0)
    return Ticket(given.ticket, given.expires_in)


def sign_page(ticket: str, url: str, *, nonce: str, timestamp: int) -> str:
    """Return the signature of a page's address, which is that up to the fragment. WeChat's
    protocol has SHA-1; what is signed is no secret."""
    text = f"jsapi_ticket={ticket}&noncestr={nonce}&timestamp={timestamp}&url={url}"
    return sha1(text.encode(), usedforsecurity=False).hexdigest()


def _read(answer: Answer) -> _Given:
    try:
        given = msgspec.json.decode(answer.body, type=_Given)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        given = _Given(errcode=answer.status)
    if given.errcode or answer.status != 200:
        raise Unavailable(
            "infrastructure.http_clients.no_wechat_ticket", errcode=given.errcode or answer.status
        )
    return given
