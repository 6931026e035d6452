"""Liveness, the state of stores, and metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from pathlib import Path
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from voting_service.infrastructure.postgres.durability import NotDurable

PING_SECONDS = 2.0


async def healthz(_request: Request) -> Response:
    """200: the process answers."""
    return JSONResponse({"status": "ok"}, headers={"cache-control": "no-store"})


async def store_state(ping: Awaitable[None]) -> str:
    """Return `ok`, `away` or `not durable`, within two seconds."""
    try:
        async with asyncio.timeout(PING_SECONDS):
            await ping
    except NotDurable:
        return "not durable"
    except Exception:  # the task that needs the store logs what is wrong with it
        return "away"
    return "ok"


def readiness_response(
    needed: Mapping[str, str], shown: Mapping[str, Any], *, stopping: bool = False
) -> Response:
    """200 when every state in `needed` is `ok`, otherwise 503. `shown` is added to the
    answer and does not affect the status."""
    ready = not stopping and all(state == "ok" for state in needed.values())
    return JSONResponse(
        {"status": "ready" if ready else "not ready", **needed, **shown},
        200 if ready else 503,
        {"cache-control": "no-store"},
    )


def cache_state(age_seconds: float | None, stale_seconds: float) -> str:
    """Return `ok`, `being prepared` before the first refresh, or `old` when the last successful
    refresh of contests and platforms is older than `stale_seconds`."""
    if age_seconds is None:
        return "being prepared"
    return "ok" if age_seconds <= stale_seconds else "old"


def cache_age(age_seconds: float | None) -> float | None:
    """Return the age to a tenth of a second; None before the first refresh."""
    return None if age_seconds is None else round(age_seconds, 1)


def metrics_response(shared_folder: Path | None) -> Response:
    """Metrics in Prometheus' text format; with a folder, summed over the workers that share it."""
    registry = REGISTRY
    if shared_folder is not None:
        registry = CollectorRegistry()
        MultiProcessCollector(registry, path=str(shared_folder))  # type: ignore[no-untyped-call]
    return Response(
        generate_latest(registry),
        headers={"cache-control": "no-store"},
        media_type=CONTENT_TYPE_LATEST,
    )
