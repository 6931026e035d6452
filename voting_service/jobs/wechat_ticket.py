"""Keeps the ticket fresh with which pages are signed for WeChat.

WeChat gives few tickets a day, so one process fetches it for all, and seldom after failures. While
there is none, WeChat shows links without a card; nothing else depends on it.
"""

from __future__ import annotations

import time

import structlog

from voting_service.errors import Fault, Unavailable
from voting_service.infrastructure.circuit_breaker import Monotonic
from voting_service.infrastructure.http_clients.client import BoundedClient, open_http_client
from voting_service.infrastructure.http_clients.wechat_ticket import (
    API,
    KEY,
    OfficialAccount,
    fetch_ticket,
)
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.infrastructure.valkey import Valkey
from voting_service.jobs.loop_runner import Loop
from voting_service.settings import PREFIX, Settings, SettingsFault

NAME = "wechat_ticket"
RENEW_SECONDS = 600
"""A ticket is renewed when it has so long to go; WeChat's live two hours."""
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 60.0, 3600.0
"""After a failure; doubled after each further one."""

log = structlog.get_logger(__name__)


class TicketKeeper:
    """Fetches the ticket of an official account when the one in Valkey is old."""

    def __init__(
        self,
        account: OfficialAccount,
        valkey: Valkey,
        *,
        api_url: str = API,
        monotonic: Monotonic = time.monotonic,
    ) -> None:
        self._account = account
        self._valkey = valkey
        self._api_url = api_url
        self._monotonic = monotonic
        self._pause_seconds = FIRST_PAUSE_SECONDS
        self._not_before = 0.0

    async def keep(self, _connection: Connection | None = None) -> None:
        """Fetch a ticket if it is time. Failures are logged and tried again later."""
        if self._monotonic() < self._not_before:
            return
        try:
            if await self._valkey.command("TTL", KEY) > RENEW_SECONDS:
                return
            async with open_http_client() as http:
                client = BoundedClient(http)
                ticket = await fetch_ticket(client, self._account, api_url=self._api_url)
            await self._valkey.command("SET", KEY, ticket.value, "EX", ticket.seconds)
        except Unavailable as error:
            log.warning("wechat_ticket_missing", reason=str(error))
            self._not_before = self._monotonic() + self._pause_seconds
            self._pause_seconds = min(2 * self._pause_seconds, LONGEST_PAUSE_SECONDS)
        else:
            self._pause_seconds = FIRST_PAUSE_SECONDS
            log.info("wechat_ticket_fetched", seconds=ticket.seconds)


def wechat_ticket_loops(settings: Settings, valkey: Valkey) -> list[Loop]:
    """Return the loop that keeps the ticket; none where no app id is set. Raises SettingsFault
    without the secret."""
    if settings.wechat_share_app_id is None:
        return []
    if settings.wechat_share_secret is None:
        raise SettingsFault(Fault(f"{PREFIX}WECHAT_SHARE_SECRET", "settings.missing"))
    account = OfficialAccount(settings.wechat_share_app_id, settings.wechat_share_secret)
    return [Loop(NAME, 10.0, TicketKeeper(account, valkey).keep)]
