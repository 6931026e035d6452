"""The base of the embedded servers: a folder, a port, a process."""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar

import psutil

from voting_service.demo.child import (
    StopPlan,
    is_alive,
    log_tail,
    spawn,
    stop,
)
from voting_service.demo.private_files import write_private
from voting_service.errors import Unavailable

HOST = "127.0.0.1"
_POLL_SECONDS = 0.02


_given_ports: set[int] = set()
"""Ports that this process was given; a server may not listen on its own yet."""


def free_port() -> int:
    """Return a free port of the loopback, below those from which systems choose for outgoing
    connections: one of these could be taken before the server listens. Never the same one twice."""
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        if port not in _given_ports and port_is_free(port):
            _given_ports.add(port)
            return port


def port_is_free(port: int, host: str = HOST) -> bool:
    """Return whether no program listens on a port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


class EmbeddedServer(ABC):
    """A server on the loopback that keeps everything under `folder`.

    The first start chooses the port and the passwords and stores them in `server.json`. A later
    start replaces a port that another program uses. While it runs, the port stays the same.
    """

    title: ClassVar[str]
    secret_names: ClassVar[tuple[str, ...]]
    stop_plan: ClassVar[StopPlan]
    start_timeout_seconds: ClassVar[float] = 60.0

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.log_file = self.folder / "server.log"
        self.port = 0
        self.secrets: dict[str, str] = {}
        self.prefix: list[str] = []
        """What goes before the server's command line, such as a program that sets its clock."""
        self._process: psutil.Process | None = None

    @property
    def process(self) -> psutil.Process | None:
        """The server's main process; None if it is not running."""
        return self._process if is_alive(self._process) else None

    async def start(self) -> None:
        """Start the server, or use the one that already serves this folder.

        Returns once it answers. Raises Unavailable with the end of its log.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self._load_state()
        try:
            async with asyncio.timeout(self.start_timeout_seconds):
                await self._start()
        except TimeoutError:
            raise self._failure(
                "demo.embedded_server.did_not_answer", seconds=self.start_timeout_seconds
            ) from None

    async def stop(self) -> None:
        """Stop the server and its child processes."""
        if not self.secrets:
            return
        process = self.process or await self.find_running()
        if process is not None:
            await stop(process, self.stop_plan)

    async def take_over(self) -> bool:
        """Use a server that another process has started here. Return whether there is one."""
        if not await self.answers():
            return False
        self._process = self.process or await self.find_running()
        return self._process is not None

    async def _start(self) -> None:
        spawned = False
        while not await self.take_over():
            if self.process is None and await self.find_running() is None:
                if spawned and not self.may_try_again():
                    raise self._failure("demo.embedded_server.ended_early")
                self._choose_port()
                await self.prepare()
                self._process, spawned = self._spawn(), True
            await asyncio.sleep(_POLL_SECONDS)

    def _spawn(self) -> psutil.Process:
        return spawn(
            [*self.prefix, *self.command()],
            log_file=self.log_file,
            death_signal=self.stop_plan[0][0],
            user=self.system_user(),
            folder=self.folder,
        )

    def _failure(self, code: str, **params: Any) -> Unavailable:
        return Unavailable(
            code,
            title=self.title,
            log_file=self.log_file,
            log_end=log_tail(self.log_file),
            **params,
        )

    def _load_state(self) -> None:
        """Load the port and the passwords, or create them at the first start."""
        if self.secrets:
            return
        self._process = None
        state_file = self.folder / "server.json"
        if state_file.exists():
            state = json.loads(state_file.read_text(encoding="utf-8"))
            self.port, self.secrets = state["port"], state["secrets"]
        else:
            self.port = free_port()
            self.secrets = {name: secrets.token_urlsafe(24) for name in self.secret_names}
            self._save_state()

    def _choose_port(self) -> None:
        if self._process is None and not port_is_free(self.port):
            self.port = free_port()
            self._save_state()

    def _save_state(self) -> None:
        state = {"port": self.port, "secrets": self.secrets}
        write_private(self.folder / "server.json", json.dumps(state, indent=2) + "\n")

    @abstractmethod
    def command(self) -> list[str]:
        """Return the server's command line; it stays in the foreground."""

    @abstractmethod
    async def answers(self) -> bool:
        """Return whether the server with our passwords answers at our port."""

    @abstractmethod
    async def find_running(self) -> psutil.Process | None:
        """Return the main process that serves this folder, even if we did not start it."""

    @abstractmethod
    async def prepare(self) -> None:
        """Write the files that the server reads when it starts."""

    def may_try_again(self) -> bool:
        """Return whether a start failed for a reason that goes away by itself."""
        return False

    def system_user(self) -> str | None:
        """Return the user that the server runs as; None for ours."""
        return None
