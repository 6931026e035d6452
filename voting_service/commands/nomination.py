"""`nomination`: create a year's nomination; export, restore and erase its data."""

from __future__ import annotations

import secrets
import sys
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import IO

import click
import msgspec

from voting_service.commands.nomination_draw import draw
from voting_service.commands.output import message, say
from voting_service.commands.runtime import (
    database,
    run,
    terminal_user,
)
from voting_service.errors import (
    Fault,
    InvalidInput,
    Refused,
)
from voting_service.infrastructure.clock import system_clock
from voting_service.infrastructure.postgres.pool import Connection, connect
from voting_service.infrastructure.spreadsheets import MAX_BYTES
from voting_service.infrastructure.text_files import read_text_file
from voting_service.nomination.backup.export import (
    ArchiveFile,
    BackupArchive,
    BackupManifest,
    write_archive,
)
from voting_service.nomination.backup.restore import restore
from voting_service.nomination.form.id_number_list import read_id_numbers
from voting_service.nomination.form.industries import PILLAR_INDUSTRIES
from voting_service.nomination.model import NewSelection
from voting_service.nomination.privacy.encryption import (
    KEY_BYTES,
    PersonalKeys,
    derived_person_key,
)
from voting_service.nomination.recommending_bodies import LISTED_BODIES
from voting_service.nomination.repository import (
    insert_body,
    insert_earlier_winners,
    insert_selection,
    load_bodies,
    load_selection,
)
from voting_service.nomination.retention.erase import erase
from voting_service.nomination.retention.operator import Operator
from voting_service.settings import Settings, load_settings


