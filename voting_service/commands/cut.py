"""`cut`: preview, decide a tie, publish with two people, verify a published file."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from voting_service.accounts.model import Account
from voting_service.commands.cut_preview import print_decisions, print_preview
from voting_service.commands.running import database, run
from voting_service.commands.staff import as_option, authenticate_staff
from voting_service.contests.model import Contest, Text
from voting_service.contests.store import load_contest
from voting_service.cut.checklist import drained_at
from voting_service.cut.correction import check_predecessor
from voting_service.cut.examination import Examination, examine
from voting_service.cut.publication import (
    Shown,
    approve,
    load_shown,
    propose_lot,
    propose_publication,
    propose_tie_order,
)
from voting_service.cut.signature import verify_document
from voting_service.decisions.model import Decision
from voting_service.decisions.store import load_decisions
from voting_service.errors import NotFound
from voting_service.settings import Settings, load_settings
from voting_service.storage.database_clock import database_time
from voting_service.storage.postgres import Connection
from voting_service.storage.signed_file import load_public_key, load_signing_key

VERIFY = "verify"


class CutGroup(click.Group):
    """`cut CONTEST …`, but `cut verify FILE`: a file is checked without any contest, and help
    about a subcommand is given without one. `--wait` may stand anywhere."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        first = args[0] if args else ""
        if first == VERIFY or (first in self.commands and "--help" in args):
            args = ["", *args]
        if "--wait" in args:
            args = ["--wait", *(word for word in args if word != "--wait")]
        return super().parse_args(ctx, args)


@dataclass(frozen=True, slots=True)
class Target:
    """What every subcommand is about."""

    slug: str
    wait: bool


def _order(_context: click.Context, _parameter: click.Parameter, value: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in value.split(","))
    except ValueError:
        raise click.BadParameter("must be numbers with commas between, best first") from None


def _moment(
    _context: click.Context, _parameter: click.Parameter, value: str | None
) -> datetime | None:
    try:
        return None if value is None else datetime.fromisoformat(value)
    except ValueError:
        raise click.BadParameter("must be a moment such as 2022-08-20T10:00:00") from None


def in_zone(value: datetime, contest: Contest) -> datetime:
    """A moment without offset is meant by the contest's clock."""
    return value if value.tzinfo else value.replace(tzinfo=contest.zone)


def _numbers(numbers: tuple[int, ...]) -> str:
    return ", ".join(map(str, numbers)) or "nobody"


@click.group(cls=CutGroup, invoke_without_command=True)
@click.argument("contest")
@click.option("--wait", is_flag=True, help="Wait for the last votes after the close.")
@click.pass_context
def cut(context: click.Context, contest: str, wait: bool) -> None:
    """Rank CONTEST, decide a tie at the last place and publish who goes on.

    Without a subcommand: the checklist of what is still missing, and the ranking around the
    line. What one person proposes another approves, then it stands. `voting-service cut verify
    FILE` checks a published file with no database and no settings.
    """
    context.obj = Target(contest, wait)
    if context.invoked_subcommand is None:
        print_preview(run(_preview(load_settings(), context.obj)), Console())


async def _opened(connection: Connection, target: Target) -> tuple[Contest, datetime]:
    """The contest and the database's time, after the drain when that was asked for."""
    contest = await load_contest(connection, target.slug)
    now = await database_time(connection)
    while target.wait and contest.phase(now) == "closed" and now < drained_at(contest):
        await asyncio.sleep((drained_at(contest) - now).total_seconds())
        now = await database_time(connection)
    return contest, now


async def _preview(settings: Settings, target: Target) -> Examination:
    async with database(settings) as connection:
        contest, now = await _opened(connection, target)
        return await examine(connection, contest, now)


def _report_proposal(decision_id: int, slug: str) -> None:
    click.echo(
        f"proposed as decision {decision_id}; a second person approves it with "
        f"`voting-service cut {slug} approve {decision_id} --as NAME`"
    )


@cut.command("decide-tie")
@click.argument("order", callback=_order)
@as_option
@click.pass_obj
def decide_tie(target: Target, order: tuple[int, ...], name: str) -> None:
    """Record the committee's ORDER of the tied, such as 17,23: best first."""

    async def work(connection: Connection, settings: Settings) -> int:
        contest, now = await _opened(connection, target)
        account = await authenticate_staff(connection, settings, name)
        return await propose_tie_order(connection, contest, account, order, now=now)

    _report_proposal(_with_database(work), target.slug)


