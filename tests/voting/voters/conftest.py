"""A sign-in console whose clock the tests move and whose outside world they make up."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from tests.contest_data import both
from tests.patience import PATIENCE_SECONDS
from voting_service.contests.model import PersonPolicy, Platform
from voting_service.infrastructure.valkey import Valkey
from voting_service.settings import Settings
from voting_service.voting.voters.service import SignIn
from voting_service.voting.voters.used_tokens import UsedTokens


class MovableClock:
    """Wall clock and monotonic clock in one; both stand still until moved."""

    def __init__(self) -> None:
        self.now = datetime(2022, 7, 18, 4, 0, tzinfo=UTC)
        self.elapsed = 0.0

    def __call__(self) -> datetime:
        return self.now

    def monotonic(self) -> float:
        return self.elapsed

    def seconds(self) -> int:
        return int(self.now.timestamp())

    def move(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.elapsed += seconds


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def make_platform() -> Callable[..., Platform]:
    def make(
        config: dict[str, Any], *, slug: str = "paper", kind: str = "jwt", platform_id: int = 1,
        person_policy: PersonPolicy = "never",
    ) -> Platform:  # fmt: skip
        return Platform(
            id=platform_id,
            slug=slug,
            name=both(slug),
            kind=kind,
            config=config,
            origins=(),
            daily_ceiling=None,
            enabled=True,
            revision=1,
            person_policy=person_policy,
        )

    return make


SignInMaker = Callable[..., SignIn]


@pytest.fixture
async def make_sign_in(
    valkey_client: Valkey, clock: MovableClock, tmp_path: Path
) -> AsyncIterator[SignInMaker]:
    """Makes a SignIn whose outside calls reach `apps`, by `https://host`."""
    async with AsyncExitStack() as opened:

        def make(
            apps: dict[str, Starlette] | None = None,
            *,
            secrets: str | None = None,
            deadline_seconds: float = PATIENCE_SECONDS,
        ) -> SignIn:
            http = httpx.AsyncClient(
                transport=httpx.MockTransport(nowhere),
                mounts={host: httpx.ASGITransport(app) for host, app in (apps or {}).items()},
            )
            opened.push_async_callback(http.aclose)
            return SignIn(
                http=http,
                used_tokens=UsedTokens(valkey_client, monotonic=clock.monotonic),
                clock=clock,
                settings=sign_in_settings(tmp_path, secrets),
                monotonic=clock.monotonic,
                deadline_seconds=deadline_seconds,
            )

        yield make


def nowhere(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("no such host", request=request)


def sign_in_settings(folder: Path, secrets: str | None) -> Settings:
    """Settings without stores; sign-in reads the file of secrets only."""
    secrets_file = folder / "secrets.toml"
    if secrets is not None:
        secrets_file.write_text(secrets, encoding="utf-8")
    return Settings.model_construct(
        platform_secrets_file=secrets_file if secrets is not None else None
    )
