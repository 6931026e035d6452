"""What a process checks before it serves: its files and its stores, all faults at once.

Nothing is imported here that imports a metric: `serve` shares its workers' metrics first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from pkgutil import resolve_name
from typing import Literal
from urllib.parse import urlsplit

import structlog

from voting_service.commands.runtime import run
from voting_service.contests.keys import not_opened
from voting_service.contests.repository import load_readable_contests
from voting_service.errors import Fault, InvalidInput, Refused, StoreFault, VotingError
from voting_service.infrastructure.clock import system_clock
from voting_service.infrastructure.crypto.signed_document import load_signing_key
from voting_service.infrastructure.logs import configure_logs
from voting_service.infrastructure.postgres.connection_budget import (
    budget,
    load_room,
    opened_at_once,
)
from voting_service.infrastructure.postgres.pool import Connection, connect
from voting_service.infrastructure.postgres.roles import Role, url_with_role
from voting_service.infrastructure.postgres.schema import require_schema, require_session
from voting_service.infrastructure.timeouts import ACQUIRE_TIMEOUT_SECONDS
from voting_service.infrastructure.traces import is_installed
from voting_service.settings import PREFIX, Settings, SettingsFault
from voting_service.valkey_address import ValkeyAddress

Process = Literal["serve", "console", "work"]
ROLES: Mapping[Process, Role] = {
    "serve": "voting_public",
    "console": "voting_staff",
    "work": "voting_jobs",
}
NOT_FOR_LONG = ("no connections left", "no primary")
"""The words of faults that pass: other processes are ending, as in a rolling restart, or a standby
is being made the primary."""
CHECK_SECONDS = 5 * ACQUIRE_TIMEOUT_SECONDS
SECRET_READERS = {
    "platform_secrets_file": "voting_service.voting.voters.service:read_platform_secrets",
    "captcha_secrets_file": "voting_service.antifraud.captchas.registry:read_captcha_secrets",
}
"""By setting, what reads the file; named, not imported."""
DOCUMENT_SIGNER = "voting_service.nomination.awards.signing:load_signer"
"""What reads the joint office's key, which `work` signs documents with; named, not imported."""

log = structlog.get_logger(__name__)


def check_start(settings: Settings, process: Process, address: str = "") -> None:
    """Check files and stores, and log `started` with what matters of the settings.

    Raises SettingsFault with every fault. A store that does not answer is no fault: the process
    then waits for it, and `readyz` and its log name it.
    """
    configure_logs(settings.log_level)
    contests: list[str] = []
    stores = _faults_of_stores(settings, process, contests)
    faults = [*_faults_of_files(settings, process), *run(stores)]
    if faults:
        raise SettingsFault(*faults)
    log.info(
        "started",
        process=process,
        version=version("voting-service"),
        address=address,
        contests=contests,
        postgres=_without_secrets(settings.database_url),
        valkey=ValkeyAddress.parse(settings.valkey_url).without_secrets,
        public_url=settings.public_url,
        staff_url=settings.staff_url,
        workers=settings.workers,
        trusted_proxies=[str(network) for network in settings.trusted_proxies],
        exempt_networks=[str(network) for network in settings.exempt_networks],
    )


def _faults_of_files(settings: Settings, process: Process) -> list[Fault]:
    faults: list[Fault] = []
    try:
        load_signing_key(settings.signing_key_file)
    except Refused as error:
        faults.append(_fault("SIGNING_KEY_FILE", error))
    if process == "work":
        try:
            resolve_name(DOCUMENT_SIGNER)(settings, system_clock())
        except Refused as error:
            faults.append(_fault("DOCUMENT_SIGNING_KEY_FILE", error))
    if settings.traces_url is not None and not is_installed():
        faults.append(Fault(PREFIX + "TRACES_URL", "settings.traces_not_installed"))
    for name, reader in SECRET_READERS.items():
        path: Path | None = getattr(settings, name)
        try:
            resolve_name(reader)(path)
        except InvalidInput as error:
            faults.extend(error.faults)
    return faults


async def _faults_of_stores(
    settings: Settings, process: Process, contests: list[str]
) -> list[Fault]:
    """Return the faults of Postgres, and fill in the slugs of all contests."""
    url = url_with_role(settings.database_url, ROLES[process])
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            connection = await connect(url)
            try:
                await require_schema(connection)
                other = await connect(url)
                try:
                    await require_session(connection, other)
                finally:
                    await other.close()
                await _check_connections(connection, settings, process)
                readable, unreadable = await load_readable_contests(connection)
                contests += [*(contest.slug for contest in readable), *unreadable]
                await not_opened(connection, settings.master_key.get_secret_value())
            finally:
                await connection.close()
    except StoreFault as error:
        if error.word not in NOT_FOR_LONG:
            return [_fault("DATABASE_URL", error)]
        log.warning("postgres_away_at_start", reason=str(error))
    except TooFewConnections as error:
        return [_fault("WORKERS" if process == "serve" else "DATABASE_URL", error)]
    except Refused as error:
        return [_fault("MASTER_KEY", error)]
    except (VotingError, TimeoutError) as error:
        log.warning("postgres_away_at_start", reason=str(error))
    return []


class TooFewConnections(Refused):
    """PostgreSQL gives this process fewer connections than it may need."""


async def _check_connections(connection: Connection, settings: Settings, process: Process) -> None:
    """Raises TooFewConnections if this process alone may need more connections than there are.
    Warns if all processes together may, or if a pooler does not give this one its share now."""
    total = budget(settings.workers, settings.serve_machines)
    own = budget(settings.workers, 1).needed[process]
    room = await load_room(connection, settings.database_url)
    if own > room.connections:
        raise TooFewConnections(
            "infrastructure.postgres.too_few_connections",
            process=process,
            needed=own,
            room=room.connections,
        )
    if total.total > room.connections:
        log.warning(
            "connections_over_budget",
            needed=total.total,
            by_process=str(total),
            room=room.connections,
            remedy="raise max_connections, or lower VOTING_WORKERS; VOTING_SERVE_MACHINES counts "
            "the machines that run `serve`",
        )
    if room.pooled:
        url = url_with_role(settings.database_url, ROLES[process])
        given = 1 + await opened_at_once(url, own - 1)  # besides this connection
        if given < own:
            log.warning(
                "pooler_gives_too_few",
                needed=own,
                given=given,
                remedy="raise default_pool_size, max_db_connections and max_client_conn of the "
                "pooler: every connection of ours keeps a session of the server",
            )


def _fault(variable: str, error: VotingError) -> Fault:
    return Fault(PREFIX + variable, error.code, **error.params)


def _without_secrets(url: str) -> str:
    """Return host, port and path of a URL."""
    parts = urlsplit(url)
    return f"{parts.netloc.rpartition('@')[2]}{parts.path}"