@cut.command()
@click.argument("number")
@as_option
@click.pass_obj
def draw(target: Target, number: str, name: str) -> None:
    """Record the NUMBER that was drawn in public; it decides the order of the tied."""

    async def work(connection: Connection, settings: Settings) -> int:
        contest, now = await _opened(connection, target)
        account = await authenticate_staff(connection, settings, name)
        return await propose_lot(connection, contest, account, number, now=now)

    _report_proposal(_with_database(work), target.slug)


@cut.command()
@as_option
@click.option(
    "--at",
    "visible_from",
    callback=_moment,
    help="Show it from then on: 2022-08-20T10:00:00 by the contest's clock, or with an offset. "
    "[default: at once]",
)
@click.option("--reason-zh", help="Why the version before is corrected, in Chinese.")
@click.option("--reason-en", help="The same in English.")
@click.pass_obj
def publish(
    target: Target,
    name: str,
    visible_from: datetime | None,
    reason_zh: str | None,
    reason_en: str | None,
) -> None:
    """Propose the document for publication; the second person's approval publishes it.

    A new version of what is published needs both reasons.
    """
    reason = Text(zh=reason_zh or "", en=reason_en or "") if reason_zh or reason_en else None

    async def work(connection: Connection, settings: Settings) -> int:
        key = load_signing_key(settings.signing_key_file)
        contest, now = await _opened(connection, target)
        account = await authenticate_staff(connection, settings, name)
        return await propose_publication(
            connection,
            contest,
            account,
            key=key,
            now=now,
            visible_from=visible_from and in_zone(visible_from, contest),
            reason=reason,
        )

    _report_proposal(_with_database(work), target.slug)


@cut.command("approve")
@click.argument("decision_id", metavar="ID", type=int)
@as_option
@click.pass_obj
def approve_command(target: Target, decision_id: int, name: str) -> None:
    """Approve decision ID, proposed by somebody else."""

    async def work(connection: Connection, settings: Settings) -> tuple[Account, Decision]:
        key = load_signing_key(settings.signing_key_file)
        contest, now = await _opened(connection, target)
        account = await authenticate_staff(connection, settings, name)
        return account, await approve(connection, contest, account, decision_id, key=key, now=now)

    account, decision = _with_database(work)
    click.echo(f"{decision.proposer} and {account.name} decided: {decision}")


@cut.command()
@click.option("--version", type=click.IntRange(min=1), help="An older version. [default: newest]")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to a file.")
@click.pass_obj
def show(target: Target, version: int | None, output: Path | None) -> None:
    """Give out the published document as the public gets it, byte for byte."""

    async def work(connection: Connection, _settings: Settings) -> Shown | None:
        contest = await load_contest(connection, target.slug)
        return await load_shown(connection, contest.id, await database_time(connection), version)

    shown = _with_database(work)
    if shown is None:
        raise NotFound(f"the cut of {target.slug} is not published yet")
    with click.open_file(str(output) if output else "-", "wb") as stream:
        stream.write(shown.document)


@cut.command()
@click.pass_obj
def decisions(target: Target) -> None:
    """List what was proposed and approved."""

    async def work(connection: Connection, _settings: Settings) -> tuple[Decision, ...]:
        contest = await load_contest(connection, target.slug)
        return await load_decisions(connection, contest.id)

    print_decisions(_with_database(work), Console())


@cut.command(VERIFY)
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--key",
    "key_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The announced public key, PEM.",
)
@click.option(
    "--before",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The version before, to check what a correction says of it.",
)
def verify(file: Path, key_file: Path | None, before: Path | None) -> None:
    """Check a published FILE: its signature, and that everything follows from its counts."""
    key = load_public_key(key_file.read_bytes()) if key_file else None
    verified = verify_document(file.read_bytes(), key)
    document = verified.document
    if before is not None:
        old = before.read_bytes()
        verify_document(old, key)
        check_predecessor(document, old)
    click.echo(
        f"good: {document.contest.slug}, version {document.version}, "
        f"{document.ballots.net} ballots, {len(document.selected)} selected: "
        + ", ".join(str(number) for number in document.selected)
    )
    for change in document.corrects:
        click.echo(
            f"corrects version {change.version} ({change.document_sha256}): "
            f"{len(change.votes)} candidates have other votes; "
            f"entered: {_numbers(change.entered)}; left: {_numbers(change.left)}; "
            f"{change.reason.zh} / {change.reason.en}"
        )
    if key is None:
        click.echo(f"signed by {verified.public_key}: compare this key with the announced one")


def _with_database(work: Any) -> Any:
    """Runs `work(connection, settings)` with the settings of the environment."""
    settings = load_settings()

    async def connected() -> Any:
        async with database(settings) as connection:
            return await work(connection, settings)

    return run(connected())
