"""The staff's site as a real server against the real Postgres, and people who are signed in.

async def test_x(staff_app: StaffApp) -> None:                      # fixture of tests/staff
    clerk = await staff_app.signed_in_client("tally_clerk")    # httpx, its cookie set
    answer = await clerk.post("/contests/test-2022/…", data={…})   # carries the csrf mark
    page = await context.new_page()                            # Playwright
    await staff_app.sign_in(page, "supervisor", "/contests/test-2022/holds")
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx
import pyotp
import pytest
from playwright.async_api import Page

from tests.browser.serving import serving
from tests.contest_data import store_contest
from tests.patience import PATIENCE_SECONDS
from tests.sites.public.api.running_service import MovedClock
from voting_service.contests.cache import ContestCache
from voting_service.contests.model import Contest, ContestRules
from voting_service.infrastructure.postgres.pool import Connection, connect
from voting_service.settings import Settings
from voting_service.sites.shared.signed_in.access import csrf_token
from voting_service.sites.shared.signed_in.state import StaffState
from voting_service.sites.shared.slow_clients import UploadHttp
from voting_service.sites.staff_app import create_app
from voting_service.staff.accounts.model import Account, Role
from voting_service.staff.accounts.repository import NewAccount, create_account
from voting_service.staff.accounts.second_factor import STEP_SECONDS
from voting_service.staff.accounts.sessions import VerifiedAccount, open_session
from voting_service.staff.accounts.sign_in import know_password

PASSWORD = "correct horse battery staple"
PAGES = {"accept": "text/html", "accept-language": "en"}


class StaffClient(httpx.AsyncClient):
    """A browser's worth of httpx: `post` with a mapping carries the session's mark."""

    token = ""

    async def post(self, url: Any, *, data: Any = None, **more: Any) -> httpx.Response:
        if isinstance(data, Mapping) and self.token:
            data = {"csrf": csrf_token(self.token), **data}
        return await super().post(url, data=data, **more)


@dataclass
class StaffApp:
    """A running console, and what a test may do to it."""

    origin: str
    settings: Settings
    contest: Contest
    database: Connection
    state: StaffState
    contests: ContestCache
    clock: MovedClock
    open: AsyncExitStack
    accounts: dict[str, Account] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    _last_steps: dict[str, int] = field(default_factory=dict)
    _people: dict[str, VerifiedAccount] = field(default_factory=dict)

    async def account(self, role: Role, name: str = "") -> Account:
        """The account of that name, `role-1` unless named; made when first asked for."""
        name = name or f"{role}-1"
        if name not in self.accounts:
            key = self.settings.master_key.get_secret_value()
            owner = await connect(self.settings.migration_url)
            self.accounts[name], self.secrets[name] = await create_account(
                owner, key, NewAccount(name, role, PASSWORD), clock=self.clock
            )
            await owner.close()
        return self.accounts[name]

    def know(self, other: StaffApp) -> None:
        """Take over whom the other one knows."""
        self.accounts |= other.accounts
        self.secrets |= other.secrets
        self._people |= other._people

    def code(self, name: str) -> str:
        """A one-time code that was not used yet; three in a row are good at one moment."""
        now = int(self.clock().timestamp()) // STEP_SECONDS
        step = max(now - 1, self._last_steps.get(name, 0) + 1)
        assert step <= now + 1, "more codes than this moment has"
        self._last_steps[name] = step
        return pyotp.TOTP(self.secrets[name]).generate_otp(step)

    def client(self, token: str = "", **headers: str) -> StaffClient:
        """Nobody's browser, or that of a session."""
        client = StaffClient(
            base_url=self.origin,
            headers={**PAGES, **headers},
            cookies={"staff": token} if token else {},
            timeout=PATIENCE_SECONDS,
        )
        client.token = token
        self.open.push_async_callback(client.aclose)
        return client

    async def token(self, role: Role, name: str = "") -> str:
        """The token of a new session, confirmed just now; without the slow sign-in."""
        account = await self.account(role, name)
        person = self._people.get(account.name)
        if person is None:
            person = await know_password(self.database, account, PASSWORD)
            self._people[account.name] = person
        return await open_session(self.database, person, "127.0.0.0/24", self.clock())

    async def signed_in_client(self, role: Role, name: str = "") -> StaffClient:
        """Somebody of the role, signed in and confirmed just now."""
        return self.client(await self.token(role, name))

    async def sign_in(self, page: Page, role: Role, path: str = "/", name: str = "") -> None:
        """Signs in through the page with name, password and code, and goes on to `path`."""
        account = await self.account(role, name)
        await page.goto(f"{self.origin}/sign-in?next={path}")
        await page.fill("#name", account.name)
        await page.fill("#password", PASSWORD)
        await page.fill("#code", self.code(account.name))
        await page.click("main form button")
        await page.wait_for_url(self.origin + path)

    async def refresh(self) -> None:
        """Lets the console see what changed about contests and platforms."""
        await self.contests.refresh(self.state.pool)


@asynccontextmanager
async def running_staff_app(
    settings: Settings,
    clock: MovedClock | None = None,
    *,
    rules: ContestRules | None = None,
    count: int = 5,
    opens_at: datetime | None = None,
    closes_at: datetime | None = None,
    http: httpx.AsyncClient | None = None,
    like: StaffApp | None = None,
) -> AsyncIterator[StaffApp]:
    """Stores the contest `test-2022` (tests/contest_data.py) and serves the console over it,
    which asks other servers through `http`. With `like` the settings name a copy of that one's
    database, which has its contest and its accounts."""
    clock = clock or MovedClock()
    async with AsyncExitStack() as opened:
        database = await connect(settings.database_url)
        opened.push_async_callback(database.close)
        contest = (
            like.contest
            if like
            else await store_contest(
                database,
                settings.master_key.get_secret_value(),
                contest_rules=rules,
                count=count,
                opens_at=opens_at,
                closes_at=closes_at,
            )
        )
        patch = opened.enter_context(pytest.MonkeyPatch.context())
        # The tests' own log handlers stay.
        patch.setattr("voting_service.sites.staff_app.configure_logs", lambda _level: None)
        app = create_app(settings, clock, http)
        server, origin = await opened.enter_async_context(
            serving(app, lifespan="on", http=UploadHttp)
        )
        state: StaffState = server.lifespan.state["staff"]
        contests: ContestCache = server.lifespan.state["contests"]
        await contests.refresh(state.pool)
        staff_app = StaffApp(origin, settings, contest, database, state, contests, clock, opened)
        if like:
            staff_app.know(like)
        yield staff_app
