"""`contest`: import a contest, look at it, close it, destroy its voters' key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from voting_service.clock import system_clock
from voting_service.commands.picture import (
    encode_pictures,
    picture,
    remove_pictures,
)
from voting_service.commands.running import database, run, terminal_user
from voting_service.commands.staff import as_option, authenticate_staff
from voting_service.contests.changes import NOTICE
from voting_service.contests.contest_file import ContestFile, load_contest_file
from voting_service.contests.contest_keys import not_opened
from voting_service.contests.model import Contest, ContestRules, Text
from voting_service.contests.new_contest import ShownPicture, create_contest
from voting_service.contests.phases import published_at
from voting_service.contests.pictures import EncodedPicture
from voting_service.contests.store import load_contest, load_contests
from voting_service.decisions.settings import close_early
from voting_service.errors import Refused
from voting_service.journal.record import record
from voting_service.settings import Settings, load_settings
from voting_service.storage.postgres import domain_errors
from voting_service.voters.keyring import destroy_voter_key


@click.group()
def contest() -> None:
    """Contests: import, list, show, close."""


contest.add_command(picture)
contest.add_command(remove_pictures)


@contest.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--check", is_flag=True, help="Only say whether the file is good; store nothing.")
def import_contest(file: Path, check: bool) -> None:
    """Import the contest in FILE (TOML; docs/contest-file.md). Every fault is named at once."""
    loaded = load_contest_file(file)
    encoded = run(encode_pictures(loaded))
    if not check:
        for slug in run(_import(load_settings(), loaded, encoded)):
            click.echo(
                f"warning: VOTING_MASTER_KEY does not open the keys of {slug}, which is not served",
                err=True,
            )
    for line in _describe(loaded):
        click.echo(line)
    if loaded.closes_at <= system_clock():
        click.echo("note: this window is over already, nobody can vote in it", err=True)
    if check:
        click.echo("the file is good; nothing was stored")
        return
    click.echo(
        f"imported {loaded.slug}; it opens and closes by itself.\n"
        "next: voting-service platform add …   lets a media platform sign its users in\n"
        f"      voting-service contest show {loaded.slug}"
    )


async def _import(
    settings: Settings, loaded: ContestFile, encoded: Sequence[EncodedPicture]
) -> tuple[str, ...]:
    """The slugs of the contests that the master key does not open."""
    master_key = settings.master_key.get_secret_value()
    async with database(settings) as connection:
        with domain_errors():
            async with connection.transaction():
                closed = await not_opened(connection, master_key)
                await create_contest(
                    connection,
                    master_key,
                    loaded,
                    (
                        ShownPicture(named.number, each, named.caption)
                        for named, each in zip(loaded.pictures, encoded, strict=True)
                    ),
                )
                await record(
                    connection,
                    terminal_user(),
                    "contest_imported",
                    contest=loaded.slug,
                    details={"candidates": len(loaded.candidates), "pictures": len(encoded)},
                )
    return closed


@contest.command("list")
def list_contests() -> None:
    """List every contest with its phase and window."""
    contests = run(_load_all(load_settings()))
    now = system_clock()
    for each in contests:
        click.echo(f"{each.slug:<40}  {each.phase(now):<8}  {_window(each)}  {each.rules.title.zh}")
    if not contests:
        click.echo("there is no contest yet; voting-service contest import FILE", err=True)


async def _load_all(settings: Settings) -> tuple[Contest, ...]:
    async with database(settings) as connection:
        return await load_contests(connection)


@contest.command("show")
@click.argument("slug")
def show_contest(slug: str) -> None:
    """Show a contest's announced rules and its candidates."""
    found = run(_load(load_settings(), slug))
    click.echo(f"{'phase':<11} {found.phase(system_clock())}")
    for line in _describe(found):
        click.echo(line)
    for each in found.candidates:
        click.echo(f"{each.number:>5}  {each.name.zh}  {each.trade.zh}  {each.district.zh}")


