"""`contest`: import, list, show and close contests, approve changes, destroy a voter key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click
import msgspec

from voting_service.commands.authentication import as_option, authenticate_staff
from voting_service.commands.contest_delete import delete
from voting_service.commands.contest_picture import (
    encode_pictures,
    logo,
    picture,
    remove_pictures,
)
from voting_service.commands.output import message, say
from voting_service.commands.reasons import reason_options
from voting_service.commands.runtime import (
    database,
    run,
    terminal_user,
)
from voting_service.contests.candidate_list.template import write_template
from voting_service.contests.contest_file.candidate_files import read_candidate_files
from voting_service.contests.contest_file.reader import ContestFile, load_contest_file
from voting_service.contests.keys import not_opened
from voting_service.contests.model import Contest, ContestRules
from voting_service.contests.phases import published_at
from voting_service.contests.repository import load_contest, load_contests
from voting_service.contests.service import ShownPicture, create_contest
from voting_service.contests.settings.model import local_moment
from voting_service.contests.settings.service import approve_change, change_setting
from voting_service.errors import Refused
from voting_service.i18n.text import LANGUAGES, Language, Text
from voting_service.infrastructure.clock import system_clock
from voting_service.infrastructure.images.model import EncodedPicture
from voting_service.infrastructure.postgres.database_clock import database_time
from voting_service.infrastructure.postgres.pool import domain_errors
from voting_service.settings import Settings, load_settings
from voting_service.staff.actor import Actor
from voting_service.staff.approvals.model import ApprovalRequest
from voting_service.staff.audit_log.record import record
from voting_service.voting.voters.keyring import destroy_voter_key, load_keys


@click.group()
def contest() -> None:
    """Import, list, show and close contests."""


contest.add_command(delete)
contest.add_command(logo)
contest.add_command(picture)
contest.add_command(remove_pictures)


@contest.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--check", is_flag=True, help="Check the file and store nothing.")
@click.option(
    "--candidates",
    type=click.Path(path_type=Path),
    help="The candidates as an Excel workbook (.xlsx) or CSV, instead of those of FILE.",
)
@click.option(
    "--pictures",
    type=click.Path(path_type=Path),
    help="A folder or ZIP with the pictures of the list, named by number or candidate.",
)
def import_contest(file: Path, check: bool, candidates: Path | None, pictures: Path | None) -> None:
    """Import the contest in FILE (TOML, see docs/contest-file.md). Reports all faults at once."""
    if pictures and not candidates:
        raise click.UsageError(message("contest.pictures_without_list"))
    loaded = load_contest_file(
        file, read_candidate_files(candidates, pictures) if candidates else None
    )
    encoded, encoded_logo = run(encode_pictures(loaded))
    if not check:
        for slug in run(_import(load_settings(), loaded, encoded, encoded_logo)):
            say("contest.keys_not_decrypted", err=True, slug=slug)
    for line in _describe(loaded):
        click.echo(line)
    if loaded.closes_at <= system_clock():
        say("contest.already_over", err=True)
    without = {candidate.number for candidate in loaded.candidates} - {
        named.number for named in loaded.pictures if named.kind == "portrait"
    }
    if loaded.pictures and without:
        say("contest.without_portrait", err=True, numbers=", ".join(map(str, sorted(without))))
    if check:
        say("contest.file_valid")
        return
    say("contest.imported", slug=loaded.slug)


async def _import(
    settings: Settings,
    loaded: ContestFile,
    encoded: Sequence[EncodedPicture],
    logo: EncodedPicture | None,
) -> tuple[str, ...]:
    """Store a contest. Return the slugs of contests whose keys the master key cannot decrypt."""
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
                        ShownPicture(named.number, picture, named.caption)
                        for named, picture in zip(loaded.pictures, encoded, strict=True)
                    ),
                    logo,
                )
                await record(
                    connection,
                    terminal_user(),
                    "contest_imported",
                    contest=loaded.slug,
                    details={"candidates": len(loaded.candidates), "pictures": len(encoded)},
                )
    return closed


@contest.command("candidates-template")
@click.argument("output", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--language", type=click.Choice(LANGUAGES), default="zh", show_default=True)
def candidates_template(output: Path, language: Language) -> None:
    """Write the empty list of candidates, an Excel workbook, to OUTPUT."""
    output.write_bytes(write_template(language))


@contest.command("list")
def list_contests() -> None:
    """List every contest with its phase and window."""
    contests = run(_load_all(load_settings()))
    now = system_clock()
    for listed in contests:
        click.echo(
            f"{listed.slug:<40}  {listed.phase(now):<8}  {_window(listed)}  {listed.rules.title.zh}"
        )
    if not contests:
        say("contest.none_yet", err=True)


async def _load_all(settings: Settings) -> tuple[Contest, ...]:
    async with database(settings) as connection:
        return await load_contests(connection)


@contest.command("show")
@click.argument("slug")
def show_contest(slug: str) -> None:
    """Show the announced rules and the candidates of a contest."""
    shown = run(_load(load_settings(), slug))
    click.echo(f"{'phase':<11} {shown.phase(system_clock())}")
    for line in _describe(shown):
        click.echo(line)
    for candidate in shown.candidates:
        click.echo(
            f"{candidate.number:>5}  {candidate.name.zh}  {candidate.trade.zh}  "
            f"{candidate.district.zh}"
        )


async def _load(settings: Settings, slug: str) -> Contest:
    async with database(settings) as connection:
        return await load_contest(connection, slug)


@contest.command("close")
@click.argument("slug")
@click.option(
    "--at",
    required=True,
    help="When voting ends, such as 2022-08-15T10:00:00 in the contest's time zone, or with an "
    "offset.",
)
@reason_options("closed_early")
@as_option
def close(slug: str, at: str, reason_zh: str, reason_en: str, name: str) -> None:
    """Propose when voting ends, earlier or later than announced. A second person's approval moves
    the close, at least five seconds before it.

    Before the contest is announced, one person is enough. The public rules page shows the change
    and the reason.
    """
    proposed = run(_close(load_settings(), slug, at, reason=Text(reason_zh, reason_en), name=name))
    if proposed is None:
        say("contest.close_moved", slug=slug, at=at)
    else:
        say("contest.close_proposed", slug=slug, at=at, decision=proposed)


async def _close(settings: Settings, slug: str, at: str, *, reason: Text, name: str) -> int | None:
    """Return the request that waits for a second person; None if one was enough."""
    async with database(settings) as connection:
        account = await authenticate_staff(connection, settings, name)
        contest = await load_contest(connection, slug)
        moment = local_moment(at, contest.zone)
        actor = Actor(connection, account, await database_time(connection))
        return await change_setting(
            actor, contest, "closes_at", msgspec.to_builtins(moment), reason=reason
        )


@contest.command("approve")
@click.argument("slug")
@click.argument("approval_id", metavar="ID", type=int)
@as_option
def approve(slug: str, approval_id: int, name: str) -> None:
    """Approve the change ID of the contest's settings, proposed by another person."""
    decision = run(_approve(load_settings(), slug, approval_id, name))
    say(
        "contest.approved",
        decision=decision.describe("en"),
        proposer=decision.proposer,
        approver=name,
    )


