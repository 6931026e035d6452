"""`voting-service demo` as a person uses it at a terminal."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.patience import PATIENCE_SECONDS
from voting_service.demo.embedded_server import HOST, free_port
from voting_service.demo.run import PART_OF

COMMAND = str(Path(sys.executable).with_name("voting-service"))


def environment(**extra: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if "VOTING_" not in name}
    return inherited | extra


class Terminal:
    """A demo started from a command line, and what it prints."""

    def __init__(self, data: Path, port: int) -> None:
        self.data = data
        self.port = port
        self.address = f"http://{HOST}:{port}"
        self.console_port = free_port()
        self.console_address = f"http://{HOST}:{self.console_port}"
        self.lines: list[str] = []
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, *options: str, **extra: str) -> None:
        self.lines = []
        self._process = await asyncio.create_subprocess_exec(
            COMMAND,
            "demo",
            f"--data={self.data}",
            f"--port={self.port}",
            f"--console-port={self.console_port}",
            "--workers=1",
            *options,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=environment(**extra),
        )

    @property
    def process(self) -> asyncio.subprocess.Process:
        assert self._process is not None
        return self._process

    async def until(self, pattern: str) -> str:
        """Read its output up to a matching line."""
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE_SECONDS):
            while line := (await self.process.stdout.readline()).decode().rstrip("\n"):
                self.lines.append(line)
                if re.fullmatch(pattern, line):
                    return line
        raise AssertionError("\n".join(["the demo ended:", *self.lines]))

    async def ready(self) -> None:
        await self.until(f"ready {self.address}")

    async def end(self, request: signal.Signals) -> int:
        """Send a signal, read the remaining output and return the exit code."""
        self.process.send_signal(request)
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE_SECONDS):
            rest = await self.process.stdout.read()
            self.lines += rest.decode().splitlines()
            return await self.process.wait()

    async def close(self) -> None:
        if self._process is not None and self._process.returncode is None:
            await self.end(signal.SIGTERM)

    def family(self) -> list[psutil.Process]:
        """Return every process of this demo's folder except the demo itself."""
        processes = []
        for process in psutil.process_iter():
            try:
                part = process.environ().get(PART_OF) == str(self.data)
                store = process.cwd().startswith(str(self.data))
                if (part or store) and process.status() != psutil.STATUS_ZOMBIE:
                    processes.append(process)
            except psutil.Error:
                continue
        return processes


@pytest.fixture
async def terminal(servers_folder: Path) -> AsyncIterator[Terminal]:
    opened = Terminal(servers_folder / "data", free_port())
    try:
        yield opened
    finally:
        await opened.close()


async def get(terminal: Terminal, path: str) -> Any:
    async with httpx.AsyncClient(base_url=terminal.address, timeout=PATIENCE_SECONDS) as client:
        return (await client.get(path)).raise_for_status().json()


async def run_command(data: Path, *words: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        COMMAND,
        *words,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=environment(VOTING_DATA=str(data)),
    )
    output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()


async def first_ballots(terminal: Terminal) -> int:
    """Wait on the event stream until someone has voted."""
    path = "/api/v1/contests/bayu-2022/standings/events"
    async with (
        asyncio.timeout(PATIENCE_SECONDS),
        httpx.AsyncClient(base_url=terminal.address, timeout=PATIENCE_SECONDS) as client,
    ):
        # A worker that has just started answers 503 until its first standings are prepared.
        while not await answers(client, "/api/v1/contests/bayu-2022/standings"):
            pass
        async with client.stream("GET", path) as events:
            async for line in events.aiter_lines():
                if line.startswith("data:"):
                    ballots: int = json.loads(line.removeprefix("data:"))["ballots"]
                    if ballots:
                        return ballots
    raise AssertionError("the stream ended")


async def sign_in_to_the_console(terminal: Terminal, digits: str) -> None:
    """Sign in with accounts.json and `account code`."""
    logins = json.loads((terminal.data / "accounts.json").read_text())
    [login] = [login for login in logins if login["name"] == "supervisor-1"]
    form = {"name": login["name"], "password": login["password"], "code": digits}
    async with httpx.AsyncClient(
        base_url=terminal.console_address,
        follow_redirects=True,
        headers={"accept": "text/html"},
        timeout=PATIENCE_SECONDS,
    ) as client:
        home = await client.post("/sign-in", data=form)
        assert home.url.path == "/"
        assert "supervisor-1" in home.text


