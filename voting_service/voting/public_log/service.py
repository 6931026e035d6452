"""Writes and publishes the public log of a contest, and proves ballots from what is published."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from voting_service.contests.model import Contest
from voting_service.infrastructure.postgres.pool import AnyConnection
from voting_service.infrastructure.transparency_log.signed_note import read_verifier_key
from voting_service.infrastructure.transparency_log.tiles import WIDTH, Tile, read_entry_bundle
from voting_service.voting.public_log.commitments import ballot_tag, split_tags
from voting_service.voting.public_log.entries import Bundle, Entry, read_entry
from voting_service.voting.public_log.publication import (
    LogContent,
    LogFiles,
    Published,
    publish,
    publish_file,
)
from voting_service.voting.public_log.receipt_proof import EntryPlace, ReceiptProof, prove
from voting_service.voting.public_log.repository import (
    BallotPlace,
    load_bundle_ballots,
    load_documents,
    load_written,
)
from voting_service.voting.public_log.sequencer import LogIdentity, LogSettings, write_log
from voting_service.voting.public_log.witness_client import WitnessPanel

KEY = "key"


class LogPublication(NamedTuple):
    """Where the logs of a service are published, and who cosigns them."""

    folder: Path
    witnesses: WitnessPanel


def show_key(folder: Path, identity: LogIdentity) -> None:
    """Publish the key of all logs, which witnesses of all take."""
    publish_file(folder / KEY, f"{identity.verifier_of_all.text}\n".encode())


async def write_and_publish(
    connection: AnyConnection,
    contest: Contest,
    settings: LogSettings,
    publishing: LogPublication,
    complete_before: datetime,
) -> Published | None:
    """Write all that is due into the log of a contest and publish it; None while it has no log.
    Raises as `write_log` and `publish`."""
    while (await write_log(connection, contest, settings, complete_before)).has_more:
        pass
    folder = LogFiles(publishing.folder / contest.slug, settings.identity.verifier(contest.slug))
    content = await load_content(connection, contest.id, folder)
    return None if content is None else await publish(folder, content, publishing.witnesses)


async def load_content(
    connection: AnyConnection, contest_id: int, folder: LogFiles
) -> LogContent | None:
    """Load what a publication needs; None without a log."""
    start, size = folder.start, folder.size
    written = await load_written(connection, contest_id, start)
    if written is None:
        return None
    new = [read_entry(entry) for entry in written.entries[size - start :]]
    numbers = [entry.bundle for entry in new if isinstance(entry, Bundle)]
    ballots = await load_bundle_ballots(connection, contest_id, numbers)
    named = [name for entry in new for name in named_documents(entry)]
    return LogContent(
        checkpoint=written.checkpoint,
        start=start,
        entries=written.entries,
        bundles={number: sorted(map(ballot_tag, ids)) for number, ids in ballots.items()},
        documents=await load_documents(connection, contest_id, named),
    )


def named_documents(entry: Entry) -> list[str]:
    """Return the documents that an entry names."""
    fields = msgspec.structs.asdict(entry)
    return [fields[name] for name in ("rules", "candidates", "document") if name in fields]


async def prove_ballot(folder: Path, ballot_id: bytes, place: BallotPlace) -> ReceiptProof | None:
    """Return the durable receipt of a ballot from the folder of its log; None while the published
    checkpoint does not reach it."""
    return await asyncio.to_thread(_prove, folder, ballot_tag(ballot_id), place)


def _prove(folder: Path, tag: bytes, place: BallotPlace) -> ReceiptProof | None:
    try:
        key = read_verifier_key((folder / KEY).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    log = LogFiles(folder, key)
    newest = log.newest()
    if newest is None or newest[0].size <= place.entry:
        return None
    checkpoint, note = newest
    tile = Tile("entries", place.entry // WIDTH)
    width = min(WIDTH, checkpoint.size - tile.number * WIDTH)
    entries = read_entry_bundle((folder / tile._replace(width=width).path).read_bytes())
    tags = split_tags((folder / "bundles" / str(place.bundle)).read_bytes())
    entry = EntryPlace(place.entry, entries[place.entry % WIDTH], checkpoint.size, note.data)
    return prove(tags, tag, entry, log.nodes(checkpoint.size))
