"""Readiness and metrics."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from voting_service.public.worker import Worker
from voting_service.storage.postgres import acquire
from voting_service.web.health import metrics_response, state_of


async def readyz(request: Request) -> Response:
    """Pings every resource. Without Postgres or contests: 503. Without Valkey votes go on, so
    that is said but does not take the worker out of service."""
    worker: Worker = request.state.worker

    async def ping_postgres() -> None:
        async with acquire(worker.read_pool) as connection:
            await connection.execute("select 1")

    postgres, valkey = await asyncio.gather(
        state_of(ping_postgres()), state_of(worker.valkey.ping())
    )
    contests = "ok" if worker.ready else "being prepared"
    ready = postgres == "ok" and contests == "ok" and not worker.closing.is_set()
    return JSONResponse(
        {
            "status": "ready" if ready else "not ready",
            "postgres": postgres,
            "valkey": valkey,
            "contests": contests,
        },
        200 if ready else 503,
        {"cache-control": "no-store"},
    )


async def show_metrics(request: Request) -> Response:
    """Prometheus' text format; the workers of a host added up."""
    worker: Worker = request.state.worker
    return metrics_response(worker.settings.metrics_dir)
