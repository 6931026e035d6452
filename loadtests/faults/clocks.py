"""Faults of clocks and keys: a clock that jumps, a new master key while people vote."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess

from loadtests.faults.field import Fault, Field, WiredStand
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
    """Replace the master key as docs/keys.md has it, while votes go on."""
    stand = field.stand
    stand.master_key, stand.previous_keys = os.urandom(32), (stand.master_key,)
    await _restart(stand)
    done = await asyncio.to_thread(
        subprocess.run,
        [service_command(), "keys", "rotate"],
        env=stand.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        field.broken.append(f"keys rotate: {done.stderr.strip()}")
        return
    stand.previous_keys = ()
    await _restart(stand)


async def _restart(stand: WiredStand) -> None:
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
