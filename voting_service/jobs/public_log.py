"""Writes the public logs and publishes them. Without a key and a folder there are none."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial
from urllib.parse import urlsplit

from voting_service.contests.model import Contest
from voting_service.errors import Fault
from voting_service.infrastructure.crypto.signed_document import load_signing_key
from voting_service.infrastructure.http_clients.client import BoundedClient, open_http_client
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.infrastructure.transparency_log.signed_note import (
    COSIGNATURE,
    read_verifier_key,
)
from voting_service.jobs.loop_runner import Loop, for_each_contest
from voting_service.settings import PREFIX, Settings, SettingsFault
from voting_service.voting import metrics
from voting_service.voting.completeness import CompletenessReader
from voting_service.voting.public_log.repository import load_secrets
from voting_service.voting.public_log.sequencer import LogIdentity, LogSettings
from voting_service.voting.public_log.service import LogPublication, show_key, write_and_publish
from voting_service.voting.public_log.witness_client import LogFork, Witness, WitnessPanel

NAME = "public_log"
PAUSE_SECONDS = 2.0


def log_identity(settings: Settings) -> LogIdentity | None:
    """Return the key, name and witnesses of the service's logs; None where there are none. Raises
    SettingsFault for a key without a folder."""
    if settings.log_key_file is None:
        return None
    if settings.log_folder is None:
        raise SettingsFault(Fault(f"{PREFIX}LOG_FOLDER", "settings.missing"))
    keys = [read_verifier_key(w.key, (COSIGNATURE,)) for w in settings.log_witnesses]
    host = settings.log_host or urlsplit(settings.public_url).netloc
    return LogIdentity(host, load_signing_key(settings.log_key_file), tuple(keys))


def public_log_loops(settings: Settings, completeness: CompletenessReader) -> list[Loop]:
    """Return the loop that writes and publishes the logs, in a list that is empty without them."""
    identity = log_identity(settings)
    if identity is None or settings.log_folder is None:
        return []
    master_key = settings.master_key.get_secret_value()
    wait = timedelta(seconds=settings.log_bundle_seconds)
    addresses = [witness.address for witness in settings.log_witnesses]
    witnesses = [Witness(*pair) for pair in zip(identity.witnesses, addresses, strict=True)]
    folder = settings.log_folder
    stopped = missing = 0

    async def publish(panel: WitnessPanel, connection: Connection, contest: Contest) -> None:
        nonlocal stopped, missing
        _, complete_before = await completeness(connection)
        secrets = await load_secrets(connection, master_key, contest.id)
        try:
            published = await write_and_publish(
                connection,
                contest,
                LogSettings(identity, secrets, wait),
                LogPublication(folder, panel),
                complete_before,
            )
        except LogFork:
            stopped += 1
            raise
        missing += len(published.missing) if published else 0

    async def work(connection: Connection) -> None:
        nonlocal stopped, missing
        stopped = missing = 0
        await asyncio.to_thread(show_key, folder, identity)
        async with open_http_client() as client:
            panel = WitnessPanel(BoundedClient(client), witnesses)
            await for_each_contest(NAME, partial(publish, panel))(connection)
        metrics.LOG_STOPPED.set(stopped)
        metrics.LOG_WITNESSES_MISSING.set(missing)

    return [Loop(NAME, PAUSE_SECONDS, work)]
