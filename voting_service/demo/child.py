"""Child processes that must not outlive this process."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

_PR_SET_PDEATHSIG = 1
_prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None
_POLL_SECONDS = 0.02

StopPlan = Sequence[tuple[signal.Signals, float]]
"""Signals to send in order, and the seconds to wait for the end after each."""


def _end_with_parent(death_signal: signal.Signals) -> Callable[[], None] | None:
    """Return a function for the child by which the kernel sends it `death_signal` when we die.

    None outside Linux, where the next start finds the processes of a killed demo.
    """
    prctl = _prctl
    if prctl is None:
        return None
    return lambda: prctl(_PR_SET_PDEATHSIG, int(death_signal))


def spawn(
    command: Sequence[str],
    *,
    log_file: Path,
    death_signal: signal.Signals,
    user: str | None = None,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> psutil.Popen:
    """Start `command` in a session of its own, so that Ctrl-C on the terminal reaches only us.

    Call it on the main thread: the child ends with the thread that started it.
    """
    with log_file.open("ab") as log:
        return psutil.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=user,
            group=user,
            extra_groups=[] if user else None,
            env=environment,
            cwd=folder,
            # Nothing in it can wait for a lock that another thread held at the fork.
            preexec_fn=_end_with_parent(death_signal),
        )


def is_alive(process: psutil.Process | None) -> bool:
    """Return whether a process runs. Reaps a child that has ended."""
    if process is None:
        return False
    if isinstance(process, psutil.Popen):
        return bool(process.poll() is None)
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def wait_for_end(process: psutil.Process, seconds: float) -> bool:
    """Wait for a process to end. Return False if it still runs after `seconds`."""
    for _ in range(int(seconds / _POLL_SECONDS)):
        if not is_alive(process):
            return True
        await asyncio.sleep(_POLL_SECONDS)
    return not is_alive(process)


async def stop(process: psutil.Process, plan: StopPlan) -> None:
    """End a process by the signals of `plan`, then by SIGKILL. Return once it has ended."""
    for stop_signal, patience_seconds in (*plan, (signal.SIGKILL, 10.0)):
        if not is_alive(process):
            return
        try:
            process.send_signal(stop_signal)
        except psutil.NoSuchProcess:
            return
        if await wait_for_end(process, patience_seconds):
            return


async def stop_group(group_id: int, plan: StopPlan) -> None:
    """End the processes left in the session of a dead process, such as workers on its port."""
    await asyncio.gather(*(stop(process, plan) for process in _group(group_id)))


def _group(group_id: int) -> list[psutil.Process]:
    members = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if os.getpgid(process.pid) == group_id and is_alive(process):
                members.append(process)
    return members


def log_tail(log_file: Path, lines: int = 15) -> str:
    """Return the last lines of a log, for an error message."""
    try:
        text = log_file.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return "(no log)"
    return "\n".join(text.splitlines()[-lines:]) or "(empty)"