async def _load(settings: Settings, slug: str) -> Contest:
    async with database(settings) as connection:
        return await load_contest(connection, slug)


@contest.command("close")
@click.argument("slug")
@click.option("--reason-zh", default="主办方决定提前结束投票。", show_default=True)
@click.option("--reason-en", default="The organisers closed voting early.", show_default=True)
@as_option
def close(slug: str, reason_zh: str, reason_en: str, name: str) -> None:
    """Close an open contest before its announced end. Needs a supervisor.

    The public reads on the rules page that it was closed early, and why.
    """
    closed = run(_close(load_settings(), slug, Text(reason_zh, reason_en), name))
    click.echo(
        f"{slug} closes at {closed.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC.\n"
        f"next: voting-service cut {slug} --wait"
    )


async def _close(settings: Settings, slug: str, reason: Text, name: str) -> datetime:
    async with database(settings) as connection:
        account = await authenticate_staff(connection, settings, name)
        found = await load_contest(connection, slug)
        now = system_clock()
        await close_early(connection, found, account, now + NOTICE, reason=reason, now=now)
        return now + NOTICE


@contest.command("destroy-keys")
@click.argument("slug")
@click.option("--confirm", required=True, metavar="SLUG", help="The contest's name once more.")
def destroy_keys(slug: str, confirm: str) -> None:
    """Destroy the voters' key of a closed contest, for good.

    From then on nobody, we included, can tie a ballot to a person. Receipts stay checkable.
    """
    if confirm != slug:
        raise Refused(f"nothing was destroyed: --confirm says {confirm!r}, not {slug!r}")
    if run(_destroy(load_settings(), slug)):
        click.echo(f"the voters' key of {slug} is destroyed; its pseudonyms are final")
    else:
        click.echo(f"the voters' key of {slug} was destroyed before")


async def _destroy(settings: Settings, slug: str) -> bool:
    async with database(settings) as connection:
        found = await load_contest(connection, slug)
        phase = found.phase(system_clock())
        if phase != "closed":
            raise Refused(
                f"{slug} is {phase}; without this key nobody could vote. Destroy it once the "
                "contest is closed"
            )
        with domain_errors():
            async with connection.transaction():
                destroyed = await destroy_voter_key(connection, found.id)
                if destroyed:
                    await record(connection, terminal_user(), "keys_destroyed", contest=slug)
        return destroyed


def _describe(found: Contest | ContestFile) -> Iterator[str]:
    """What is announced before voting opens, a line a rule."""
    rules = found.rules
    ballot = rules.ballot
    yield f"{'contest':<11} {found.slug}  {rules.title.zh} / {rules.title.en}"
    yield f"{'window':<11} {_window(found)}"
    yield f"{'published':<11} {_local(published_at(found), found.rules.time_zone)}"
    if rules.early_close:
        yield f"{'closed':<11} early by {rules.early_close.by}"
    yield (
        f"{'ballot':<11} {ballot.min_choices} to {ballot.max_choices} of "
        f"{len(found.candidates)} candidates, one ballot per voter and {ballot.every}"
    )
    yield f"{'counts':<11} {_release(rules)}"
    yield f"{'cut':<11} {rules.cut.size} go on; a tie at the last place: {rules.cut.tie}"
    yield f"{'list order':<11} {rules.list_order}"
    yield f"{'expected':<11} {rules.expected_voters_per_day} voters a day"


def _release(rules: ContestRules) -> str:
    release = rules.release
    at = f" at {release.daily_at:%H:%M}" if release.daily_at else ""
    hours = release.blackout_hours
    blackout = f", frozen for the last {hours} hours" if hours else ", no blackout"
    return f"{release.mode}{at}{blackout}"


def _window(found: Contest | ContestFile) -> str:
    zone = found.rules.time_zone
    return f"{_local(found.opens_at, zone)} – {_local(found.closes_at, zone)} {zone}"


def _local(moment: datetime, zone: str) -> str:
    return f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"
