"""`console`: the staff site."""

from __future__ import annotations

import click
import uvicorn

from voting_service.commands.runtime import require_durable_database
from voting_service.infrastructure.timeouts import KEEP_ALIVE_SECONDS
from voting_service.settings import load_settings

GRACEFUL_SECONDS = 20
MAX_CONNECTIONS = 1_000


@click.command()
def console() -> None:
    """Serve the staff site: the console (tally, rulings, publication, audit log, accounts) and the
    nomination pages (recommendation, review, shortlist, panel, awards).

    Set VOTING_STAFF_HOST and VOTING_STAFF_PORT to choose where it listens, and VOTING_STAFF_URL
    to the address that staff open. One process serves hundreds of staff; you can run several.
    """
    settings = load_settings()
    require_durable_database(settings)
    uvicorn.run(
        "voting_service.sites.staff_app:create_app",
        factory=True,
        host=settings.staff_host,
        port=settings.staff_port,
        loop="uvloop",
        http="voting_service.sites.shared.slow_clients:UploadHttp",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=MAX_CONNECTIONS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
    )
