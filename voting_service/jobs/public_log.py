"""Writes the public logs of all contests and publishes them as files.

Before a process writes into a log for the first time, or after it lost the database, it compares
the log with its folder and with its witnesses. A log that went back, as after the restore of an old
backup, is not written any more: it would fork.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import structlog

from voting_service.contests.model import Contest
from voting_service.errors import Unavailable
from voting_service.infrastructure.crypto.signed_document import load_signing_key
from voting_service.infrastructure.http_clients.client import BoundedClient, open_http_client
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.infrastructure.transparency_log.signed_note import (
    COSIGNATURE,
    read_verifier_key,
)
from voting_service.jobs.loop_runner import Loop, for_each_contest
from voting_service.settings import Settings
from voting_service.voting import metrics as voting_metrics
from voting_service.voting.completeness import CompletenessReader
from voting_service.voting.public_log.content import load_content
from voting_service.voting.public_log.publication import (
    Published,
    PublishedLog,
    publish,
    publish_key,
)
from voting_service.voting.public_log.repository import load_secrets, load_size
from voting_service.voting.public_log.sequencer import LogIdentity, LogSettings, write_log
from voting_service.voting.public_log.witness_client import LogFork, Witness, WitnessPanel

NAME = "public_log"
ROUND_SECONDS = 2.0
ASK_AGAIN_SECONDS = 15.0
"""A witness that did not answer is asked again after so long."""

log = structlog.get_logger(__name__)


class LogOptions(NamedTuple):
    """The settings of the public logs."""

    identity: LogIdentity
    witnesses: tuple[Witness, ...]
    folder: Path
    master_key: bytes
    bundle_wait: timedelta


def read_log_options(settings: Settings) -> LogOptions | None:
    """Return the options; None where no key and folder are set. Raises InvalidInput for a
    witness's key, Refused for a key that cannot be read."""
    if settings.log_key_file is None or settings.log_folder is None:
        return None
    witnesses = tuple(
        Witness(read_verifier_key(witness.key, (COSIGNATURE,)), witness.address)
        for witness in settings.log_witnesses
    )
    identity = LogIdentity(
        settings.log_host or urlsplit(settings.public_url).netloc,
        load_signing_key(settings.log_key_file),
        tuple(witness.key for witness in witnesses),
    )
    return LogOptions(
        identity,
        witnesses,
        settings.log_folder,
        settings.master_key.get_secret_value(),
        timedelta(seconds=settings.log_bundle_seconds),
    )


class LogKeeper:
    """Writes and publishes logs over one connection at a time."""

    def __init__(self, options: LogOptions, completeness: CompletenessReader) -> None:
        self._options = options
        self._completeness = completeness
        self._connection: Connection | None = None
        self._compared: set[int] = set()
        self._closed: set[int] = set()
        self._shown: dict[int, Published] = {}
        self._missing: dict[int, int] = {}
        self._ask_again: dict[int, float] = {}
        self.stopped: set[str] = set()

    @property
    def missing(self) -> int:
        """How many cosignatures are missing."""
        return sum(self._missing.values())

    async def keep(self, connection: Connection, contest: Contest) -> None:
        """Write what is due into the log of a contest, and publish it. Raises LogFork."""
        if connection is not self._connection:  # the database may be another one
            self._connection = connection
            self._compared.clear()
            self._closed.clear()
            self._shown.clear()
        try:
            if contest.id not in self._compared:
                if self._waits(contest):
                    return
                await self._compare(connection, contest)
                self._compared.add(contest.id)
            await self._write(connection, contest)
            await self._publish(connection, contest)
        except LogFork as error:
            self._compared.discard(contest.id)
            self._shown.pop(contest.id, None)
            self.stopped.add(contest.slug)
            log.error(  # noqa: TRY400
                "public_log_stopped",
                contest=contest.slug,
                reason=str(error),
                effect="nothing more of this log is published",
                remedy="docs/runbook.md: VotingPublicLogStopped",
            )
        else:
            self.stopped.discard(contest.slug)

    def _published_log(self, contest: Contest) -> PublishedLog:
        key = self._options.identity.verifier(contest.slug)
        return PublishedLog(self._options.folder / contest.slug, key)

    @asynccontextmanager
    async def _witnesses(self) -> AsyncIterator[WitnessPanel]:
        """Open connections to the witnesses, which takes too long for rounds without news."""
        async with open_http_client() as http:
            yield WitnessPanel(BoundedClient(http), self._options.witnesses)

    async def _compare(self, connection: Connection, contest: Contest) -> None:
        """Publish what is stored. Raises LogFork unless the stored log continues what its folder
        and witnesses have, Unavailable until each witness has answered: one that does not may have
        seen more of the log than an old backup has."""
        size = await load_size(connection, contest.id)
        newest = self._published_log(contest).newest()
        if newest and size < newest[0].size:
            raise LogFork("voting.public_log.more_is_published", size=newest[0].size, ours=size)
        await self._publish(connection, contest, needs_all=True)

    def _waits(self, contest: Contest) -> bool:
        """Return whether it is too early to ask a witness again that did not answer."""
        return time.monotonic() < self._ask_again.get(contest.id, 0.0)

    async def _write(self, connection: Connection, contest: Contest) -> None:
        options = self._options
        secrets = await load_secrets(connection, options.master_key, contest.id)
        settings = LogSettings(options.identity, secrets, options.bundle_wait)
        complete_before = None
        if contest.id not in self._closed:
            complete_before = (await self._completeness(connection)).complete_before
        while True:
            progress = await write_log(connection, contest, settings, complete_before)
            if progress.is_closed:
                self._closed.add(contest.id)
            if not progress.has_more:
                return

    async def _publish(
        self, connection: Connection, contest: Contest, *, needs_all: bool = False
    ) -> None:
        """Publish what is new, or what some witness has not cosigned."""
        shown = self._shown.get(contest.id)
        size = await load_size(connection, contest.id)
        is_news = size and not (shown and shown.size == size and not shown.missing)
        if not is_news or self._waits(contest):
            return
        published = self._published_log(contest)
        newest = published.newest()
        content = await load_content(
            connection, contest.id, published.start, newest[0].size if newest else 0
        )
        try:
            async with self._witnesses() as panel:
                shown = await publish(published, content, panel, needs_all=needs_all)
        except Unavailable:
            self._missing[contest.id] = len(self._options.witnesses)
            self._ask_again[contest.id] = time.monotonic() + ASK_AGAIN_SECONDS
            raise
        self._shown[contest.id], self._missing[contest.id] = shown, len(shown.missing)
        if shown.missing:
            self._ask_again[contest.id] = time.monotonic() + ASK_AGAIN_SECONDS


def public_log_loops(settings: Settings, completeness: CompletenessReader) -> list[Loop]:
    """Return the loop that keeps the public logs; none where they are not set up. Raises
    InvalidInput and Refused."""
    options = read_log_options(settings)
    if options is None:
        return []
    keeper = LogKeeper(options, completeness)
    keep_all = for_each_contest(NAME, keeper.keep)

    async def work(connection: Connection) -> None:
        await asyncio.to_thread(publish_key, options.folder, options.identity.verifier_of_all)
        await keep_all(connection)
        voting_metrics.PUBLIC_LOGS_STOPPED.set(len(keeper.stopped))
        voting_metrics.PUBLIC_LOG_WITNESSES_MISSING.set(keeper.missing)

    return [Loop(NAME, ROUND_SECONDS, work)]
