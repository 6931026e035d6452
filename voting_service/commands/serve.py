"""`serve`: the public site."""

from __future__ import annotations

import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path

import click
import uvicorn
from uvicorn.importer import import_from_string

from voting_service.commands.start_checks import check_start
from voting_service.infrastructure.descriptors import max_connections, raise_limit
from voting_service.infrastructure.timeouts import KEEP_ALIVE_SECONDS
from voting_service.settings import Settings, load_settings, share_metrics_folder

GRACEFUL_SECONDS = 20
"""How long the process may go on answering votes after it was asked to stop."""
WORKER_SECONDS = 30
"""How long a new worker may take to start, and a worker to answer the supervisor, on a machine that
is busy. A rolling restart (SIGHUP) keeps the old workers when a new one takes longer."""


@click.command()
def serve() -> None:
    """Serve the public site: pages and JSON API.

    Set VOTING_HOST, VOTING_PORT and VOTING_WORKERS to choose address, port and worker processes.
    """
    settings = load_settings()
    with _shared_metrics(settings) as answers:
        check_start(settings, "serve", f"{settings.host}:{settings.port}")
        raise_limit()
        with answers():
            _serve(settings)


@contextmanager
def _shared_metrics(settings: Settings) -> Iterator[Callable[[], AbstractContextManager[None]]]:
    """Share the metrics of all workers in a folder, and give what answers on the metrics port.

    The folder is shared before anything imports a metric; so what does is named, not imported.
    """
    if settings.metrics_port is None:
        yield nullcontext
        return
    # The single worker ends itself by the signal that it was sent; then nothing would tidy up.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with tempfile.TemporaryDirectory(prefix="voting-metrics-") as made:
        folder = settings.metrics_dir or Path(made)
        share_metrics_folder(folder)
        server = "voting_service.infrastructure.metrics_server"
        port, answers = (import_from_string(f"{server}:{n}") for n in ("metrics_port", "Answers"))
        yield partial(port, settings.metrics_host, settings.metrics_port, answers(folder))


def _serve(settings: Settings) -> None:
    uvicorn.run(
        "voting_service.sites.public.app:create_app",
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        loop="uvloop",
        http="voting_service.sites.public.overload:PublicHttpProtocol",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=4096,
        limit_concurrency=max_connections(),
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
        timeout_worker_healthcheck=WORKER_SECONDS,
    )
