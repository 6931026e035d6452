"""`office`: the internal face."""

from __future__ import annotations

import click
import uvicorn

from voting_service.commands.running import require_durable_database
from voting_service.settings import load_settings

GRACEFUL_SECONDS = 20
MAX_CONNECTIONS = 1_000


@click.command()
def office() -> None:
    """Serve the staff's desk (tallies, rulings, publication, journal, accounts) and the office
    (recommendation, review, panel, announcement).

    Address and port come from VOTING_OFFICE_HOST and VOTING_OFFICE_PORT; VOTING_OFFICE_URL says
    where staff find it. One process is enough for hundreds of staff, several may run.
    """
    settings = load_settings()
    require_durable_database(settings)
    uvicorn.run(
        "voting_service.internal:create_app",
        factory=True,
        host=settings.office_host,
        port=settings.office_port,
        loop="uvloop",
        http="voting_service.web.slow_clients:UploadHttp",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=MAX_CONNECTIONS,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
    )
