"""Readiness and metrics."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from voting_service.errors import VotingError
from voting_service.infrastructure.postgres.pool import acquire, ping
from voting_service.infrastructure.timeouts import CACHE_STALE_SECONDS
from voting_service.sites.public.state import PublicState
from voting_service.sites.shared.health import (
    PING_SECONDS,
    cache_age,
    cache_state,
    metrics_response,
    readiness_response,
    store_state,
)
from voting_service.voting.tally.repository import cluster_state


async def readyz(request: Request) -> Response:
    """Check every resource. Return 503 unless every state in `required` is `ok`.

    Votes are accepted without Valkey, while another contest fails, and while a contest's tally
    waits for `tally rebuild`; `informational` reports these.
    """
    state: PublicState = request.state.app_state

    async def ping_postgres() -> None:
        async with acquire(state.read_pool) as connection:
            await ping(connection)

    postgres, valkey, tally = await asyncio.gather(
        store_state(ping_postgres()), store_state(state.valkey.ping()), _tally_state(state)
    )
    required = {
        "postgres": postgres,
        "contests": "ok" if state.ready else "being prepared",
        "registry": cache_state(state.registry.age_seconds(), CACHE_STALE_SECONDS),
        "clock": state.clock_watch.state,
    }
    informational = {
        "valkey": valkey,
        "registry_age_seconds": cache_age(state.registry.age_seconds()),
        "failing_contests": state.failing_contests,
        "tally": tally,
    }
    return readiness_response(required, informational, stopping=state.closing.is_set())


async def _tally_state(state: PublicState) -> str:
    if not state.registry.loaded:  # perhaps there is no schema yet
        return "unknown"
    try:
        async with asyncio.timeout(PING_SECONDS), acquire(state.read_pool) as connection:
            return await cluster_state(connection)
    except (VotingError, TimeoutError):
        return "unknown"


async def show_metrics(request: Request) -> Response:
    """Return the metrics of all workers of this host in Prometheus text format."""
    state: PublicState = request.state.app_state
    return metrics_response(state.settings.metrics_dir)
