"""What the two embedded stores have in common: a folder, a port, a process."""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

import psutil

from voting_service.demo.child import StopPlan, is_alive, log_tail, spawn, stop
from voting_service.demo.private_files import write_private
from voting_service.errors import Unavailable

HOST = "127.0.0.1"
_POLL_SECONDS = 0.02


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def port_is_free(port: int, host: str = HOST) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


class EmbeddedServer(ABC):
    """A real server on the loopback, with everything it keeps under `folder`.

    The port and the passwords are chosen at the first start and remembered in `server.json`; a
    port that is taken at a later start is replaced. Once started, the port stays: clients hold
    its URL.
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
        self._process: psutil.Process | None = None

    @property
    def process(self) -> psutil.Process | None:
        """The server's main process, while it lives."""
        return self._process if is_alive(self._process) else None

    async def start(self) -> None:
        """Starts the server, or takes over the one that already serves this folder.

        Returns once it answers. Raises Unavailable, quoting its log.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self._recall()
        try:
            async with asyncio.timeout(self.start_timeout_seconds):
                await self._start()
        except TimeoutError:
            raise self._failure(
                f"did not answer within {self.start_timeout_seconds:.0f} s"
            ) from None

    async def stop(self) -> None:
        """Ends the server and whatever it started, in good order."""
        if not self.secrets:
            return
        process = self.process or await self.find_running()
        if process is not None:
            await stop(process, self.stop_plan)

    async def take_over(self) -> bool:
        """Watches a server that somebody else has started here, if there is one."""
        if not await self.answers():
            return False
        self._process = self.process or await self.find_running()
        return self._process is not None

    async def _start(self) -> None:
        tried = False
        while not await self.take_over():
            if self.process is None and await self.find_running() is None:
                if tried and not self.may_try_again():
                    raise self._failure("ended while it was starting")
                self._choose_port()
                await self.prepare()
                self._process, tried = self._spawn(), True
            await asyncio.sleep(_POLL_SECONDS)

    def _spawn(self) -> psutil.Process:
        return spawn(
            self.command(),
            log_file=self.log_file,
            death_signal=self.stop_plan[0][0],
            user=self.system_user(),
            folder=self.folder,
        )

    def _failure(self, what: str) -> Unavailable:
        return Unavailable(
            f"{self.title} {what}; the end of {self.log_file}:\n{log_tail(self.log_file)}"
        )

    def _recall(self) -> None:
        """Reads, or at the first start makes, the port and the passwords."""
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
            self._remember()

    def _choose_port(self) -> None:
        if self._process is None and not port_is_free(self.port):
            self.port = free_port()
            self._remember()

    def _remember(self) -> None:
        state = {"port": self.port, "secrets": self.secrets}
        write_private(self.folder / "server.json", json.dumps(state, indent=2) + "\n")

    @abstractmethod
    def command(self) -> list[str]:
        """The server's command line; it stays in the foreground."""

    @abstractmethod
    async def answers(self) -> bool:
        """Whether the server with our passwords answers at our port."""

    @abstractmethod
    async def find_running(self) -> psutil.Process | None:
        """The main process that serves this folder, whoever started it."""

    @abstractmethod
    async def prepare(self) -> None:
        """Writes what the server reads when it starts."""

    def may_try_again(self) -> bool:
        """Whether a start that failed failed for a reason that passes by itself."""
        return False

    def system_user(self) -> str | None:
        """The user it runs as; None: ours."""
        return None
