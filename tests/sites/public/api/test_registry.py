"""What a worker loads of contests and platforms: no error ends its refreshing, and one bad
contest stops no other."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from os import urandom
from typing import Any

import httpx
import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from tests.contest_data import (
    SLUG,
    execute_as_owner,
    store_contest,
    switch_platform,
)
from tests.fakes.signers import FakePlatform
from tests.patience import PATIENCE_SECONDS, eventually
from tests.sites.public.api.running_service import (
    CONTEST,
    MovedClock,
    Service,
    check_problem,
    serving,
)
from voting_service.contests import cache
from voting_service.demo.embedded_postgres import (
    APPLICATION,
    OWNER,
    EmbeddedPostgres,
)
from voting_service.infrastructure.crypto.key_wrapping import wrap
from voting_service.infrastructure.postgres.migrations import upgrade
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.infrastructure.timeouts import CACHE_STALE_SECONDS
from voting_service.settings import Settings

THIRD = "/api/v1/contests/third-2022"
FOREIGN = "/api/v1/contests/foreign-2022"


def failures(loop: str) -> float:
    return REGISTRY.get_sample_value("voting_loop_failures_total", {"loop": loop}) or 0.0


async def readiness(client: httpx.AsyncClient) -> tuple[int, dict[str, Any]]:
    answer = await client.get("/readyz")
    return answer.status_code, answer.json()


async def answers(client: httpx.AsyncClient, path: str, status: int) -> None:
    async def check() -> bool:
        return (await client.get(path)).status_code == status

    await eventually(check)


async def test_a_contest_under_another_master_key_stops_no_other(service: Service) -> None:
    session = await service.open_session()
    with capture_logs() as logged:
        await store_contest(service.database, urandom(32), slug="foreign-2022")
        third = await store_contest(
            service.database, service.settings.master_key.get_secret_value(), slug="third-2022"
        )
        await answers(service.client, THIRD, 200)
    assert third.slug in service.state.contest_states
    await answers(service.client, "/readyz", 200)
    status, shown = await readiness(service.client)
    assert (status, shown["registry"], shown["contests"]) == (200, "ok", "ok")
    assert shown["failing_contests"] == ["foreign-2022"]
    check_problem(await service.client.get(FOREIGN), 503)
    [line] = [line for line in logged if line.get("contest") == "foreign-2022"]
    assert line["event"] == "contest_not_opened"
    assert "VOTING_MASTER_KEY" in line["reason"]
    # The rest of what changes is seen as well: a platform that is switched off is off.
    await switch_platform(service.database, "demo", enabled=False)

    async def is_off() -> bool:
        return (await service.cast(session, [1])).status_code == 401

    await eventually(is_off)


async def test_a_key_is_replaced_under_the_same_platform(
    service: Service, owner_database_url: str
) -> None:
    """What the old one signed is refused within seconds; the voters are who they were."""
    session = await service.open_session("reader")
    assert (await service.cast(session, [1])).status_code == 201
    new = FakePlatform("demo")
    await execute_as_owner(
        owner_database_url,
        "update platforms set config = $1, sessions_not_before = $2, revision = revision + 1"
        " where slug = 'demo'",
        {"keys": [new.signer.jwk()]},
        service.clock(),
    )

    async def is_ended() -> bool:
        return (await service.cast(session, [1])).status_code == 401

    await eventually(is_ended)
    service.clock.offset += timedelta(seconds=1)
    check_problem(await service.sign_in(service.token("reader")), 401)
    token = new.token(SLUG, "reader", service.now_seconds())
    again = (await service.sign_in(token)).json()["session"]
    assert (await service.cast(again, [1])).status_code == 200
    assert await service.stored_ballots() == 1


async def test_a_contest_whose_key_is_put_right_is_served(
    service: Service, owner_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = service.settings.master_key.get_secret_value()
    foreign = await store_contest(service.database, urandom(32), slug="foreign-2022")
    await answers(service.client, FOREIGN, 503)
    monkeypatch.setattr(cache, "RETRY_FAILING_SECONDS", 0.0)
    for purpose in ("voters", "receipts"):
        await execute_as_owner(
            owner_database_url,
            "update contest_keys set wrapped_key = $3 where contest_id = $1 and purpose = $2",
            foreign.id,
            purpose,
            wrap(right, f"contest {foreign.id} {purpose}", urandom(32)),
        )
    await answers(service.client, FOREIGN, 200)


async def test_a_contest_that_cannot_be_read_stops_no_other(
    service: Service, owner_database_url: str
) -> None:
    await execute_as_owner(
        owner_database_url,
        "insert into contests (slug, rules, opens_at, closes_at) values ($1, $2, $3, $4)",
        "foreign-2022",
        {"rules": "of another version"},
        datetime(2022, 7, 18, tzinfo=UTC),
        datetime(2022, 8, 17, tzinfo=UTC),
    )
    await store_contest(
        service.database, service.settings.master_key.get_secret_value(), slug="third-2022"
    )
    await answers(service.client, THIRD, 200)
    await answers(service.client, "/readyz", 200)
    _, shown = await readiness(service.client)
    assert shown["failing_contests"] == ["foreign-2022"]
    check_problem(await service.client.get(FOREIGN), 503)


async def test_a_contest_whose_standings_fail_stops_no_other(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ValueError("a bug")

    slug = "other-2022"
    before = failures("standings")
    monkeypatch.setattr(service.state.contest_state(slug).standings_cache, "_standings", broken)
    await eventually(lambda: failures("standings") >= before + 2)
    await store_contest(
        service.database, service.settings.master_key.get_secret_value(), slug="third-2022"
    )
    await answers(service.client, THIRD + "/standings", 200)
    await answers(service.client, "/readyz", 200)
    _, shown = await readiness(service.client)
    assert shown["failing_contests"] == [slug]


async def test_the_registry_survives_any_error_and_readyz_states_how_old_it_is(
    service: Service, owner_database_url: str
) -> None:
    status, shown = await readiness(service.client)
    assert (status, shown["registry"]) == (200, "ok")
    assert 0 <= shown["registry_age_seconds"] < CACHE_STALE_SECONDS
    before = failures("registry")
    await execute_as_owner(owner_database_url, "revoke select on contests from voting_public")
    await eventually(lambda: failures("registry") >= before + 2)
    known_names = service.state.registry
    assert known_names.refreshed_at is not None
    known_names.refreshed_at = time.monotonic() - CACHE_STALE_SECONDS - 1
    status, shown = await readiness(service.client)
    assert (status, shown["registry"]) == (503, "old")
    assert shown["registry_age_seconds"] > CACHE_STALE_SECONDS
    assert (await service.client.get(CONTEST)).status_code == 200
    await execute_as_owner(owner_database_url, "grant select on contests to voting_public")
    await answers(service.client, "/readyz", 200)


@pytest.fixture
async def empty_database(
    postgres: EmbeddedPostgres, administrator: Connection, database_name: str
) -> AsyncIterator[str]:
    """A database that nobody has migrated."""
    name = f"{database_name}_empty"
    await postgres.create_database(administrator, name)
    yield name
    await administrator.execute(f'drop database "{name}" with (force)')


async def test_a_service_that_was_started_before_migrate_gets_ready_by_itself(
    settings: Settings, postgres: EmbeddedPostgres, empty_database: str
) -> None:
    early = settings.model_copy(update={"database_url": postgres.url(APPLICATION, empty_database)})
    before = failures("registry")
    async with serving(early, MovedClock(), {}) as (_, address):
        async with httpx.AsyncClient(base_url=address, timeout=PATIENCE_SECONDS) as client:
            await eventually(lambda: failures("registry") > before)
            status, shown = await readiness(client)
            assert (status, shown["registry"]) == (503, "being prepared")
            await asyncio.to_thread(upgrade, postgres.url(OWNER, empty_database))
            await answers(client, "/readyz", 200)


async def test_a_worker_listens_once_it_knows_the_contests(settings: Settings) -> None:
    """So a proxy that finds it again after a restart finds it taking votes."""
    async with serving(settings, MovedClock(), {}) as (server, _):
        server.lifespan.state["app_state"].require_accepting()