async def test_one_command_brings_everything_survives_and_goes_with_ctrl_c(
    terminal: Terminal,
) -> None:
    """One demo for all of it: to make its contents is what costs."""
    elsewhere = "postgresql://nobody@127.0.0.1:1/production"
    await terminal.start("--crowd=20", VOTING_DATABASE_URL=elsewhere)
    await terminal.ready()
    assert [line for line in terminal.lines if line.startswith("ready")] == [
        f"ready {terminal.address}"
    ]
    contest = await get(terminal, "/api/v1/contests/bayu-2022")
    assert contest["phase"] == "open"
    candidates = await get(terminal, "/api/v1/contests/bayu-2022/candidates")
    assert len(candidates["candidates"]) == 50
    contests = (await get(terminal, "/api/v1/contests"))["contests"]
    assert {listed["contest"]: listed["phase"] for listed in contests} == {
        "bayu-2022": "open",
        "bayu-2023": "upcoming",
        "youth-2022": "closed",
    }
    cut = await get(terminal, "/api/v1/contests/youth-2022/cut")
    assert (len(cut["document"]["selected"]), cut["document"]["ties"]) == (6, [])
    standings = await get(terminal, "/api/v1/contests/youth-2022/standings")
    assert standings["ballots"] == cut["document"]["ballots"]["net"] > 4_000
    assert await first_ballots(terminal) > 0
    assert (await run_command(terminal.data, "migrate"))[0] == 0
    code, listed = await run_command(terminal.data, "account", "list")
    assert code == 0
    for login in json.loads((terminal.data / "accounts.json").read_text()):
        assert login["name"] in listed

    code, digits = await run_command(terminal.data, "account", "code", "supervisor-1")
    assert (code, len(digits.strip())) == (0, 6)
    await sign_in_to_the_console(terminal, digits.strip())

    code, output = await run_command(terminal.data, "demo", f"--port={free_port()}")
    assert (code, "a demo is already running" in output) == (1, True), output

    assert len(terminal.family()) > 5
    await starts_again_with_its_data(terminal)
    await restarts_a_killed_server(terminal)
    assert await terminal.end(signal.SIGINT) == 0
    assert terminal.lines[-2:] == ["stopping", "stopped"]
    assert terminal.family() == []


async def starts_again_with_its_data(terminal: Terminal) -> None:
    """A demo that was killed starts again at once."""
    before = await get(terminal, "/api/v1/contests/bayu-2022/candidates")
    settings = (terminal.data / "settings.env").read_text()
    opened = (await get(terminal, "/api/v1/contests/bayu-2022"))["opens_at"]
    await terminal.end(signal.SIGKILL)
    await terminal.start()
    await terminal.ready()
    assert await get(terminal, "/api/v1/contests/bayu-2022/candidates") == before
    assert (await get(terminal, "/api/v1/contests/bayu-2022"))["opens_at"] == opened
    assert len((terminal.data / "settings.env").read_text()) == len(settings)
    assert "loaded the contest" not in "\n".join(terminal.lines)


async def restarts_a_killed_server(terminal: Terminal) -> None:
    serving = next(p for p in terminal.family() if p.cmdline()[-1] == "serve")
    serving.kill()
    await terminal.until(r"serve was ended by SIGKILL; restarting it in 0\.5 s .*")
    async with (
        asyncio.timeout(PATIENCE_SECONDS),
        httpx.AsyncClient(timeout=PATIENCE_SECONDS) as client,
    ):
        while not await answers(client, f"{terminal.address}/readyz"):
            pass


async def answers(client: httpx.AsyncClient, address: str) -> bool:
    try:
        return (await client.get(address)).status_code == 200
    except httpx.TransportError:
        return False


async def test_stopping_while_it_starts_leaves_nothing(terminal: Terminal) -> None:
    """By the other signal than above."""
    await terminal.start()
    await terminal.until("migrating the database.*")
    assert await terminal.end(signal.SIGTERM) == 0
    assert terminal.family() == []


async def test_a_port_that_is_taken_is_named_with_the_way_out(terminal: Terminal) -> None:
    with socket.create_server((HOST, terminal.port)):
        await terminal.start()
        await terminal.until(f"error: port {terminal.port} is in use .* PORT= .*")
        assert await terminal.process.wait() == 1
    assert terminal.family() == []