class SelectionFile(NewSelection, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The TOML file that `nomination add` reads; industries default to the eight pillar
    industries."""


@click.group()
def nomination() -> None:
    """Manage a year's nomination: dates, quotas, recommending bodies and its data."""


nomination.add_command(draw)


@nomination.command("add")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def add(file: Path) -> None:
    """Create the nomination that FILE describes (docs/nomination.toml is an example)."""
    described = read_selection_file(file)
    run(_add(load_settings(), described))
    say(
        "nomination.created",
        slug=described.slug,
        opens_at=described.opens_at,
        closes_at=described.closes_at,
    )


def read_selection_file(file: Path) -> SelectionFile:
    """Read a nomination file. Raises InvalidInput with the place of each fault."""
    try:
        raw = msgspec.toml.decode(read_text_file(file))
        if isinstance(raw.get("rules"), dict):
            raw["rules"].setdefault("industries", msgspec.to_builtins(dict(PILLAR_INDUSTRIES)))
        described = msgspec.convert(raw, SelectionFile)
    except msgspec.MsgspecError as error:
        raise InvalidInput(Fault.verbatim(file.name, str(error))) from None
    if described.opens_at.tzinfo is None or described.closes_at.tzinfo is None:
        raise InvalidInput(Fault(file.name, "commands.nomination.time_zone_missing"))
    return described


async def _add(settings: Settings, described: SelectionFile) -> None:
    async with database(settings) as connection:
        await insert_selection(connection, described)


@nomination.command("districts")
def districts() -> None:
    """Add the city's districts and counties that are missing."""
    say("nomination.districts_added", count=run(_districts(load_settings())))


async def _districts(settings: Settings) -> int:
    added = 0
    async with database(settings) as connection, connection.transaction():
        existing_slugs = {body.slug for body in await load_bodies(connection)}
        for district in LISTED_BODIES:
            if district.slug not in existing_slugs:
                await insert_body(connection, district.slug, "district", district.name)
                added += 1
    return added


_KEY_FILE = click.option(
    "--key-file",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The key of the archive. Keep it apart from the archive.",
)


@nomination.command("export")
@click.argument("slug")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@_KEY_FILE
def export(slug: str, file: Path, key_file: Path) -> None:
    """Write a whole nomination to FILE, encrypted with a new key that goes to the key file."""
    if file.exists() or key_file.exists():
        raise Refused("commands.nomination.file_exists", value=file if file.exists() else key_file)
    key = secrets.token_bytes(KEY_BYTES)
    key_file.touch(mode=0o600)
    key_file.write_bytes(b64encode(key) + b"\n")
    with show_rows() as progress:
        manifest = run(_export(load_settings(), slug, key, file, progress))
    say(
        "nomination.exported",
        tables=len(manifest.files),
        slug=slug,
        file=file,
        key_file=key_file,
    )


async def _export(
    settings: Settings, slug: str, key: bytes, file: Path, progress: Callable[[int], None]
) -> BackupManifest:
    async with owner(settings) as connection:
        selection = await load_selection(connection, slug)
        operator = make_operator(connection, settings)
        return await write_archive(operator, selection, ArchiveFile(file, key), progress)


def make_operator(connection: Connection, settings: Settings) -> Operator:
    return Operator(connection, PersonalKeys.of(settings), terminal_user(), system_clock())


@nomination.command("restore")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_KEY_FILE
def restore_archive(file: Path, key_file: Path) -> None:
    """Restore the nomination in FILE: everything or nothing."""
    try:
        key = b64decode(key_file.read_bytes(), validate=False)
    except (OSError, ValueError) as error:
        raise InvalidInput(
            Fault(str(key_file), "commands.nomination.not_an_archive_key", error=error)
        ) from None
    archive = BackupArchive(file, key)
    rows = run(_restore(load_settings(), archive))
    say("nomination.restored", rows=rows, slug=archive.manifest.slug)


async def _restore(settings: Settings, archive: BackupArchive) -> int:
    async with owner(settings) as connection:
        return await restore(make_operator(connection, settings), archive)


@nomination.command("person-key")
def show_person_key() -> None:
    """Print the key by whose hash the nomination knows a person again, as VOTING_PERSON_KEY.

    Set it before you replace the master key, from which it is derived otherwise.
    """
    settings = load_settings()
    master_key = settings.master_key.get_secret_value()
    key = settings.person_key.get_secret_value() if settings.person_key else None
    click.echo(b64encode(key or derived_person_key(master_key)).decode())


@nomination.command("erase")
@click.argument("slug")
@click.option("--confirm", help="Repeat SLUG to confirm. Erased data cannot be restored.")
def erase_documents(slug: str, confirm: str | None) -> None:
    """Erase the personal data of a finished nomination. What was published stays."""
    if confirm != slug:
        raise click.UsageError(message("nomination.confirm_erasure", slug=slug))
    erased = run(_erase(load_settings(), slug))
    click.echo(", ".join(f"{table}: {count}" for table, count in erased.items()))


async def _erase(settings: Settings, slug: str) -> dict[str, int]:
    async with owner(settings) as connection:
        selection = await load_selection(connection, slug)
        return await erase(make_operator(connection, settings), selection)


@asynccontextmanager
async def owner(settings: Settings) -> AsyncIterator[Connection]:
    """Open a connection as the owner of the tables, without a statement timeout."""
    connection = await connect(settings.migration_url)
    try:
        await connection.execute("set statement_timeout = 0")
        yield connection
    finally:
        await connection.close()


@contextmanager
def show_rows() -> Iterator[Callable[[int], None]]:
    """Show the number of rows done on a terminal's stderr; yield the function to report to."""
    with click.progressbar(
        length=0,
        label=message("nomination.rows", rows=0),
        file=sys.stderr,
        hidden=not sys.stderr.isatty(),
    ) as bar:
        done = 0

        def report(rows: int) -> None:
            nonlocal done
            done += rows
            bar.label = message("nomination.rows", rows=done)
            bar.update(0)

        yield report


@nomination.command("earlier-winners")
@click.argument("file", type=click.File("rb"))
@click.option("--year", type=click.IntRange(1990, 2100), required=True)
def earlier_winners(file: IO[bytes], year: int) -> None:
    """Add the winners of an earlier year. FILE is a text, CSV or Excel file with an ID number on
    each line; `-` reads stdin. Either every number is added or none.

    Only keyed hashes of the numbers are stored. Winners of nominations run here are added
    automatically.
    """
    numbers = read_id_numbers(file.read(MAX_BYTES + 1))
    added = run(_earlier_winners(load_settings(), numbers, year))
    say("nomination.winners_added", count=added)


async def _earlier_winners(settings: Settings, numbers: Sequence[str], year: int) -> int:
    keys = PersonalKeys.of(settings)
    hashes = [keys.person_hash(number) for number in numbers]
    async with owner(settings) as connection:  # on the pages it takes two people
        return await insert_earlier_winners(connection, hashes, year)
