"""Liveness, a store's state, and metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from pathlib import Path

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from voting_service.errors import VotingError

PING_SECONDS = 2.0


async def healthz(_request: Request) -> Response:
    """The process answers."""
    return JSONResponse({"status": "ok"}, headers={"cache-control": "no-store"})


async def state_of(ping: Awaitable[None]) -> str:
    """`ok` or `away`, within two seconds."""
    try:
        async with asyncio.timeout(PING_SECONDS):
            await ping
    except (VotingError, TimeoutError):
        return "away"
    return "ok"


def metrics_response(shared_folder: Path | None) -> Response:
    """Prometheus' text format; with a folder, the workers that share it added up."""
    registry = REGISTRY
    if shared_folder is not None:
        registry = CollectorRegistry()
        MultiProcessCollector(registry, path=str(shared_folder))  # type: ignore[no-untyped-call]
    return Response(
        generate_latest(registry),
        headers={"cache-control": "no-store"},
        media_type=CONTENT_TYPE_LATEST,
    )
