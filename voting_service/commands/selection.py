"""`selection`: begin a year's selection; keep, move and erase what it holds."""

from __future__ import annotations

import secrets
import sys
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO

import click
import msgspec

from voting_service.clock import system_clock
from voting_service.commands.draw import draw
from voting_service.commands.running import database, run, terminal_user
from voting_service.errors import Fault, InvalidInput, Refused
from voting_service.office.body_list import LISTED_BODIES
from voting_service.office.industries import PILLAR_INDUSTRIES
from voting_service.office.keeping.archive import Archive, Manifest, write_archive
from voting_service.office.keeping.erasing import erase
from voting_service.office.keeping.reseal import reseal
from voting_service.office.keeping.restoring import restore
from voting_service.office.model import SelectionRules
from voting_service.office.sealing import KEY_BYTES, PersonalKeys
from voting_service.office.store import (
    insert_body,
    insert_earlier_winners,
    insert_selection,
    load_bodies,
    load_selection,
)
from voting_service.settings import Settings, load_settings
from voting_service.storage.postgres import Connection, connect


class SelectionFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What `selection add` reads, TOML. `rules` as office/model.py: SelectionRules; industries
    default to the city's eight."""

    slug: str
    opens_at: datetime
    closes_at: datetime
    rules: SelectionRules
    district_quota: int = 6
    department_quota: int = 3


@click.group()
def selection() -> None:
    """The year's selection: who recommends, until when, how many."""


selection.add_command(draw)


@selection.command("add")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def add(file: Path) -> None:
    """Begin the selection that FILE describes (docs/selection.toml is an example)."""
    wanted = read_selection_file(file)
    run(_add(load_settings(), wanted))
    click.echo(f"{wanted.slug}: recommendations from {wanted.opens_at} until {wanted.closes_at}")


def read_selection_file(file: Path) -> SelectionFile:
    """Raises InvalidInput that says what is wrong where."""
    try:
        raw = msgspec.toml.decode(file.read_bytes())
        if isinstance(raw.get("rules"), dict):
            raw["rules"].setdefault("industries", msgspec.to_builtins(dict(PILLAR_INDUSTRIES)))
        found = msgspec.convert(raw, SelectionFile)
    except msgspec.MsgspecError as error:
        raise InvalidInput(Fault(file.name, str(error))) from None
    if found.opens_at.tzinfo is None or found.closes_at.tzinfo is None:
        raise InvalidInput(Fault(file.name, "opens_at and closes_at need a time zone, as +08:00"))
    return found


async def _add(settings: Settings, wanted: SelectionFile) -> None:
    async with database(settings) as connection:
        await insert_selection(
            connection,
            slug=wanted.slug,
            rules=wanted.rules,
            opens_at=wanted.opens_at,
            closes_at=wanted.closes_at,
            district_quota=wanted.district_quota,
            department_quota=wanted.department_quota,
        )


@selection.command("districts")
def districts() -> None:
    """Enter the city's 41 districts and counties, as far as they are missing."""
    click.echo(f"{run(_districts(load_settings()))} entered")


async def _districts(settings: Settings) -> int:
    entered = 0
    async with database(settings) as connection, connection.transaction():
        known = {body.slug for body in await load_bodies(connection)}
        for district in LISTED_BODIES:
            if district.slug not in known:
                await insert_body(connection, district.slug, "district", district.name)
                entered += 1
    return entered


_KEY_FILE = click.option(
    "--key-file",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The archive's own key; keep it apart from the archive.",
)


@selection.command("export")
@click.argument("slug")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@_KEY_FILE
def export(slug: str, file: Path, key_file: Path) -> None:
    """Write a whole selection to FILE, sealed with a key that is made for it."""
    if file.exists() or key_file.exists():
        raise Refused(f"{file if file.exists() else key_file} exists; name a new file")
    key = secrets.token_bytes(KEY_BYTES)
    key_file.touch(mode=0o600)
    key_file.write_bytes(b64encode(key) + b"\n")
    with _rows_told() as progress:
        manifest = run(_export(load_settings(), slug, key, file, progress))
    click.echo(f"{file}: {len(manifest.files)} tables of {slug}; its key is in {key_file}")


