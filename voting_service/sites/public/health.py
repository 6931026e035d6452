"""Readiness."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from voting_service.infrastructure.timeouts import CACHE_STALE_SECONDS
from voting_service.sites.public.state import PublicState
from voting_service.sites.shared.health import (
    cache_age,
    cache_state,
    contests_state,
    readiness_response,
    store_state,
    tasks_shown,
    tasks_state,
)

NEEDED_TASKS = ("registry", "clock")
"""The lasting tasks without which votes must not be taken."""
TASKS = (*NEEDED_TASKS, "standby", "standings", "counters")


async def readyz(request: Request) -> Response:
    """Check every resource. Return 503 unless every state in `required` is `ok`.

    Votes are accepted without Valkey, while another contest fails, and while a contest's tally
    waits to be taken over; pages are served while no vote can be confirmed, because a standby is
    missing. `informational` reports these.
    """
    state: PublicState = request.state.app_state

    (postgres, tally), valkey = await asyncio.gather(
        state.postgres_probe.states(), store_state(state.valkey.probe())
    )
    required = {
        "postgres": postgres,
        "contests": contests_state(
            is_prepared=state.ready,
            contests=state.contest_states,
            failing=state.registry.failing,
        ),
        "registry": cache_state(state.registry.age_seconds(), CACHE_STALE_SECONDS),
        "clock": state.clock_watch.state,
        "tasks": tasks_state(NEEDED_TASKS),
    }
    standby = state.standby_watch.state
    limits = [
        limit
        for limit, is_so in (("unconfirmed", standby == "missing"), ("unscreened", valkey != "ok"))
        if is_so
    ]
    informational = {
        "valkey": valkey,
        "registry_age_seconds": cache_age(state.registry.age_seconds()),
        "failing_contests": state.failing_contests,
        "tally": tally,
        "standby": standby,
        **tasks_shown(TASKS),
    }
    return readiness_response(
        required,
        informational,
        limits=limits,
        stopping=state.closing.is_set(),
    )
