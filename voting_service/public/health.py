"""Liveness, readiness and metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from voting_service.errors import VotingError
from voting_service.public.worker import Worker
from voting_service.storage.postgres import acquire

PING_SECONDS = 2.0


async def healthz(_request: Request) -> Response:
    """The process answers."""
    return JSONResponse({"status": "ok"}, headers={"cache-control": "no-store"})


async def _state(ping: Awaitable[None]) -> str:
    try:
        async with asyncio.timeout(PING_SECONDS):
            await ping
    except (VotingError, TimeoutError):
        return "away"
    return "ok"


async def readyz(request: Request) -> Response:
    """Pings every resource. Without Postgres or contests: 503. Without Valkey votes go on, so
    that is said but does not take the worker out of service."""
    worker: Worker = request.state.worker

    async def ping_postgres() -> None:
        async with acquire(worker.read_pool) as connection:
            await connection.execute("select 1")

    postgres, valkey = await asyncio.gather(_state(ping_postgres()), _state(worker.valkey.ping()))
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
    registry = REGISTRY
    if worker.settings.metrics_dir is not None:
        registry = CollectorRegistry()
        MultiProcessCollector(registry, path=str(worker.settings.metrics_dir))  # type: ignore[no-untyped-call]
    return Response(
        generate_latest(registry),
        headers={"cache-control": "no-store"},
        media_type=CONTENT_TYPE_LATEST,
    )
