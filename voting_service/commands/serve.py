"""`serve`: the public site."""

from __future__ import annotations

import click
import uvicorn

from voting_service.commands.runtime import require_durable_database
from voting_service.infrastructure.timeouts import KEEP_ALIVE_SECONDS
from voting_service.settings import load_settings, share_metrics_folder

GRACEFUL_SECONDS = 20
"""How long the process may go on answering votes after it was asked to stop."""
MAX_CONNECTIONS = 20_000


@click.command()
def serve() -> None:
    """Serve the public site: pages and JSON API.

    Set VOTING_HOST, VOTING_PORT and VOTING_WORKERS to choose address, port and worker processes.
    """
    settings = load_settings()
    require_durable_database(settings)
    # Before anything imports a metric; so the classes below are named, not imported.
    if settings.metrics_dir is not None:
        share_metrics_folder(settings.metrics_dir)
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
        limit_concurrency=MAX_CONNECTIONS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
    )
