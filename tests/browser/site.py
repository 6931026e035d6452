"""The public site with the demo's fifty candidates, and a platform whose key the test holds."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
import msgspec

from tests.contest_data import arrange_contest, store_platform
from tests.fakes.signers import FakePlatform
from tests.patience import PATIENCE_SECONDS
from tests.sites.public.api.running_service import MovedClock
from tests.sites.public.public_site import serving_public_site
from voting_service.contests.model import Candidate, Contest, ContestRules
from voting_service.contests.repository import NewContest, insert_contest, load_contest
from voting_service.demo import contest as demo
from voting_service.i18n.text import Text
from voting_service.infrastructure.postgres.pool import Connection, connect
from voting_service.settings import Settings
from voting_service.sites.public.state import PublicState
from voting_service.voting.tally.counters import set_counts
from voting_service.voting.tally.repository import advance_floor
from voting_service.voting.voters.keyring import create_keys

SLUG = demo.SLUG


def numbered_candidates() -> tuple[Candidate, ...]:
    """The demo's candidates under names that say their number, so that a walk reads well."""
    return tuple(
        msgspec.structs.replace(
            candidate,
            name=Text(
                zh=f"{candidate.number:02d}号候选人（占位）",
                en=f"Candidate {candidate.number:02d} (placeholder)",
            ),
        )
        for candidate in demo.candidates()
    )


@dataclass
class Site:
    """A running service, and what a test may do to it."""

    origin: str
    settings: Settings
    contest: Contest
    database: Connection
    state: PublicState
    api: httpx.AsyncClient
    platform: FakePlatform
    clock: MovedClock
    subjects: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def url(self, path: str) -> str:
        return self.origin + path

    def page(self, below: str = "", *, language: str = "zh") -> str:
        """The address of a page of the contest: `page("/rules", language="en")`."""
        return f"{self.origin}/{language}/{SLUG}{below}"

    def token(self, subject: str | None = None, **claims: Any) -> str:
        """What the platform signs for a user; for a new one unless named."""
        return self.platform.token(
            SLUG,
            subject or f"reader-{next(self.subjects)}",
            int(self.clock().timestamp()),
            **claims,
        )

    def sign_in_url(self, token: str, **more: str) -> str:
        """The link by which the platform sends its user over."""
        fields = {"platform": self.platform.slug, "token": token, **more}
        return f"{self.origin}/enter#{urlencode(fields)}"

    async def open_session(self, subject: str | None = None) -> str:
        """A session through the API."""
        answer = await self.api.post(
            "/api/v1/sessions",
            json={"platform": self.platform.slug, "token": self.token(subject)},
        )
        assert answer.status_code == 201, answer.text
        session: str = answer.json()["session"]
        return session

    async def cast(self, choices: Sequence[int], subject: str | None = None) -> dict[str, Any]:
        """A vote through the API; the receipt."""
        answer = await self.api.post(
            f"/api/v1/contests/{SLUG}/ballots",
            headers={"authorization": f"Bearer {await self.open_session(subject)}"},
            json={"choices": list(choices)},
        )
        assert answer.status_code in {200, 201}, answer.text
        receipt: dict[str, Any] = answer.json()["receipt"]
        return receipt

    async def crowd(self, votes: int, choices: Sequence[int] = (1, 2)) -> None:
        """That many new voters at once, who all choose the same."""
        async with asyncio.TaskGroup() as group:
            for _ in range(votes):
                group.create_task(self.cast(choices))

    async def change_contest(self, **columns: Any) -> None:
        """Sets columns of the contest, and lets the worker see it."""
        await arrange_contest(self.settings.owner_database_url, self.contest.id, **columns)
        await self.state.registry.refresh(self.state.read_pool)

    async def reconcile(self) -> None:
        """What the background loop does every second, and the standings after it."""
        await self.state.counter_feed.flush()
        floor, totals = await advance_floor(self.database, self.contest.id)
        await set_counts(self.state.valkey, self.contest.id, floor, totals)
        await self.state.contest_state(SLUG).standings_cache.refresh()


@asynccontextmanager
async def running_site(
    settings: Settings,
    *,
    platform_origins: Mapping[str, Sequence[str]],
    rules: ContestRules = demo.RULES,
    opens_at: datetime | None = None,
    closes_at: datetime | None = None,
) -> AsyncIterator[Site]:
    """Fills the stores and serves them. The contest is open since yesterday unless given
    otherwise; each platform of `platform_origins` may embed the vote in those origins, and the
    test holds the key of the first."""
    clock, now = MovedClock(), datetime.now(UTC)
    platforms = [FakePlatform(slug, kid=f"{slug}-1") for slug in platform_origins]
    database = await connect(settings.database_url)
    try:
        async with database.transaction():
            contest_id = await insert_contest(
                database,
                NewContest(
                    slug=SLUG,
                    rules=rules,
                    opens_at=opens_at or now - timedelta(days=1),
                    closes_at=closes_at or now + timedelta(days=30),
                    candidates=numbered_candidates(),
                ),
            )
            await create_keys(database, settings.master_key.get_secret_value(), contest_id)
        for platform in platforms:
            keys, origins = [platform.signer.jwk(platform.kid)], platform_origins[platform.slug]
            await store_platform(database, platform.slug, keys, origins=origins)
        contest = await load_contest(database, SLUG)
        async with serving_public_site(settings, clock) as (state, origin):
            await state.contest_state(SLUG).standings_cache.refresh()
            async with httpx.AsyncClient(base_url=origin, timeout=PATIENCE_SECONDS) as api:
                yield Site(origin, settings, contest, database, state, api, platforms[0], clock)
    finally:
        await database.close()
