"""Write the audit archive from Postgres piece by piece, in bounded memory."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from hashlib import sha256
from typing import Any, BinaryIO, NamedTuple
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import msgspec
from msgspec.structs import replace

from voting_service.contests.model import Contest
from voting_service.infrastructure.postgres.named_queries import Queries
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.staff.accounts.model import Role
from voting_service.staff.approvals.repository import load_contest_approvals
from voting_service.voting.replay import archive

QUERIES = Queries(__package__)
LINES_AT_ONCE = 10_000
TIMEOUT_SECONDS = 1800
EXPORTERS: tuple[Role, ...] = ("auditor", "tally_clerk", "supervisor")
"""Roles that may export data of single voters, even under pseudonyms."""
_LIGHTLY = 1
"""Hashes do not compress, so more effort would only take longer."""


class WrittenArchive(NamedTuple):
    """The exported file, for the audit log."""

    sha256: str
    size_bytes: int


class _Outbox(io.RawIOBase):
    """Buffers what the ZIP writes until it is collected. Not seekable, so nothing is rewritten."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def collect(self) -> bytes:
        collected = b"".join(self._parts)
        self._parts.clear()
        return collected


class _Packer:
    """Members of the ZIP and their hashes, for the manifest."""

    def __init__(self) -> None:
        self._outbox = _Outbox()
        self._zip = ZipFile(self._outbox, "w", ZIP_DEFLATED, compresslevel=_LIGHTLY)
        self._hashes: dict[str, str] = {}

    def whole(self, name: str, content: bytes) -> bytes:
        """Write a small member."""
        with self._zip.open(_info(name), "w") as member:
            member.write(content)
        self._hashes[name] = sha256(content).hexdigest()
        return self._outbox.collect()

    def json(self, name: str, value: Any) -> bytes:
        encoded = msgspec.json.encode(value, order="deterministic")
        return self.whole(name, msgspec.json.format(encoded, indent=1) + b"\n")

    async def lines(
        self, name: str, columns: Sequence[str], pages: AsyncIterator[list[str]]
    ) -> AsyncGenerator[bytes, None]:
        """Write a long member page by page; compression runs in a thread."""
        hashed = sha256()
        with self._zip.open(_info(name), "w", force_zip64=True) as member:

            def add(text: str) -> bytes:
                content = text.encode()
                hashed.update(content)
                member.write(content)
                return self._outbox.collect()

            yield add(",".join(columns) + "\n")
            async for page in pages:
                yield await asyncio.to_thread(add, "\n".join(page) + "\n")
        self._hashes[name] = hashed.hexdigest()
        yield self._outbox.collect()

    def close(self) -> bytes:
        packed = self.json(archive.MANIFEST, self._hashes)
        self._zip.close()
        return packed + self._outbox.collect()


def _info(name: str) -> ZipInfo:
    """Return the entry of a member, without the time of export."""
    info = ZipInfo(name)
    info.compress_type = ZIP_DEFLATED
    info._compresslevel = _LIGHTLY  # type: ignore[attr-defined]  # public only from 3.13 on
    return info


async def _pages(
    connection: AnyConnection, statement: str, contest_id: int
) -> AsyncIterator[list[str]]:
    cursor = await connection.cursor(statement, contest_id)
    while rows := await cursor.fetch(LINES_AT_ONCE):
        yield [row["line"] for row in rows]


async def audit_archive(connection: AnyConnection, contest: Contest) -> AsyncIterator[bytes]:
    """Yield the archive (voting/replay/archive.py) in pieces, from one consistent view.

    Takes minutes for millions of ballots: use a connection of its own, outside a transaction.
    Raises StoreUnavailable.
    """
    packer = _Packer()
    with domain_errors():
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            await connection.execute(QUERIES["limit"], f"{TIMEOUT_SECONDS}s")
            for piece in await _small_members(connection, contest, packer):
                yield piece
            for name, columns, query in (
                (archive.HOLD_BALLOTS, archive.HOLD_COLUMNS, "hold_ballots"),
                (archive.BALLOTS, archive.BALLOT_COLUMNS, "ballots"),
            ):
                pages = _pages(connection, QUERIES[query], contest.id)
                # If the consumer stops, the member is closed too, not only this generator.
                async with aclosing(packer.lines(name, columns, pages)) as pieces:
                    async for piece in pieces:
                        yield piece
    yield packer.close()


async def _small_members(
    connection: AnyConnection, contest: Contest, packer: _Packer
) -> list[bytes]:
    platforms = await connection.fetch(QUERIES["platforms"])
    holds = await connection.fetch(QUERIES["holds"], contest.id)
    rulings = await connection.fetch(QUERIES["rulings"], contest.id)
    withdrawals = await connection.fetch(QUERIES["withdrawals"], contest.id)
    publications = await connection.fetch(QUERIES["publications"], contest.id)
    decisions = await load_contest_approvals(connection, contest.id)
    return [
        packer.json(
            archive.CONTEST,
            archive.ContestPart(
                archive.FORMAT, contest.slug, contest.opens_at, contest.closes_at, contest.rules
            ),
        ),
        packer.json(archive.CANDIDATES, contest.candidates),
        packer.json(archive.PLATFORMS, [dict(row) for row in platforms]),
        packer.json(archive.HOLDS, [archive.HoldPart(**dict(row)) for row in holds]),
        packer.json(archive.WITHDRAWALS, [dict(row) for row in withdrawals]),
        packer.json(
            archive.CORRECTIONS,
            [replace(c, before={}) if c.before_hidden else c for c in contest.corrections],
        ),
        packer.json(archive.RULINGS, [archive.RulingPart(**dict(row)) for row in rulings]),
        packer.json(archive.DECISIONS, [replace(d, payload=d.recorded) for d in decisions]),
        packer.json(
            archive.PUBLICATIONS,
            [
                {name: value for name, value in row.items() if name != "document"}
                for row in publications
            ],
        ),
        *(
            packer.whole(archive.publication_member(row["version"]), row["document"])
            for row in publications
        ),
    ]


async def write_audit_archive(
    connection: AnyConnection, contest: Contest, stream: BinaryIO
) -> WrittenArchive:
    """Write `audit_archive` into a file."""
    hashed, size_bytes = sha256(), 0
    async for piece in audit_archive(connection, contest):
        hashed.update(piece)
        size_bytes += len(piece)
        await asyncio.to_thread(stream.write, piece)
    return WrittenArchive(hashed.hexdigest(), size_bytes)
