"""The background jobs of a rehearsal: the loops of `work`, a round at a time, when they are due."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

from voting_service.infrastructure.postgres.database_clock import database_time
from voting_service.infrastructure.postgres.pool import Connection, connect
from voting_service.infrastructure.postgres.roles import url_with_role
from voting_service.infrastructure.valkey import Valkey
from voting_service.jobs.audit_log_check import audit_log_check_loop
from voting_service.jobs.held_ballots import held_ballots_loop
from voting_service.jobs.loop_runner import Loop
from voting_service.jobs.platform_ceilings import platform_ceilings_loop
from voting_service.jobs.reconcile import reconcile_loop
from voting_service.jobs.recount_audit import recount_audit_loop
from voting_service.jobs.snapshots import snapshots_loop
from voting_service.jobs.sweep import sweep_loop
from voting_service.rehearsal.site import TIMEOUT_SECONDS
from voting_service.rehearsal.stores import RehearsalStage
from voting_service.voting.completeness import load_completeness
from voting_service.voting.tally.counters import register_functions

Job = Literal[
    "reconcile",
    "platform_ceilings",
    "snapshots",
    "recount_audit",
    "held_ballots",
    "sweep",
    "audit_log_check",
]
USUAL: tuple[Job, ...] = ("reconcile", "platform_ceilings", "snapshots", "held_ballots")
"""What is done whenever something may be due; it takes milliseconds."""


class Work:
    """The loops, on a connection with the rights of `work`."""

    def __init__(self, loops: dict[str, Loop], connection: Connection) -> None:
        self._loops = loops
        self._connection = connection

    async def do(self, *jobs: Job) -> None:
        """Do a round of each job, in this order."""
        # Ballots are complete before a moment once the fence was moved after it, and it moves by a
        # step a call.
        await load_completeness(self._connection)
        for job in jobs:
            await self._loops[job].work(self._connection)


@asynccontextmanager
async def open_work(stage: RehearsalStage) -> AsyncIterator[Work]:
    """Open the jobs as `work` does."""
    settings = stage.settings
    valkey = Valkey(settings.valkey_url, call_timeout_seconds=TIMEOUT_SECONDS)
    register_functions(valkey)
    loops = [
        reconcile_loop(valkey),
        platform_ceilings_loop(valkey, database_time),
        snapshots_loop(load_completeness),
        recount_audit_loop(load_completeness),
        held_ballots_loop(load_completeness),
        sweep_loop(load_completeness),
        audit_log_check_loop(database_time),
    ]
    connection = await connect(url_with_role(settings.database_url, "voting_jobs"))
    try:
        yield Work({loop.name.replace(" ", "_"): loop for loop in loops}, connection)
    finally:
        await connection.close()
        await valkey.close()
