"""The public site as a real server in the tests' event loop, and a platform that it trusts."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

import httpx
import pytest
import uvicorn

from tests.browser.serving import run_server
from tests.contest_data import (
    SLUG,
    store_contest,
    store_platform,
    switch_platform,
)
from tests.fakes.signers import FakePlatform
from tests.patience import PATIENCE_SECONDS, eventually
from voting_service.contests.model import Contest, ContestRules
from voting_service.infrastructure.clock import Clock
from voting_service.infrastructure.postgres.pool import Connection, connect
from voting_service.settings import Settings
from voting_service.sites.public.app import create_app
from voting_service.sites.public.overload import PublicHttpProtocol
from voting_service.sites.public.state import PublicState, WorkerLimits
from voting_service.voting.tally.counters import set_counts
from voting_service.voting.tally.repository import advance_floor
from voting_service.voting.voters.session_token import Session, issue

CONTEST = f"/api/v1/contests/{SLUG}"
BALLOTS = f"{CONTEST}/ballots"
SESSIONS = "/api/v1/sessions"
STANDINGS = f"{CONTEST}/standings"
ORIGIN = "https://demo.example"
OTHER_SLUG = "other-2022"
PATIENT = WorkerLimits(
    1e8, valkey_call_seconds=PATIENCE_SECONDS, cache_age_seconds=PATIENCE_SECONDS
)
"""A test's clock may be as far from that of Postgres as it likes; a busy machine is no outage."""


class MovedClock:
    """The time, moved by as much as a test likes; it never goes back by itself, as a machine's
    clock may."""

    def __init__(self) -> None:
        self.offset = timedelta()
        self._zero = datetime.now(UTC) - timedelta(seconds=monotonic())

    def __call__(self) -> datetime:
        return self._zero + timedelta(seconds=monotonic()) + self.offset

    def set(self, moment: datetime) -> None:
        self.offset += moment - self()


