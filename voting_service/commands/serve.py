"""`serve`: the citizens' face."""

from __future__ import annotations

import click
import uvicorn

from voting_service.commands.running import require_durable_database
from voting_service.settings import load_settings, share_metrics_folder

GRACEFUL_SECONDS = 20
"""A vote in flight is answered within this time; then the process ends."""
MAX_CONNECTIONS = 20_000


@click.command()
def serve() -> None:
    """Serve the citizens' API.

    Address, port and number of workers come from VOTING_HOST, VOTING_PORT, VOTING_WORKERS.
    """
    settings = load_settings()
    require_durable_database(settings)
    # Before anything imports the metrics, which is why the classes below are only named.
    if settings.metrics_dir is not None:
        share_metrics_folder(settings.metrics_dir)
    uvicorn.run(
        "voting_service.public.app:create_app",
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        loop="uvloop",
        http="voting_service.public.too_busy:CitizensHttp",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=4096,
        limit_concurrency=MAX_CONNECTIONS,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
    )
