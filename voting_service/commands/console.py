"""`console`: the staff site."""

from __future__ import annotations

import click
import structlog
import uvicorn

from voting_service.commands.start_checks import check_start
from voting_service.infrastructure.descriptors import max_connections, raise_limit
from voting_service.infrastructure.metrics_server import metrics_port
from voting_service.infrastructure.timeouts import KEEP_ALIVE_SECONDS
from voting_service.nomination.files.libreoffice import find_libreoffice
from voting_service.settings import Settings, load_settings

GRACEFUL_SECONDS = 20
MAX_CONNECTIONS = 1_000

log = structlog.get_logger(__name__)


@click.command()
def console() -> None:
    """Serve the staff site: the console (tally, rulings, publication, audit log, accounts) and the
    nomination pages (recommendation, review, shortlist, panel, awards).

    Set VOTING_STAFF_HOST and VOTING_STAFF_PORT to choose where it listens, and VOTING_STAFF_URL
    to the address that staff open. One process serves hundreds of staff; you can run several.
    """
    settings = load_settings()
    check_start(settings, "console", f"{settings.staff_host}:{settings.staff_port}")
    if find_libreoffice() is None:
        log.warning("word_files_cannot_be_read", missing="LibreOffice")
    raise_limit(MAX_CONNECTIONS)
    with metrics_port(settings.metrics_host, settings.metrics_port):
        _serve(settings)


def _serve(settings: Settings) -> None:
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
        limit_concurrency=max_connections(MAX_CONNECTIONS),
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
    )
