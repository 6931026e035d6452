"""Metrics and health on a port of their own, of `serve`, `console` and `work`."""

from __future__ import annotations

import asyncio
import re
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from tests.commands import process_environment
from tests.contest_data import execute_as_owner, store_contest
from tests.patience import PATIENCE_SECONDS, eventually
from tests.sites.public.api.running_service import STANDINGS
from tests.sites.public.api.serve_process import serve_process
from voting_service.demo.embedded_server import HOST, free_port
from voting_service.errors import Refused
from voting_service.infrastructure import metrics_server
from voting_service.infrastructure.metrics_server import Answers, metrics_port, metrics_text
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.settings import Settings


async def test_of_a_slow_client_and_of_a_taken_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics_server, "CLIENT_SECONDS", 0.1)
    port = free_port()
    states = {"postgres": "ok", "valkey": "away"}
    with metrics_port(HOST, port, Answers(is_alive=lambda: False, readiness=lambda: states)):
        with socket.create_connection((HOST, port)):  # sends nothing, and is not waited for long
            async with httpx.AsyncClient(base_url=f"http://{HOST}:{port}") as client:
                shown = await client.get("/metrics", timeout=PATIENCE_SECONDS)
                assert shown.headers["content-type"].startswith("text/plain")
                assert b"voting_" in shown.content
                ready = await client.get("/readyz")
                assert (ready.status_code, ready.json()) == (503, {"status": "not ready", **states})
                alive = await client.get("/healthz")
                assert (alive.status_code, alive.json()) == (503, {"status": "stuck"})
                assert (await client.get("/")).status_code == 404
        with pytest.raises(Refused, match=str(port)), metrics_port(HOST, port):
            pass
    with metrics_port(HOST, None):
        pass


def test_an_ended_worker_leaves_its_counts_and_takes_its_gauges(tmp_path: Path) -> None:
    script = "from voting_service.voting import metrics as m; m.BALLOTS.labels('busy').inc()"
    subprocess.run(
        [sys.executable, "-c", f"{script}; m.STANDINGS_READERS.set(7)"],
        env={"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}, check=True,
    )  # fmt: skip
    shown = metrics_text(tmp_path).decode()
    assert 'voting_ballots_total{outcome="busy"} 1.0' in shown
    assert "voting_standings_readers 7.0" not in shown


@asynccontextmanager
async def service(
    command: str, settings: Settings, **more: str
) -> AsyncIterator[tuple[asyncio.subprocess.Process, httpx.AsyncClient]]:
    """A service as operators start it, and a client of its metrics port."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("voting-service")),
        command,
        env=process_environment(settings, **{"METRICS_PORT": str(port), **more}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        address = f"http://{HOST}:{port}"
        async with httpx.AsyncClient(base_url=address, timeout=PATIENCE_SECONDS) as client:
            yield process, client
    finally:
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await process.communicate()


async def answers(client: httpx.AsyncClient, path: str, status: int = 200) -> str:
    """Wait until a path is answered so; return the body."""

    async def answered() -> bool:
        try:
            return (await client.get(path)).status_code == status
        except httpx.TransportError:
            return False

    await eventually(answered)
    return (await client.get(path)).text


async def test_work_and_console_have_metrics_and_work_has_health(settings: Settings) -> None:
    async with (
        service("work", settings) as (_, work),
        service("console", settings, STAFF_PORT=str(free_port())) as (_, console),
    ):
        assert await answers(work, "/readyz") == (
            '{"status": "ready", "postgres": "ok", "valkey": "ok"}'
        )
        assert await answers(work, "/healthz") == '{"status": "ok"}'
        await execute_as_owner(settings.migration_url, "alter table contests rename to gone")
        assert '"failing"' in await answers(work, "/readyz", 503)
        await execute_as_owner(settings.migration_url, "alter table gone rename to contests")
        await answers(work, "/readyz")
        assert "voting_reconciled_timestamp_seconds" in await answers(work, "/metrics")
        assert "voting_requests_refused_total" in await answers(console, "/metrics")
        taken = str(work.base_url.port)
        async with service("work", settings, METRICS_HOST=HOST, METRICS_PORT=taken) as (second, _):
            output, _ = await second.communicate()
            assert (second.returncode, taken in output.decode()) == (1, True), output


@pytest.mark.parametrize("workers", [1, 2])
async def test_the_workers_of_serve_are_added_up_without_a_folder_and_leave_none(
    settings: Settings,
    database: Connection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    workers: int,
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    await store_contest(database, settings.master_key.get_secret_value())
    async with serve_process(settings, tmp_path, WORKERS=str(workers)) as serving:
        assert (await serving.client.get("/metrics")).status_code == 404

        async def both_refresh() -> bool:
            """A worker refreshes its standings every second, as the other does."""
            await serving.client.get(STANDINGS)
            counts = re.findall(r"standings_refreshes_total\{.*\} (.*)", await serving.metrics())
            return sum(map(float, counts)) >= workers

        await eventually(both_refresh)
    assert not [path.name for path in tmp_path.iterdir() if path.is_dir()]
