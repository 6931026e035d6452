"""`voting-service serve` as operators run it: a process of its own, its log in a file."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.commands import process_environment
from tests.patience import PATIENCE_SECONDS
from tests.sites.public.api.running_service import until_ready
from voting_service.demo.embedded_server import free_port
from voting_service.settings import Settings


@dataclass(frozen=True)
class ServeProcess:
    """The running command."""

    address: str
    port: int
    client: httpx.AsyncClient
    log_file: Path
    metrics_port: int

    def log(self) -> str:
        return self.log_file.read_text(encoding="utf-8")

    async def metrics(self) -> str:
        """What Prometheus would read."""
        answer = await self.client.get(f"http://127.0.0.1:{self.metrics_port}/metrics")
        return answer.raise_for_status().text


@asynccontextmanager
async def serve_process(
    settings: Settings, folder: Path, **more: str
) -> AsyncIterator[ServeProcess]:
    """Starts `serve` for the stores of `settings`; `more` are further VOTING_ variables."""
    port, metrics_port = free_port(), free_port()
    log_file = folder / "serve.log"
    with log_file.open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            str(Path(sys.executable).with_name("voting-service")),
            "serve",
            env=process_environment(
                settings,
                **{"PORT": str(port), "WORKERS": "1", "METRICS_PORT": str(metrics_port), **more},
            ),
            stdout=log,
            stderr=log,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        async with httpx.AsyncClient(base_url=address, timeout=PATIENCE_SECONDS) as client:
            await until_ready(client)
            yield ServeProcess(address, port, client, log_file, metrics_port)
    finally:
        process.terminate()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await process.wait()