async def _approve(settings: Settings, slug: str, approval_id: int, name: str) -> ApprovalRequest:
    async with database(settings) as connection:
        account = await authenticate_staff(connection, settings, name)
        actor = Actor(connection, account, await database_time(connection))
        return await approve_change(actor, slug, approval_id)


@contest.command("destroy-keys")
@click.argument("slug")
@click.option("--confirm", required=True, metavar="SLUG", help="Repeat SLUG to confirm.")
def destroy_keys(slug: str, confirm: str) -> None:
    """Destroy the voter key of a closed contest for good.

    After that nobody, including the organisers, can link a ballot to a person. Receipts can still
    be checked.
    """
    if confirm != slug:
        raise Refused("commands.contest.destroy_not_confirmed", confirm=confirm, slug=slug)
    destroyed = run(_destroy(load_settings(), slug))
    say("contest.key_destroyed" if destroyed else "contest.key_already_destroyed", slug=slug)


async def _destroy(settings: Settings, slug: str) -> bool:
    async with database(settings) as connection:
        contest = await load_contest(connection, slug)
        phase = contest.phase(await database_time(connection))
        if phase != "closed":
            raise Refused("commands.contest.destroy_before_close", slug=slug, phase=phase)
        with domain_errors():
            async with connection.transaction():
                destroyed = await destroy_voter_key(connection, contest.id)
                if destroyed:
                    await record(connection, terminal_user(), "keys_destroyed", contest=slug)
        return destroyed


@contest.command("person-key")
@click.argument("slug")
def person_key(slug: str) -> None:
    """Print the shared key of a contest, for the platforms whose person policy is required.

    They name the person as the HMAC-SHA-256, with this key, of the telephone number. Keep it
    secret: with it, a token tells whose telephone number it is about. The audit log records that
    the key was read.
    """
    click.echo(run(_person_key(load_settings(), slug)).hex())


async def _person_key(settings: Settings, slug: str) -> bytes:
    async with database(settings) as connection:
        contest = await load_contest(connection, slug)
        keys = await load_keys(connection, settings.master_key.get_secret_value())
        if contest.id in keys.not_opened:
            raise keys.not_opened[contest.id]
        key = keys.opened[contest.id].person
        if key is None:
            raise Refused("voting.voters.voter_key_destroyed")
        await record(connection, terminal_user(), "person_key_shown", contest=slug)
        return key


def _describe(described: Contest | ContestFile) -> Iterator[str]:
    """Yield the announced rules, a line each."""
    rules = described.rules
    ballot = rules.ballot
    yield f"{'contest':<11} {described.slug}  {rules.title.zh} / {rules.title.en}"
    yield f"{'window':<11} {_window(described)}"
    yield f"{'published':<11} {_local(published_at(described), described.rules.time_zone)}"
    if rules.early_close:
        early = message("contest.closed_early_by", by=rules.early_close.by)
        yield f"{'closed':<11} {early}"
    choices = message(
        "contest.choices",
        least=ballot.min_choices,
        most=ballot.max_choices,
        candidates=len(described.candidates),
        every=ballot.every,
    )
    yield f"{'ballot':<11} {choices}"
    yield f"{'counts':<11} {_release(rules)}"
    yield f"{'cut':<11} {message('contest.cut', size=rules.cut.size, tie=rules.cut.tie)}"
    yield f"{'list order':<11} {rules.list_order}"
    expected = message("contest.expected", voters=rules.expected_voters_per_day)
    yield f"{'expected':<11} {expected}"


def _release(rules: ContestRules) -> str:
    release = rules.release
    mode: str = release.mode
    if release.daily_at:
        mode = message("contest.released_at", mode=mode, at=release.daily_at)
    if not release.blackout_hours:
        return message("contest.no_blackout", mode=mode)
    return message("contest.blackout", mode=mode, hours=release.blackout_hours)


def _window(described: Contest | ContestFile) -> str:
    zone = described.rules.time_zone
    return f"{_local(described.opens_at, zone)} – {_local(described.closes_at, zone)} {zone}"


def _local(moment: datetime, zone: str) -> str:
    return f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"
