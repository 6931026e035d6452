"""State of one process of the staff app: settings, database, theme, staff single sign-on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, tzinfo

import httpx
from starlette.requests import Request

from voting_service.infrastructure.clock import Clock
from voting_service.infrastructure.http_clients.client import open_http_client
from voting_service.infrastructure.http_clients.openid_connect import OpenIdProvider
from voting_service.infrastructure.postgres.connection_budget import STAFF_CONNECTIONS
from voting_service.infrastructure.postgres.database import Database
from voting_service.infrastructure.postgres.pool import (
    Pool,
    open_pool,
)
from voting_service.infrastructure.postgres.roles import url_with_role
from voting_service.settings import Settings
from voting_service.sites.shared.signed_in.openid_provider import openid_provider
from voting_service.sites.shared.signed_in.theme import Theme


def utc() -> tzinfo:
    """UTC, the time zone of pages where nothing else is known."""
    return UTC


@dataclass(frozen=True)
class StaffSite:
    """What the site is made of: its theme, and the time zone of pages that show times and belong
    to no contest or selection, read for each page."""

    theme: Theme
    default_zone: Callable[[], tzinfo] = utc


class StaffState:
    """State of one process, `request.state.staff`. `openid` is the organisation's single sign-on,
    None where there is none."""

    def __init__(
        self,
        settings: Settings,
        site: StaffSite,
        *,
        pool: Pool,
        clock: Clock,
        openid: OpenIdProvider | None = None,
    ) -> None:
        self.settings = settings
        self.theme = site.theme
        self.default_zone = site.default_zone
        self.pool = pool
        self.clock = clock
        self.openid = openid
        self.database = Database(pool, _url(settings))
        self.connection = self.database.connection
        self.long_connection = self.database.long_connection

    @property
    def is_https(self) -> bool:
        """Whether staff use the site over https; it decides the prefix of the cookies."""
        return self.settings.staff_url.startswith("https://")


def get_state(request: Request) -> StaffState:
    """Return the state of the process that serves a request."""
    state: StaffState = request.state.staff
    return state


def _url(settings: Settings) -> str:
    return url_with_role(settings.database_url, "voting_staff")


@asynccontextmanager
async def open_state(
    settings: Settings, clock: Clock, site: StaffSite, http: httpx.AsyncClient | None = None
) -> AsyncIterator[StaffState]:
    """Open the database pool; `http` is used for single sign-on."""
    async with (
        open_pool(_url(settings), size=STAFF_CONNECTIONS) as pool,
        http or open_http_client() as client,
    ):
        openid = openid_provider(settings, client, clock)
        yield StaffState(settings, site, pool=pool, clock=clock, openid=openid)
