"""How long a test waits for what must happen. How soon it does tells only how busy the machine is.

Every wait of a test is bounded by PATIENCE_SECONDS, and so is the product's own patience with
healthy stores: `patient_limits` of the root conftest.py. Only tests of a timeout set a shorter one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from voting_service.infrastructure.postgres import pool
from voting_service.infrastructure.valkey import Valkey
from voting_service.sites.shared import health, slow_clients
from voting_service.staff.accounts import second_factor
from voting_service.voting.ballots import pipeline
from voting_service.voting.tally.counters import register_functions

PATIENCE_SECONDS = 120.0

STORE_LIMITS = [
    (pool, "ACQUIRE_TIMEOUT_SECONDS"),
    (pool, "COMMAND_TIMEOUT_SECONDS"),
    (pool, "STATEMENT_TIMEOUT_SECONDS"),
    (pool, "LOCK_TIMEOUT_SECONDS"),
    (pipeline, "MAX_QUEUE_WAIT_SECONDS"),
    (health, "PING_SECONDS"),
    (slow_clients, "REQUEST_SECONDS"),
]
"""How long the product waits for its stores: modules, and the names of their constants."""
PRODUCTION_SKEW_STEPS = second_factor.SKEW_STEPS
SKEW_STEPS = 1 + int(PATIENCE_SECONDS) // second_factor.STEP_SECONDS
"""How old a one-time code may be: a browser on a busy machine takes its time to send one."""
PRODUCTION_LIMITS = [getattr(module, name) for module, name in STORE_LIMITS]


def patient_valkey(url: str, monotonic: Callable[[], float] | None = None) -> Valkey:
    """Open a client whose circuit a slow answer does not open, and which counts votes."""
    valkey = Valkey(url, monotonic=monotonic, call_timeout_seconds=PATIENCE_SECONDS)
    register_functions(valkey)
    return valkey


on_both = pytest.mark.parametrize("valkey_kind", ["server", "cluster"])
"""For tests of what must hold on one server and on a cluster."""


async def eventually(
    check: Callable[[], Awaitable[bool] | bool], *, pause_seconds: float = 0.01
) -> None:
    """Wait until `check` is true. Raises TimeoutError."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            result = check()
            if result is True or (not isinstance(result, bool) and await result):
                return
            await asyncio.sleep(pause_seconds)
