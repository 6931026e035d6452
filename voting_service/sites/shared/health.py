"""Liveness, and the state of stores."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Collection, Iterable, Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from voting_service.errors import StoreUnavailable
from voting_service.infrastructure.tasks import TaskState, lasting_tasks
from voting_service.infrastructure.timeouts import CACHE_STALE_SECONDS

PING_SECONDS = 2.0


async def healthz(_request: Request) -> Response:
    """200: the process answers."""
    return JSONResponse({"status": "ok"}, headers={"cache-control": "no-store"})


WORDS: Mapping[str, tuple[str, ...]] = {
    "postgres": (
        *("away", "not durable", "wrong password", "not let in", "not the role"),
        *("unknown database", "tls failed", "no connections left", "no primary", "session refused"),
        *("transaction pooling", "schema missing", "schema older", "schema newer"),
    ),
    "valkey": (*("away", "read only", "full", "loading", "not allowed", "refuses", "no cluster"),),
    "contests": ("being prepared", "keys do not open"),
    "registry": ("being prepared", "old"),
    "clock": ("not measured", "ahead by", "behind by"),
    "tasks": ("failing", "stuck", "stopped"),
    "tally": ("another cluster", "unknown"),
    "standby": ("not known", "none", "missing"),
}
"""What `readyz` may show of a resource instead of `ok`; docs/operators.md explains each word."""


async def store_state(ping: Awaitable[None]) -> str:
    """Return `ok`, or the word for what is wrong with a store, within two seconds."""
    try:
        async with asyncio.timeout(PING_SECONDS):
            await ping
    except StoreUnavailable as error:
        return error.word
    except Exception:  # the task that needs the store logs what is wrong with it
        return "away"
    return "ok"


def contests_state(
    *, is_prepared: bool, contests: Collection[str], failing: Collection[str]
) -> str:
    """Return `ok`, `being prepared`, or `keys do not open` when that is so of every contest."""
    if failing and not contests:
        return "keys do not open"
    return "ok" if is_prepared else "being prepared"


def tasks_state(needed: Iterable[str]) -> str:
    """Return `ok`, or the state of a lasting task that is needed and does not work.

    One that fails is given as long as the caches may be old: its last result stays in use.
    """
    tasks = lasting_tasks(needed)
    for task in (tasks[name] for name in needed):
        age_seconds = task.age_seconds or 0.0
        if task.state == TaskState.FAILING and age_seconds <= CACHE_STALE_SECONDS:
            continue
        if task.state != TaskState.OK:
            return task.state
    return "ok"


def tasks_shown(expected: Iterable[str]) -> dict[str, Any]:
    """Return how long ago every lasting task succeeded, and the states of those not `ok`."""
    tasks = lasting_tasks(expected)
    return {
        "task_ages_seconds": {name: cache_age(task.age_seconds) for name, task in tasks.items()},
        "failing_tasks": {name: task.state for name, task in tasks.items() if task.state != "ok"},
    }


def readiness_response(
    needed: Mapping[str, str],
    shown: Mapping[str, Any],
    *,
    limits: Sequence[str] = (),
    stopping: bool = False,
) -> Response:
    """200 when every state in `needed` is `ok`, otherwise 503. `shown` is added to the
    answer and does not affect the status code; `limits` are named in the status: `unscreened`
    votes, `unconfirmed` ones."""
    ready = not stopping and all(state == "ok" for state in needed.values())
    status = ", ".join(("ready", *limits)) if ready else "not ready"
    return JSONResponse(
        {"status": status, **needed, **shown},
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