@dataclass
class Service:
    """A running service with everything that a test holds against it."""

    settings: Settings
    contest: Contest
    server: uvicorn.Server
    client: httpx.AsyncClient
    database: Connection
    demo: FakePlatform
    other: FakePlatform
    disabled: FakePlatform
    clock: MovedClock
    subjects: itertools.count[int]

    @property
    def state(self) -> PublicState:
        state: PublicState = self.server.lifespan.state["app_state"]
        return state

    @property
    def port(self) -> int:
        assert self.client.base_url.port is not None
        return self.client.base_url.port

    def now_seconds(self) -> int:
        return int(self.clock().timestamp())

    def token(self, subject: str = "reader-1", **claims: Any) -> str:
        return self.demo.token(SLUG, subject, self.now_seconds(), **claims)

    async def sign_in(self, token: str, platform: str = "demo") -> httpx.Response:
        return await self.client.post(SESSIONS, json={"platform": platform, "token": token})

    async def open_session(self, subject: str | None = None, **claims: Any) -> str:
        """A session of a new voter, or of a platform's named user."""
        token = self.token(subject or f"reader-{next(self.subjects)}", **claims)
        answer = await self.sign_in(token)
        assert answer.status_code == 201, answer.text
        session: str = answer.json()["session"]
        return session

    def forged_session(
        self, *, slug: str = SLUG, expires_in: int = 600, contest_id: int | None = None,
        platform: str = "demo", voter: bytes = b"v" * 16, key: bytes | None = None,
    ) -> str:  # fmt: skip
        """A session as the service itself would make it, apart from what is named."""
        contest_state = self.state.contest_state(slug)
        return issue(
            key or contest_state.keys.session,
            Session(
                contest_id or contest_state.contest.id,
                self.state.registry.platforms[platform].id,
                issued=self.now_seconds() + min(0, expires_in - 1),
                lifetime=max(1, expires_in),
                account_day=0,
                voter=voter,
            ),
        )

    async def cast(
        self,
        session: str,
        choices: Sequence[int],
        headers: Mapping[str, str] | None = None,
        **more: object,
    ) -> httpx.Response:
        return await self.client.post(
            BALLOTS,
            headers={"authorization": f"Bearer {session}", **(headers or {})},
            json={"choices": list(choices), **more},
        )

    async def post_bytes(
        self, path: str, body: bytes, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        return await self.client.post(
            path, content=body, headers={"content-type": "application/json", **(headers or {})}
        )

    async def stored_ballots(self) -> int:
        count: int = await self.database.fetchval("select count(*) from ballots")
        return count

    async def reconcile(self) -> None:
        """What the background loop does every second, and the standings after it."""
        await self.state.counter_feed.flush()
        floor, totals = await advance_floor(self.database, self.contest.id)
        # The databases of tests that share a Valkey have ballots of the same contest.
        await set_counts(self.state.valkey, self.contest.id, floor, totals, restored=True)
        await self.state.contest_state(SLUG).standings_cache.refresh()

    async def refresh(self) -> None:
        """Lets the worker see what changed about contests and platforms."""
        await self.state.registry.refresh(self.state.read_pool)

    async def say(self, data: bytes) -> bytes:
        """Sends bytes over a connection of their own and reads until the service hangs up."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(data)
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await reader.read()
        finally:
            writer.close()

    async def ask(
        self,
        target: bytes,
        *,
        method: bytes = b"GET",
        headers: Sequence[tuple[bytes, bytes]] = (),
        body: bytes = b"",
    ) -> httpx.Response:
        """One request whose every byte is the test's: no client tidies it up."""
        lines = [(b"host", b"127.0.0.1"), (b"connection", b"close"), *headers]
        if body:
            lines.append((b"content-length", str(len(body)).encode()))
        head = b"".join(name + b": " + value + b"\r\n" for name, value in lines)
        return parse_answer(
            await self.say(method + b" " + target + b" HTTP/1.1\r\n" + head + b"\r\n" + body)
        )


def parse_answer(raw: bytes) -> httpx.Response:
    """An answer as it signed in through the wire, without chunks."""
    head, _, body = raw.partition(b"\r\n\r\n")
    status, *lines = head.split(b"\r\n")
    headers = [(name, value) for name, _, value in (line.partition(b": ") for line in lines)]
    return httpx.Response(int(status.split(b" ")[1]), headers=headers, content=body)


@asynccontextmanager
async def running_service(
    settings: Settings, *, rules: ContestRules | None = None, clock: Clock | None = None,
    opens_at: datetime | None = None, closes_at: datetime | None = None,
    limits: WorkerLimits = PATIENT, **server: Any,
) -> AsyncIterator[Service]:  # fmt: skip
    """Fills the stores with two contests and three platforms, serves them, and tidies up."""
    moved = clock if isinstance(clock, MovedClock) else MovedClock()
    demo, other = FakePlatform("demo", kid="demo-key"), FakePlatform("other")
    disabled = FakePlatform("disabled")
    database = await connect(settings.database_url)
    try:
        master_key = settings.master_key.get_secret_value()
        contest = await store_contest(
            database, master_key, contest_rules=rules, opens_at=opens_at, closes_at=closes_at
        )
        await store_contest(database, master_key, slug=OTHER_SLUG)
        await store_platform(database, "demo", [demo.signer.jwk("demo-key")], origins=[ORIGIN])
        await store_platform(database, "other", [other.signer.jwk()])
        await store_platform(
            database, "disabled", [disabled.signer.jwk()], origins=["https://disabled.example"]
        )
        await switch_platform(database, "disabled", enabled=False)
        async with serving(settings, moved, server, limits) as (running, address):
            async with httpx.AsyncClient(base_url=address, timeout=PATIENCE_SECONDS) as client:
                await _refresh_standings(running.lifespan.state["app_state"])
                await until_ready(client)
                yield Service(
                    settings, contest, running, client, database, demo, other, disabled, moved,
                    itertools.count(1),
                )  # fmt: skip
    finally:
        await database.close()


@asynccontextmanager
async def serving(
    settings: Settings,
    clock: Clock,
    server: Mapping[str, Any],
    limits: WorkerLimits = PATIENT,
) -> AsyncIterator[tuple[uvicorn.Server, str]]:
    with pytest.MonkeyPatch.context() as patch:
        # The tests' own log handlers stay; privacy and logs are tested on a process of its own.
        # So does their garbage collector: to look through all tests took longer than most of them.
        patch.setattr("voting_service.sites.public.app.configure_logs", lambda _level: None)
        patch.setattr("voting_service.sites.public.app._collect_garbage_less_often", lambda: None)
        config = uvicorn.Config(
            create_app(settings, clock, limits), http=PublicHttpProtocol, ws="none", lifespan="on",
            log_config=None, access_log=False, server_header=False, proxy_headers=False,
            timeout_graceful_shutdown=5, **server,
        )  # fmt: skip
        async with run_server(config) as served:
            yield served


async def _refresh_standings(state: PublicState) -> None:
    """Prepares the standings now and not at the next full second."""
    await eventually(lambda: state.registry.loaded)
    for contest_state in state.contest_states.values():
        await contest_state.standings_cache.refresh()


async def until_ready(client: httpx.AsyncClient, path: str = "/readyz") -> None:
    """Waits until the service states that it is ready, and has standings to show."""

    async def is_ready() -> bool:
        try:
            answers = [await client.get(path), await client.get(STANDINGS)]
        except httpx.TransportError:
            return False
        return all(answer.status_code == 200 for answer in answers)

    await eventually(is_ready)


def check_problem(
    answer: httpx.Response, status: int, field: str | None = None, **more: object
) -> dict[str, Any]:
    """Asserts that an answer is a problem document of that status, naming `field`."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    assert problem["type"]
    if field is not None:
        assert field in [fault["field"] for fault in problem["errors"]], problem
    assert len(answer.content) < 2048, "a problem does not echo what was sent"
    for name, value in more.items():
        assert problem[name] == value
    return problem
