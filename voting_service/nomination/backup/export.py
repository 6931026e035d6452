"""A whole selection as one file that another installation can restore.

A ZIP of JSON lines: `manifest.json`, `accounts.jsonl` (names and roles, nothing secret),
`bodies.jsonl`, `approval_requests.jsonl`, and one file for every table of the nomination with rows
of the selection. Every line except the manifest is encrypted with the archive's own key, which is
kept apart from the file: an archive reveals nothing without it, and opens without the keys of this
installation.

Accounts are exported without passwords, invitations not at all. What was published (notices, the
result, certificates, the vote) is public record and not part of the archive.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile

import msgspec

from voting_service.errors import Fault, InvalidInput
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.nomination.model import Selection
from voting_service.nomination.privacy.encryption import PersonalKeys
from voting_service.nomination.retention.encrypted_columns import ENCRYPTED_COLUMNS
from voting_service.nomination.retention.operator import Operator
from voting_service.nomination.retention.tables import (
    BODIES,
    DatabaseTable,
    load_tables,
    owned_rows,
)
from voting_service.staff.audit_log.record import record

FORMAT = 1
MANIFEST = "manifest.json"
NOT_ARCHIVED = frozenset({"document_packs", "document_pack_pieces"})
"""What is made from the rest, and deleted after a day."""
_BATCH_ROWS = 20


class BackupManifest(msgspec.Struct, frozen=True):
    """The description of an archive: slug of the contest, columns by table, and the SHA-256 of
    every other file."""

    format: int
    slug: str
    contest: str | None
    written_at: datetime
    columns: dict[str, list[str]]
    files: dict[str, str]


class ArchiveFile(NamedTuple):
    """Where an archive is written, and its own key."""

    path: Path
    key: bytes


async def write_archive(
    operator: Operator,
    selection: Selection,
    file: ArchiveFile,
    progress: Callable[[int], None] = lambda _rows: None,
) -> BackupManifest:
    """Write the archive from one consistent view and record it in the audit log.

    Raises Refused when the listed keys do not open a value.
    """
    connection, keys = operator.connection, operator.keys
    archive_keys = PersonalKeys(file.key)
    tables = [table for table in await load_tables(connection) if table.name not in NOT_ARCHIVED]
    owned = owned_rows(tables)
    hashes: dict[str, str] = {}
    with ZipFile(file.path, "x", ZIP_DEFLATED) as archive:
        with domain_errors():
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                for name, rows in (
                    ("accounts", _accounts(connection)),
                    ("bodies", _plain(connection, "select * from nomination.bodies order by id")),
                    ("approval_requests", _approval_requests(connection, selection)),
                    *(
                        (table.name, _rows(connection, table, owned, selection, keys))
                        for table in tables
                        if table.name in owned
                    ),
                ):
                    hashes[f"{name}.jsonl"] = await _write(
                        archive, name, rows, archive_keys, progress
                    )
                contest = await connection.fetchval(
                    "select slug from contests where id = $1", selection.contest_id
                )
        manifest = BackupManifest(
            FORMAT,
            selection.slug,
            contest,
            operator.now,
            {t.name: list(t.columns) for t in tables if t.name in owned},
            hashes,
        )
        archive.writestr(MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))
    await record(
        connection,
        operator.name,
        "exported",
        contest=selection.slug,
        subject="archive",
        details={"sha256": _file_sha256(file.path)},
    )
    return manifest


async def _write(
    archive: ZipFile,
    name: str,
    rows: AsyncIterator[Mapping[str, Any]],
    archive_keys: PersonalKeys,
    progress: Callable[[int], None],
) -> str:
    digest = sha256()
    number = 0
    with archive.open(f"{name}.jsonl", "w") as stream:
        async for row in rows:
            number += 1
            encrypted = archive_keys.encrypt(line_label(name, number), msgspec.json.encode(row))
            line = b64encode(encrypted) + b"\n"
            digest.update(line)
            stream.write(line)
            progress(1)
    return digest.hexdigest()


async def _plain(connection: AnyConnection, query: str) -> AsyncIterator[Mapping[str, Any]]:
    for row in await connection.fetch(query):
        yield _json_values(dict(row))


def _accounts(connection: AnyConnection) -> AsyncIterator[Mapping[str, Any]]:
    return _plain(connection, "select id, name, role, created_at from accounts order by id")


async def _approval_requests(
    connection: AnyConnection, selection: Selection
) -> AsyncIterator[Mapping[str, Any]]:
    query = "select * from approval_requests where selection_id = $1 order by id"
    for row in await connection.fetch(query, selection.id):
        yield _json_values(dict(row))


async def _rows(
    connection: AnyConnection,
    table: DatabaseTable,
    owned: Mapping[str, str],
    selection: Selection,
    keys: PersonalKeys,
) -> AsyncIterator[Mapping[str, Any]]:
    """Yield the selection's rows, read in small batches because files are large."""
    columns = [column for column in ENCRYPTED_COLUMNS if column.table == table.name]
    labels = "".join(f', {column.label} as "label {column.column}"' for column in columns)
    order = ", ".join(f'"{key}"' for key in table.key)
    key_rows = await connection.fetch(
        f"select ctid from {table.path} where {owned[table.name]} order by {order}", selection.id
    )
    for at in range(0, len(key_rows), _BATCH_ROWS):
        row_ids = [row["ctid"] for row in key_rows[at : at + _BATCH_ROWS]]
        rows = await connection.fetch(
            f"select row.*{labels} from {table.path} as row "
            f"where row.ctid = any ($1::tid[]) order by {order}",
            row_ids,
        )
        for row in rows:
            values = dict(row)
            for column in columns:
                label = values.pop(f"label {column.column}")
                if values[column.column] is not None:
                    values[column.column] = keys.decrypt(label, values[column.column])
            yield _json_values(values)


