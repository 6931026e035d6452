"""Readiness and metrics."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from voting_service.errors import VotingError
from voting_service.public.worker import Worker
from voting_service.storage.postgres import acquire
from voting_service.tally.record import cluster_state
from voting_service.web.health import (
    PING_SECONDS,
    metrics_response,
    readiness_response,
    registry_age,
    registry_state,
    state_of,
)


async def readyz(request: Request) -> Response:
    """Pings every resource. 503 unless every state in `needed` is `ok`. Without Valkey votes go
    on, so do the other contests while one is failing, and so does a contest whose tally waits for
    `tally rebuild`: `told` names all of them."""
    worker: Worker = request.state.worker

    async def ping_postgres() -> None:
        async with acquire(worker.read_pool) as connection:
            await connection.execute("select 1")

    postgres, valkey, tally = await asyncio.gather(
        state_of(ping_postgres()), state_of(worker.valkey.ping()), _tally_state(worker)
    )
    needed = {
        "postgres": postgres,
        "contests": "ok" if worker.ready else "being prepared",
        "registry": registry_state(worker.registry),
        "clock": worker.watch.state,
    }
    told = {
        "valkey": valkey,
        "registry_age_seconds": registry_age(worker.registry),
        "failing_contests": worker.failing_contests,
        "tally": tally,
    }
    return readiness_response(needed, told, stopping=worker.closing.is_set())


async def _tally_state(worker: Worker) -> str:
    if not worker.registry.loaded:  # perhaps there are no tables yet
        return "unknown"
    try:
        async with asyncio.timeout(PING_SECONDS), acquire(worker.read_pool) as connection:
            return await cluster_state(connection)
    except (VotingError, TimeoutError):
        return "unknown"


async def show_metrics(request: Request) -> Response:
    """Prometheus' text format; the workers of a host added up."""
    worker: Worker = request.state.worker
    return metrics_response(worker.settings.metrics_dir)
