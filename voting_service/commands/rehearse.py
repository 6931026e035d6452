"""`rehearse`: go through a whole contest in minutes, in stores of its own."""

from __future__ import annotations

import sys
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click
import msgspec

from voting_service.commands.output import message, say
from voting_service.commands.runtime import database, run
from voting_service.rehearsal.announcement import (
    Announcement,
    Surroundings,
    read_file,
    read_stored,
    read_surroundings,
)
from voting_service.rehearsal.rehearse import Outcome
from voting_service.rehearsal.rehearse import rehearse as rehearse_contest
from voting_service.rehearsal.report import write_reports
from voting_service.settings import Settings, SettingsFault, load_settings


def _zone(_context: click.Context, _parameter: click.Parameter, value: str) -> ZoneInfo:
    try:
        return ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise click.BadParameter(message("rehearse.unknown_zone", zone=value)) from None


@click.command()
@click.argument("contest")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder of the report. [default: rehearsal-SLUG]",
)
@click.option(
    "--voters",
    type=click.IntRange(300, 20_000),
    default=3_000,
    show_default=True,
    help="Simulated people.",
)
@click.option(
    "--people",
    default="Asia/Shanghai",
    show_default=True,
    callback=_zone,
    help="The time zone of the people who vote.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Another crowd.")
def rehearse(contest: str, out: Path | None, voters: int, people: ZoneInfo, seed: int) -> None:
    """Rehearse CONTEST: a contest file, or the slug of a contest or draft in the database.

    Everything happens as announced, but in minutes: publication of the profiles, votes, attacks,
    releases of counts, rulings, a correction, a withdrawal, a tie, the cut and an objection. It
    takes place in stores of its own in a temporary folder; the service and its database are only
    read, for platforms, notice period and staff. Writes a report in both languages, as HTML and as
    text, of what the public, the platforms and the staff would see, and when. Exit code 1:
    something would fail.
    """
    announced = _read(contest)
    outcome = run(
        rehearse_contest(announced, people=people, voters=voters, seed=seed, echo=click.echo)
    )
    slug = announced.contest.slug
    written = write_reports(outcome, out or Path(f"rehearsal-{slug}"))
    _print_verdict(outcome)
    for path in written:
        click.echo(f"  {path}")
    sys.exit(1 if outcome.findings else 0)


def _read(contest: str) -> Announcement:
    """Return what is announced. A file needs no database; where the settings name one, the
    platforms, the notice period and the staff are read there."""
    path = Path(contest)
    if not path.is_file():
        return run(_read_stored(load_settings(), contest))
    announced = read_file(path)
    try:
        settings = load_settings()
    except SettingsFault as fault:
        say("rehearse.no_database", fault=fault)
        return announced
    surroundings = run(_read_surroundings(settings, announced.contest.slug))
    return msgspec.structs.replace(announced, surroundings=surroundings)


async def _read_stored(settings: Settings, slug: str) -> Announcement:
    async with database(settings) as connection:
        return await read_stored(connection, slug)


async def _read_surroundings(settings: Settings, slug: str) -> Surroundings:
    async with database(settings) as connection:
        return await read_surroundings(connection, slug)


def _print_verdict(outcome: Outcome) -> None:
    say("rehearse.took", seconds=outcome.seconds, ballots=outcome.figures.confirmed)
    if not outcome.findings:
        say("rehearse.nothing_failed")
        return
    say("rehearse.would_fail", count=len(outcome.findings))
    zone = outcome.announced.zone
    for finding in outcome.findings:
        click.echo(f"- {finding.sentence(zone).en} {finding.remedy(zone).en}")