def line_label(name: str, number: int) -> str:
    """Return the label that a line is encrypted under: its place in the archive."""
    return f"line {number} of {name}"


def _json_values(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: b64encode(value).decode() if isinstance(value, bytes) else value
        for name, value in values.items()
    }


def _file_sha256(path: Path) -> str:
    with path.open("rb") as stream:
        digest = sha256()
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


class BackupArchive:
    """An archive opened for reading with its key and checked against its manifest. Its lines hold
    the decrypted content of encrypted columns."""

    def __init__(self, path: Path, key: bytes) -> None:
        """Raises InvalidInput when the file is not an archive, or was changed."""
        self._keys = PersonalKeys(key)
        try:
            self._zip = ZipFile(path)
            self.manifest = msgspec.json.decode(self._zip.read(MANIFEST), type=BackupManifest)
        except (BadZipFile, KeyError, OSError, msgspec.MsgspecError) as error:
            raise InvalidInput(
                Fault(path.name, "nomination.backup.not_an_archive", error=error)
            ) from None
        if self.manifest.format != FORMAT:
            raise InvalidInput(
                Fault(
                    path.name,
                    "nomination.backup.unknown_format",
                    format=self.manifest.format,
                    supported=FORMAT,
                )
            )
        faults = [
            Fault(name, "nomination.backup.file_changed")
            for name, expected in self.manifest.files.items()
            if self._digest(name) != expected
        ]
        if faults:
            raise InvalidInput(*faults)

    def _digest(self, name: str) -> str | None:
        digest = sha256()
        try:
            with self._zip.open(name) as stream:
                while block := stream.read(1 << 20):
                    digest.update(block)
        except (KeyError, BadZipFile):
            return None
        return digest.hexdigest()

    def rows(self, name: str) -> Iterator[dict[str, Any]]:
        """Yield the rows of a table. Raises Refused for any key but the archive's."""
        with self._zip.open(f"{name}.jsonl") as stream:
            for number, line in enumerate(stream, 1):
                label = line_label(name, number)
                yield msgspec.json.decode(self._keys.decrypt(label, b64decode(line)))

    def close(self) -> None:
        """Close the file."""
        self._zip.close()


def parse_values(row: Mapping[str, Any], types: Mapping[str, str]) -> dict[str, Any]:
    """Return the values of a line with the types that Postgres expects."""
    return {name: _value(value, types[name]) for name, value in row.items()}


def _value(value: Any, kind: str) -> Any:
    if value is None:
        return None
    if kind == "bytea":
        return b64decode(value)
    if kind.startswith("timestamp"):
        return datetime.fromisoformat(value)
    if kind == "date":
        return date.fromisoformat(value)
    return value


def owned_tables(
    tables: Iterable[DatabaseTable], manifest: BackupManifest
) -> Sequence[DatabaseTable]:
    """Return the tables that the archive holds, parents first. Raises InvalidInput when tables or
    columns differ from those here."""
    here = {table.name: table for table in tables}
    faults = [
        Fault(name, "nomination.backup.different_schema")
        for name, columns in manifest.columns.items()
        if name not in here or set(columns) != set(here[name].columns)
    ]
    if faults:
        raise InvalidInput(*faults)
    return [table for name, table in here.items() if name in manifest.columns and name != BODIES]
