"""Keep the parts of a demo running: restart those that end."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import psutil

from voting_service.demo.child import (
    StopPlan,
    is_alive,
    spawn,
    stop,
    stop_group,
)
from voting_service.demo.embedded_server import EmbeddedServer
from voting_service.demo.messages import message
from voting_service.errors import Unavailable
from voting_service.infrastructure.tasks import run_forever

Echo = Callable[[str], None]
"""Prints a line on the terminal."""

WATCH_SECONDS = 0.25
STORE_GRACE_SECONDS = 3.0
"""How long to wait whether another process restarts a store."""
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 30.0
STABLE_SECONDS = 60.0
"""A program that ran this long is restarted without the longer pause."""


class Program:
    """One of our own programs as a child process."""

    stop_plan: ClassVar[StopPlan] = ((signal.SIGTERM, 25.0),)

    def __init__(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], log_file: Path
    ) -> None:
        self.name = name
        self.log_file = log_file
        self._command = list(command)
        self._environment = dict(environment)
        self._process: psutil.Popen | None = None

    @property
    def process(self) -> psutil.Popen | None:
        """The process; None if it is not running."""
        return self._process if is_alive(self._process) else None

    def start(self) -> None:
        """Start the process."""
        self._process = spawn(
            self._command,
            log_file=self.log_file,
            death_signal=self.stop_plan[0][0],
            environment=self._environment,
        )

    async def clear_away(self) -> str:
        """End what an ended program left running. Return how it ended, in words."""
        assert self._process is not None
        await stop_group(self._process.pid, ((signal.SIGTERM, 5.0),))
        code = self._process.poll()
        if code is not None and code < 0:
            return message("watch.ended_by_signal", signal=signal.Signals(-code).name)
        return message("watch.ended_with_code", code=code)

    async def stop(self) -> None:
        if self._process is not None:
            await stop(self._process, self.stop_plan)
            await stop_group(self._process.pid, ())


async def keep_store(server: EmbeddedServer, echo: Echo) -> None:
    """Restart a store whenever it has ended, unless another process does. Runs until cancelled."""

    async def watch() -> None:
        if server.process is None:
            echo(message("watch.store_stopped", store=server.title))
            await _restart(server, echo)

    await run_forever(f"demo {server.title}", watch, pause_seconds=WATCH_SECONDS)


async def _restart(server: EmbeddedServer, echo: Echo) -> None:
    pause_seconds = STORE_GRACE_SECONDS
    while True:
        if await _taken_over_within(server, pause_seconds):
            echo(message("watch.store_taken_over", store=server.title))
            return
        try:
            await server.start()
        except Unavailable as error:
            pause_seconds = min(pause_seconds * 2, LONGEST_PAUSE_SECONDS)
            echo(message("watch.store_retry", error=error, seconds=pause_seconds))
        else:
            echo(message("watch.store_running", store=server.title))
            return


async def _taken_over_within(server: EmbeddedServer, seconds: float) -> bool:
    for _ in range(int(seconds / WATCH_SECONDS)):
        if await server.take_over():
            return True
        await asyncio.sleep(WATCH_SECONDS)
    return False


async def keep_program(program: Program, echo: Echo) -> None:
    """Restart a program whenever it has ended, with growing pauses. Runs until cancelled."""
    clock = asyncio.get_running_loop().time
    pause_seconds, started_at = FIRST_PAUSE_SECONDS, clock()

    async def watch() -> None:
        nonlocal pause_seconds, started_at
        if program.process is not None:
            return
        ending = await program.clear_away()
        if clock() - started_at > STABLE_SECONDS:
            pause_seconds = FIRST_PAUSE_SECONDS
        echo(
            message(
                "watch.program_ended",
                program=program.name,
                ending=ending,
                seconds=pause_seconds,
                log_file=program.log_file,
            )
        )
        await asyncio.sleep(pause_seconds)
        pause_seconds = min(pause_seconds * 2, LONGEST_PAUSE_SECONDS)
        program.start()
        started_at = clock()

    await run_forever(f"demo {program.name}", watch, pause_seconds=WATCH_SECONDS)
