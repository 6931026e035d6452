"""`selection`: begin a year's selection, and enter the bodies that recommend."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click
import msgspec

from voting_service.commands.running import database, run
from voting_service.errors import Fault, InvalidInput
from voting_service.office.body_list import LISTED_BODIES
from voting_service.office.industries import PILLAR_INDUSTRIES
from voting_service.office.model import SelectionRules
from voting_service.office.store import insert_body, insert_selection, load_bodies
from voting_service.settings import Settings, load_settings


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
