"""`work`: run the background jobs."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping
from typing import Any

import click

from voting_service.commands.output import say
from voting_service.commands.runtime import run
from voting_service.commands.start_checks import check_start
from voting_service.infrastructure.clock import system_clock
from voting_service.infrastructure.metrics_server import Answers, States, metrics_port
from voting_service.infrastructure.postgres.connection_budget import QUEUE_CONNECTIONS
from voting_service.infrastructure.postgres.database import Database
from voting_service.infrastructure.postgres.database_clock import database_time
from voting_service.infrastructure.postgres.pool import Pool, acquire, open_pool, ping
from voting_service.infrastructure.postgres.roles import url_with_role
from voting_service.infrastructure.postgres.standby import StandbyWatch
from voting_service.infrastructure.tasks import lasting_tasks
from voting_service.infrastructure.traces import tracing
from voting_service.infrastructure.typesetting.glyph_coverage import use_fonts
from voting_service.infrastructure.valkey import Valkey
from voting_service.jobs.alarms import alarm_loop
from voting_service.jobs.audit_log_check import audit_log_check_loop
from voting_service.jobs.deadline_messages import deadline_messages_loop
from voting_service.jobs.document_packs import document_packs_loop
from voting_service.jobs.exposure_reports import exposure_reports_loop
from voting_service.jobs.held_ballots import held_ballots_loop
from voting_service.jobs.loop_runner import Loop, run_loops
from voting_service.jobs.objections import objections_loop
from voting_service.jobs.oldest_transaction import oldest_transaction_loop
from voting_service.jobs.platform_ceilings import platform_ceilings_loop
from voting_service.jobs.public_log import public_log_loops
from voting_service.jobs.queue_worker import NAME as QUEUE
from voting_service.jobs.queue_worker import run_queue_worker
from voting_service.jobs.reconcile import reconcile_loop
from voting_service.jobs.recount_audit import recount_audit_loop
from voting_service.jobs.snapshots import snapshots_loop
from voting_service.jobs.sweep import sweep_loop
from voting_service.jobs.wechat_ticket import wechat_ticket_loops
from voting_service.nomination.awards.render_jobs import DOCUMENT_JOBS
from voting_service.nomination.review.document_packs import DOCUMENT_PACK_JOBS
from voting_service.settings import Settings, load_settings
from voting_service.sites.shared.health import PING_SECONDS, store_state
from voting_service.staff.jobs.model import JobContext, JobKind
from voting_service.staff.messages.delivery import MESSAGE_JOBS
from voting_service.voting.completeness import load_completeness
from voting_service.voting.tally.counters import register_functions

JOB_KINDS: tuple[JobKind, ...] = (DOCUMENT_JOBS, DOCUMENT_PACK_JOBS, MESSAGE_JOBS)
PROBE_SECONDS = 2 * PING_SECONDS
"""How long the event loop may take to answer a probe."""


@click.command()
def work() -> None:
    """Run the background jobs: reconcile the live counters, take snapshots, compare the stored
    tally with all ballots, gather held ballots into holds, examine the ballots every night, raise
    alarms about bursts of votes, verify the audit log, report on place and votes, erase old
    objections and document packs, name transactions that do not end, write and publish the public
    logs, render the documents that staff request, remind of deadlines and send messages.

    You can run several processes; a lease in Postgres lets one at a time run each loop, and all of
    them take documents from the queue.
    """
    settings = load_settings()
    check_start(settings, "work")
    use_fonts(settings.fonts)
    health = Health()
    answers = Answers(is_alive=health.is_alive, readiness=health.readiness)
    answering = metrics_port(settings.metrics_host, settings.metrics_port, answers)
    with answering, tracing(settings, "work"):
        run(_work(settings, health))


class Health:
    """The health of this process, for the thread of the metrics port."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pings: Mapping[str, Callable[[], Awaitable[None]]] = {}
        self._tasks: Collection[str] = ()

    def watch(self, pool: Pool, valkey: Valkey, tasks: Collection[str]) -> None:
        """Watch the running event loop, the stores and the tasks of these names. Call it in the
        loop."""

        async def ping_postgres() -> None:
            async with acquire(pool) as connection:
                await ping(connection)

        self._loop, self._tasks = asyncio.get_running_loop(), tasks
        self._pings = {"postgres": ping_postgres, "valkey": valkey.probe}

    def is_alive(self) -> bool:
        """Whether the event loop answers."""
        return self._ask(asyncio.sleep(0, {})) is not None

    def readiness(self) -> States:
        """The states of the stores, and of the tasks that are not well."""
        return self._ask(self._states()) or {"work": "stuck"}

    async def _states(self) -> States:
        stores = await asyncio.gather(*(store_state(ping()) for ping in self._pings.values()))
        tasks = {n: t.state for n, t in lasting_tasks(self._tasks).items() if t.state != "ok"}
        return {**dict(zip(self._pings, stores, strict=True)), **tasks}

    def _ask(self, question: Coroutine[Any, Any, States]) -> States | None:
        if self._loop is None or self._loop.is_closed():
            question.close()
            return None
        answer = asyncio.run_coroutine_threadsafe(question, self._loop)
        try:
            return answer.result(PROBE_SECONDS)
        except TimeoutError:
            answer.cancel()
            return None


async def _work(settings: Settings, health: Health) -> None:
    valkey = Valkey(settings.valkey_url)
    register_functions(valkey)
    loops = [
        reconcile_loop(valkey),
        platform_ceilings_loop(valkey, database_time),
        snapshots_loop(load_completeness),
        recount_audit_loop(load_completeness),
        held_ballots_loop(load_completeness),
        sweep_loop(load_completeness),
        alarm_loop(load_completeness),
        audit_log_check_loop(database_time),
        exposure_reports_loop(database_time),
        objections_loop(),
        deadline_messages_loop(database_time),
        oldest_transaction_loop(),
        document_packs_loop(database_time),
        *public_log_loops(settings, load_completeness),
        *wechat_ticket_loops(settings, valkey),
    ]
    working = asyncio.create_task(_run(loops, settings, valkey, health))
    for stop in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(stop, working.cancel)
    try:
        await working
    except asyncio.CancelledError:
        say("work.stopped", err=True)
    finally:
        await valkey.close()


async def _run(loops: list[Loop], settings: Settings, valkey: Valkey, health: Health) -> None:
    """Run the loops and work off the queue until cancelled."""
    url = url_with_role(settings.database_url, "voting_jobs")
    async with open_pool(url, size=QUEUE_CONNECTIONS) as pool:
        health.watch(pool, valkey, [*(loop.name for loop in loops), QUEUE])
        context = JobContext(Database(pool, url), settings, system_clock)
        async with asyncio.TaskGroup() as group:
            group.create_task(run_loops(loops, url), name="loops")
            group.create_task(run_queue_worker(JOB_KINDS, context), name="queue")
            group.create_task(StandbyWatch().keep_looking(pool), name="standby")
