"""A whole selection as one file that another installation can take in again.

A ZIP of JSON lines: `manifest.json`, `accounts.jsonl` (names and roles, nothing secret),
`bodies.jsonl`, `decisions.jsonl`, and one file for every table of the office that the selection
owns rows of. Every line but the manifest is sealed with the archive's own key, which is kept apart
from the file; so an archive tells nothing without it, and opens without this installation's keys.

Accounts come without passwords, invitations not at all. What was published (notices, the result,
certificates, the vote) is the public's record and not part of it.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile

import msgspec

from voting_service.errors import Fault, InvalidInput
from voting_service.journal.record import record
from voting_service.office.keeping.sealed_columns import SEALED
from voting_service.office.keeping.tables import BODIES, Table, belonging, load_tables
from voting_service.office.model import Selection
from voting_service.office.sealing import PersonalKeys
from voting_service.storage.postgres import AnyConnection, domain_errors

FORMAT = 1
MANIFEST = "manifest.json"
_BATCH_ROWS = 20


class Manifest(msgspec.Struct, frozen=True):
    """What an archive says of itself; `contest` is the vote's slug, `files` the SHA-256 of every
    other file in it."""

    format: int
    slug: str
    contest: str | None
    written_at: datetime
    columns: dict[str, list[str]]
    files: dict[str, str]


async def write_archive(
    connection: AnyConnection,
    selection: Selection,
    keys: PersonalKeys,
    archive_key: bytes,
    path: Path,
    *,
    actor: str,
    now: datetime,
    progress: Callable[[int], None] = lambda _rows: None,
) -> Manifest:
    """Writes the archive and says so in the journal. One consistent view.

    Raises Refused when something cannot be opened with the listed keys.
    """
    sealing = PersonalKeys(archive_key)
    tables = await load_tables(connection)
    owned = belonging(tables)
    hashes: dict[str, str] = {}
    with ZipFile(path, "x", ZIP_DEFLATED) as archive:
        with domain_errors():
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                for name, rows in (
                    ("accounts", _accounts(connection)),
                    ("bodies", _plain(connection, "select * from office.bodies order by id")),
                    ("decisions", _decisions(connection, selection)),
                    *(
                        (table.name, _rows(connection, table, owned, selection, keys))
                        for table in tables
                        if table.name in owned
                    ),
                ):
                    hashes[f"{name}.jsonl"] = await _write(archive, name, rows, sealing, progress)
                contest = await connection.fetchval(
                    "select slug from contests where id = $1", selection.contest_id
                )
        manifest = Manifest(
            FORMAT, selection.slug, contest, now,
            {t.name: list(t.columns) for t in tables if t.name in owned}, hashes,
        )  # fmt: skip
        archive.writestr(MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))
    await record(
        connection, actor, "exported", contest=selection.slug, subject="archive",
        details={"sha256": _hash_of(path)},
    )  # fmt: skip
    return manifest


async def _write(
    archive: ZipFile,
    name: str,
    rows: AsyncIterator[Mapping[str, Any]],
    sealing: PersonalKeys,
    progress: Callable[[int], None],
) -> str:
    digest = sha256()
    number = 0
    with archive.open(f"{name}.jsonl", "w") as stream:
        async for row in rows:
            number += 1
            sealed = sealing.seal(line_label(name, number), msgspec.json.encode(row))
            line = b64encode(sealed) + b"\n"
            digest.update(line)
            stream.write(line)
            progress(1)
    return digest.hexdigest()


async def _plain(connection: AnyConnection, query: str) -> AsyncIterator[Mapping[str, Any]]:
    for row in await connection.fetch(query):
        yield _shown(dict(row))


def _accounts(connection: AnyConnection) -> AsyncIterator[Mapping[str, Any]]:
    return _plain(connection, "select id, name, role, created_at from accounts order by id")


async def _decisions(
    connection: AnyConnection, selection: Selection
) -> AsyncIterator[Mapping[str, Any]]:
    query = "select * from decisions where selection_id = $1 order by id"
    for row in await connection.fetch(query, selection.id):
        yield _shown(dict(row))


async def _rows(
    connection: AnyConnection,
    table: Table,
    owned: Mapping[str, str],
    selection: Selection,
    keys: PersonalKeys,
) -> AsyncIterator[Mapping[str, Any]]:
    """The selection's rows; a few at a time, for files are large."""
    sealed = [each for each in SEALED if each.table == table.name]
    labels = "".join(f', {each.label} as "label {each.column}"' for each in sealed)
    order = ", ".join(f'"{column}"' for column in table.key)
    key_rows = await connection.fetch(
        f"select ctid from {table.path} where {owned[table.name]} order by {order}", selection.id
    )
    for at in range(0, len(key_rows), _BATCH_ROWS):
        places = [row["ctid"] for row in key_rows[at : at + _BATCH_ROWS]]
        rows = await connection.fetch(
            f"select row.*{labels} from {table.path} as row "
            f"where row.ctid = any ($1::tid[]) order by {order}",
            places,
        )
        for row in rows:
            values = dict(row)
            for each in sealed:
                label = values.pop(f"label {each.column}")
                if values[each.column] is not None:
                    values[each.column] = keys.open(label, values[each.column])
            yield _shown(values)


def line_label(name: str, number: int) -> str:
    """What a line is sealed under: its place."""
    return f"line {number} of {name}"


def _shown(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: b64encode(value).decode() if isinstance(value, bytes) else value
        for name, value in values.items()
    }


def _hash_of(path: Path) -> str:
    with path.open("rb") as stream:
        digest = sha256()
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


class Archive:
    """An archive opened for reading with its key; everything in it was checked against the
    manifest. Of what is sealed in the tables its lines hold the content."""

    def __init__(self, path: Path, key: bytes) -> None:
        """Raises InvalidInput when it is none, or was changed."""
        self._opening = PersonalKeys(key)
        try:
            self._zip = ZipFile(path)
            self.manifest = msgspec.json.decode(self._zip.read(MANIFEST), type=Manifest)
        except (BadZipFile, KeyError, OSError, msgspec.MsgspecError) as error:
            raise InvalidInput(Fault(path.name, f"is no archive of a selection: {error}")) from None
        if self.manifest.format != FORMAT:
            raise InvalidInput(
                Fault(path.name, f"has format {self.manifest.format}; this reads {FORMAT}")
            )
        faults = [
            Fault(name, "was changed since the archive was written")
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
        """Raises Refused for another key than the archive's."""
        with self._zip.open(f"{name}.jsonl") as stream:
            for number, line in enumerate(stream, 1):
                label = line_label(name, number)
                yield msgspec.json.decode(self._opening.open(label, b64decode(line)))

    def close(self) -> None:
        self._zip.close()


def values_of(row: Mapping[str, Any], types: Mapping[str, str]) -> dict[str, Any]:
    """A line's values as Postgres takes them."""
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


def owned_tables(tables: Iterable[Table], manifest: Manifest) -> Sequence[Table]:
    """The tables that the archive holds, parents first. Raises InvalidInput when it holds others,
    or has other columns than the tables here."""
    here = {table.name: table for table in tables}
    faults = [
        Fault(name, "is kept differently here; bring both installations to one version first")
        for name, columns in manifest.columns.items()
        if name not in here or set(columns) != set(here[name].columns)
    ]
    if faults:
        raise InvalidInput(*faults)
    return [table for name, table in here.items() if name in manifest.columns and name != BODIES]
