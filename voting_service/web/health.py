"""Liveness, a store's state, and metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from pathlib import Path
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from voting_service.contests.registry import STALE_SECONDS, Registry
from voting_service.errors import NotDurable

PING_SECONDS = 2.0


async def healthz(_request: Request) -> Response:
    """The process answers."""
    return JSONResponse({"status": "ok"}, headers={"cache-control": "no-store"})


async def state_of(ping: Awaitable[None]) -> str:
    """`ok`, `away`, or `not durable`, within two seconds."""
    try:
        async with asyncio.timeout(PING_SECONDS):
            await ping
    except NotDurable:
        return "not durable"
    except Exception:  # the task that needs the store logs what is wrong with it
        return "away"
    return "ok"


def readiness_response(
    needed: Mapping[str, str], told: Mapping[str, Any], *, stopping: bool = False
) -> Response:
    """200 when every state in `needed` is `ok`, otherwise 503. `told` is shown and decides
    nothing."""
    ready = not stopping and all(state == "ok" for state in needed.values())
    return JSONResponse(
        {"status": "ready" if ready else "not ready", **needed, **told},
        200 if ready else 503,
        {"cache-control": "no-store"},
    )


def registry_state(registry: Registry) -> str:
    """`ok`, `being prepared` before the first refresh, `old` when no refresh succeeded lately."""
    age_seconds = registry.age_seconds()
    if age_seconds is None:
        return "being prepared"
    return "ok" if age_seconds <= STALE_SECONDS else "old"


def registry_age(registry: Registry) -> float | None:
    """Seconds since contests and platforms were last refreshed; None before the first time."""
    age_seconds = registry.age_seconds()
    return None if age_seconds is None else round(age_seconds, 1)


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
