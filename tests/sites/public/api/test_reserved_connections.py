"""Votes, reads and the control plane have connections of their own: none waits for another."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from tests.contest_data import switch_platform
from tests.patience import eventually
from tests.sites.public.api.running_service import CONTEST, Service, check_problem
from voting_service.infrastructure.postgres import pool
from voting_service.infrastructure.postgres.connection_budget import READ_CONNECTIONS, budget
from voting_service.infrastructure.postgres.pool import acquire
from voting_service.infrastructure.timeouts import CACHE_STALE_SECONDS
from voting_service.settings import DEFAULT_MAX_WORKERS

POSTGRES_DEFAULT = 100 - 3
"""Connections of a PostgreSQL as installed, without those kept for superusers."""


def test_two_machines_of_workers_fit_a_postgres_as_installed() -> None:
    assert budget(DEFAULT_MAX_WORKERS, machines=2).total <= POSTGRES_DEFAULT


async def test_an_off_switch_arrives_and_votes_are_taken_while_reads_are_stuck(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "MAX_WAITING", 3)
    session = await service.open_session()
    receipt = f"{CONTEST}/receipts/{'0' * 32}"
    async with AsyncExitStack() as stuck:
        for _ in range(READ_CONNECTIONS):
            await stuck.enter_async_context(acquire(service.state.read_pool))
        waiting = [asyncio.create_task(service.client.get(receipt)) for _ in range(3)]
        await eventually(lambda: service.state.read_pool.waiting == 3)
        refused = await service.client.get(receipt)
        check_problem(refused, 503)
        assert 1 <= int(refused.headers["retry-after"]) <= 4
        assert (await service.cast(session, [1])).status_code == 201
        together = await asyncio.gather(*(service.client.get("/readyz") for _ in range(9)))
        assert {answer.status_code for answer in together} == {200}
        await switch_platform(service.database, "demo", enabled=False)

        async def is_off() -> bool:
            return (await service.cast(session, [1])).status_code == 401

        await eventually(is_off)
    assert [(await answer).status_code for answer in waiting] == [404] * 3
    assert (await service.client.get(receipt)).status_code == 404


async def test_what_is_out_of_date_takes_no_vote_and_signs_nobody_in(service: Service) -> None:
    assert CACHE_STALE_SECONDS <= 5, "an off-switch reaches every worker within five seconds"
    session, token = await service.open_session(), service.token("a-late-reader")
    service.state.registry.max_age_seconds = -1.0
    for answer in (await service.cast(session, [1]), await service.sign_in(token)):
        problem = check_problem(answer, 503)
        assert 1 <= int(answer.headers["retry-after"]) <= 4
        assert "platforms" in problem["detail"]
    assert await service.stored_ballots() == 0
    assert (await service.client.get(CONTEST)).status_code == 200
    service.state.registry.max_age_seconds = 60.0
    assert (await service.sign_in(token)).status_code == 201, "the token was not used up"
    assert (await service.cast(session, [1])).status_code == 201
