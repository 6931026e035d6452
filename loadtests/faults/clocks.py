"""Faults of clocks and keys: a clock that jumps, a new master key while people vote."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess

from loadtests.faults.field import Fault, Field
from loadtests.stand import service_command
from voting_service.demo.child import stop

_JUMPS = (-3600, -30, -7, 7, 30, 3600)
"""Seconds."""


async def _jump(field: Field, name: str) -> None:
    """Move a process's clock, and back."""
    clock = field.stand.clocks[name]
    clock.set(field.chooser.choice(_JUMPS))
    await field.pause(3.0, 5.0)
    clock.set(0)


async def _jump_serve(field: Field) -> None:
    await _jump(field, "serve")


async def _jump_work(field: Field) -> None:
    await _jump(field, "work")


async def _jump_postgres(field: Field) -> None:
    await _jump(field, "postgres")


async def _jump_valkey(field: Field) -> None:
    await _jump(field, "valkey")


async def _replace_master_key(field: Field) -> None:
    """Replace the master key as docs/operators.md has it, while votes go on."""
    stand = field.stand
    new = os.urandom(32)
    done = await asyncio.to_thread(
        subprocess.run,
        [service_command(), "contest", "rewrap-keys"],
        env=stand.environment() | stand.new_key_environment(new),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        field.broken.append(f"rewrap-keys: {done.stderr.strip()}")
        return
    stand.master_key = new
    await stop(stand.processes["work"], ((signal.SIGTERM, 20.0),))
    await stop(stand.processes["serve"], ((signal.SIGTERM, 30.0),))
    await stand.serve()
    stand.work()


CLOCKS = (
    Fault("clock of serve jumps", 1, 20, _jump_serve),
    Fault("clock of work jumps", 1, 20, _jump_work),
    Fault("clock of PostgreSQL jumps", 1, 20, _jump_postgres),
    Fault("clock of Valkey jumps", 1, 20, _jump_valkey),
)
KEYS = (Fault("master key replaced", 1, 10, _replace_master_key),)