async def _export(
    settings: Settings, slug: str, key: bytes, file: Path, progress: Callable[[int], None]
) -> Manifest:
    async with owner(settings) as connection:
        wanted = await load_selection(connection, slug)
        return await write_archive(
            connection, wanted, PersonalKeys.of(settings), key, file,
            actor=terminal_user(), now=system_clock(), progress=progress,
        )  # fmt: skip


@selection.command("restore")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_KEY_FILE
def restore_archive(file: Path, key_file: Path) -> None:
    """Take the selection in FILE in again: everything or nothing."""
    try:
        key = b64decode(key_file.read_bytes(), validate=False)
    except (OSError, ValueError) as error:
        raise InvalidInput(Fault(str(key_file), f"is no key of an archive: {error}")) from None
    archive = Archive(file, key)
    rows = run(_restore(load_settings(), archive))
    click.echo(f"{archive.manifest.slug}: {rows} rows restored")


async def _restore(settings: Settings, archive: Archive) -> int:
    async with owner(settings) as connection:
        return await restore(connection, archive, PersonalKeys.of(settings), actor=terminal_user())


@selection.command("reseal")
def reseal_all() -> None:
    """Seal personal data anew with the first key of VOTING_PERSONAL_KEYS.

    Put a new key in front, restart the programs, run this, and take the old key out.
    """
    with _rows_told() as progress:
        renewed = run(_reseal(load_settings(), progress))
    click.echo(f"{renewed} values sealed anew")


async def _reseal(settings: Settings, progress: Callable[[int], None]) -> int:
    async with owner(settings) as connection:
        return await reseal(connection, PersonalKeys.of(settings), terminal_user(), progress)


@selection.command("erase")
@click.argument("slug")
@click.option("--confirm", help="The same name again: what is erased cannot be brought back.")
def erase_papers(slug: str, confirm: str | None) -> None:
    """Erase the personal data of a selection that is over; what was published stays."""
    if confirm != slug:
        raise click.UsageError(f"this cannot be undone; say --confirm {slug}")
    erased = run(_erase(load_settings(), slug))
    click.echo(", ".join(f"{table}: {count}" for table, count in erased.items()))


async def _erase(settings: Settings, slug: str) -> dict[str, int]:
    async with owner(settings) as connection:
        wanted = await load_selection(connection, slug)
        return await erase(
            connection, wanted, PersonalKeys.of(settings), terminal_user(), system_clock()
        )


@asynccontextmanager
async def owner(settings: Settings) -> AsyncIterator[Connection]:
    """A connection as the tables' owner, for what the application's role may not do."""
    connection = await connect(settings.migration_url)
    try:
        await connection.execute("set statement_timeout = 0")
        yield connection
    finally:
        await connection.close()


@contextmanager
def _rows_told() -> Iterator[Callable[[int], None]]:
    """Says on stderr how far it is, where somebody watches."""
    with click.progressbar(
        length=0, label="rows", file=sys.stderr, hidden=not sys.stderr.isatty()
    ) as bar:
        done = 0

        def tell(rows: int) -> None:
            nonlocal done
            done += rows
            bar.label = f"{done} rows"
            bar.update(0)

        yield tell


@selection.command("earlier-winners")
@click.argument("file", type=click.File("r", encoding="utf-8"))
@click.option("--year", type=click.IntRange(1990, 2100), required=True)
def earlier_winners(file: IO[str], year: int) -> None:
    """Enter who won in an earlier year: FILE has an ID number a line, `-` reads stdin.

    Only their keyed hashes are kept; whoever wins here is remembered without this.
    """
    known = run(_earlier_winners(load_settings(), file.read().split(), year))
    click.echo(f"{known} entered")


async def _earlier_winners(settings: Settings, numbers: Sequence[str], year: int) -> int:
    keys = PersonalKeys.of(settings)
    hashes = []
    for line, number in enumerate(numbers, 1):
        try:
            hashes.append(keys.person_hash(number))
        except InvalidInput:
            raise InvalidInput(Fault(f"line {line}", "is no ID number")) from None
    async with database(settings) as connection:
        return await insert_earlier_winners(connection, hashes, year)
