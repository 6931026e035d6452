"""`cut`: preview the cut, decide a tie, publish with two people, verify a published file."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from voting_service.commands.authentication import as_option, authenticate_staff
from voting_service.commands.cut_preview import print_decisions, print_preview
from voting_service.commands.output import message, say
from voting_service.commands.runtime import database, run
from voting_service.contests.model import Contest
from voting_service.contests.repository import load_contest
from voting_service.errors import NotFound
from voting_service.i18n.text import Text
from voting_service.infrastructure.crypto.signed_document import load_public_key, load_signing_key
from voting_service.infrastructure.postgres.database_clock import database_time
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.settings import Settings, load_settings
from voting_service.staff.accounts.model import Account
from voting_service.staff.actor import Actor
from voting_service.staff.approvals.model import ApprovalRequest
from voting_service.staff.approvals.repository import load_contest_approvals
from voting_service.voting.completeness import load_completeness
from voting_service.voting.cut.correction import check_predecessor
from voting_service.voting.cut.examination import Examination, examine
from voting_service.voting.cut.publication import (
    ShownCut,
    approve,
    load_shown_cut,
    propose_lot,
    propose_publication,
    propose_tie_order,
)
from voting_service.voting.cut.signature import verify_document

VERIFY = "verify"
MAX_WAIT_SECONDS = 600
"""A transaction that ran at the close and does not end is for a person to look at."""
POLL_SECONDS = 0.5


class CutGroup(click.Group):
    """A group called as `cut CONTEST …`; `cut verify FILE` and help need no contest.

    `--wait` is accepted in any place.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        first = args[0] if args else ""
        if first == VERIFY or (first in self.commands and "--help" in args):
            args = ["", *args]
        if "--wait" in args:
            args = ["--wait", *(word for word in args if word != "--wait")]
        return super().parse_args(ctx, args)


@dataclass(frozen=True, slots=True)
class CutTarget:
    """The contest that every subcommand works on."""

    slug: str
    wait: bool


def _order(_context: click.Context, _parameter: click.Parameter, value: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in value.split(","))
    except ValueError:
        raise click.BadParameter(message("cut.order_format")) from None


def _moment(
    _context: click.Context, _parameter: click.Parameter, value: str | None
) -> datetime | None:
    try:
        return None if value is None else datetime.fromisoformat(value)
    except ValueError:
        raise click.BadParameter(message("cut.time_format")) from None


def in_zone(value: datetime, contest: Contest) -> datetime:
    """Return a time with offset; one without is in the contest's time zone."""
    return value if value.tzinfo else value.replace(tzinfo=contest.zone)


def _numbers(numbers: tuple[int, ...]) -> str:
    return ", ".join(map(str, numbers)) or message("cut.nobody")


@click.group(cls=CutGroup, invoke_without_command=True)
@click.argument("contest")
@click.option("--wait", is_flag=True, help="Wait until the last votes after the close are stored.")
@click.pass_context
def cut(context: click.Context, contest: str, wait: bool) -> None:
    """Rank CONTEST, decide a tie at the last place and publish who advances.

    Without a subcommand, shows a checklist of what is missing and the ranking around the cut
    line. Every step is proposed by one person and approved by another. To check a published file
    without a database or settings, run `voting-service cut verify FILE`.
    """
    context.obj = CutTarget(contest, wait)
    if context.invoked_subcommand is None:
        print_preview(run(_preview(load_settings(), context.obj)), Console())


async def _opened(connection: Connection, target: CutTarget) -> tuple[Contest, datetime]:
    """Return the contest and the database's time; with `--wait`, after the last votes, or after
    MAX_WAIT_SECONDS."""
    contest = await load_contest(connection, target.slug)
    now, complete_before = await load_completeness(connection)
    give_up_at = now + timedelta(seconds=MAX_WAIT_SECONDS)
    while (
        target.wait
        and contest.phase(now) == "closed"
        and complete_before < contest.closes_at
        and now < give_up_at
    ):
        await asyncio.sleep(POLL_SECONDS)
        now, complete_before = await load_completeness(connection)
    return contest, now


async def _preview(settings: Settings, target: CutTarget) -> Examination:
    async with database(settings) as connection:
        contest, now = await _opened(connection, target)
        return await examine(connection, contest, now)


def _report_proposal(approval_id: int, slug: str) -> None:
    say("cut.proposed", decision=approval_id, slug=slug)


@cut.command("decide-tie")
@click.argument("order", callback=_order)
@as_option
@click.pass_obj
def decide_tie(target: CutTarget, order: tuple[int, ...], name: str) -> None:
    """Propose the committee's ORDER of the tied candidates, best first, such as 17,23."""

    async def work(connection: Connection, settings: Settings) -> int:
        contest, now = await _opened(connection, target)
        account = await authenticate_staff(connection, settings, name)
        return await propose_tie_order(Actor(connection, account, now), contest, order)

    _report_proposal(_with_database(work), target.slug)


@cut.command()
@click.argument("number")
@as_option
@click.pass_obj
def draw(target: CutTarget, number: str, name: str) -> None:
    """Propose the publicly drawn NUMBER that decides the order of the tied candidates."""

    async def work(connection: Connection, settings: Settings) -> int:
        contest, now = await _opened(connection, target)
        account = await authenticate_staff(connection, settings, name)
        return await propose_lot(Actor(connection, account, now), contest, number)

    _report_proposal(_with_database(work), target.slug)


@cut.command()
@as_option
@click.option(
    "--at",
    "visible_from",
    callback=_moment,
    help="When to show it, such as 2022-08-20T10:00:00 in the contest's time zone, or with an "
    "offset. [default: at once]",
)
@click.option("--reason-zh", help="Why the previous version is corrected, in Chinese.")
@click.option("--reason-en", help="The same in English.")
@click.pass_obj
def publish(
    target: CutTarget,
    name: str,
    visible_from: datetime | None,
    reason_zh: str | None,
    reason_en: str | None,
) -> None:
    """Propose the cut for publication. A second person's approval publishes it.

    To publish a new version, give both reasons.
    """
    reason = Text(zh=reason_zh or "", en=reason_en or "") if reason_zh or reason_en else None

    async def work(connection: Connection, settings: Settings) -> int:
        key = load_signing_key(settings.signing_key_file)
        contest, now = await _opened(connection, target)
        account = await authenticate_staff(connection, settings, name)
        return await propose_publication(
            Actor(connection, account, now),
            contest,
            key=key,
            visible_from=visible_from and in_zone(visible_from, contest),
            reason=reason,
        )

    _report_proposal(_with_database(work), target.slug)


@cut.command("approve")
@click.argument("approval_id", metavar="ID", type=int)
@as_option
@click.pass_obj
def approve_command(target: CutTarget, approval_id: int, name: str) -> None:
    """Approve decision ID, proposed by another person."""

    async def work(connection: Connection, settings: Settings) -> tuple[Account, ApprovalRequest]:
        key = load_signing_key(settings.signing_key_file)
        contest, now = await _opened(connection, target)
        account = await authenticate_staff(connection, settings, name)
        return account, await approve(
            Actor(connection, account, now), contest, approval_id, key=key
        )

    account, decision = _with_database(work)
    say(
        "cut.approved",
        proposer=decision.proposer,
        approver=account.name,
        decision=decision.describe("en"),
    )


@cut.command()
@click.option("--version", type=click.IntRange(min=1), help="An older version. [default: newest]")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to a file.")
@click.pass_obj
def show(target: CutTarget, version: int | None, output: Path | None) -> None:
    """Print the published document, byte for byte as the public gets it."""

    async def work(connection: Connection, _settings: Settings) -> ShownCut | None:
        contest = await load_contest(connection, target.slug)
        return await load_shown_cut(
            connection, contest.id, await database_time(connection), version
        )

    shown = _with_database(work)
    if shown is None:
        raise NotFound("commands.cut.not_published", slug=target.slug)
    with click.open_file(str(output) if output else "-", "wb") as stream:
        stream.write(shown.document)


@cut.command()
@click.pass_obj
def decisions(target: CutTarget) -> None:
    """List what has been proposed and approved."""

    async def work(connection: Connection, _settings: Settings) -> tuple[ApprovalRequest, ...]:
        contest = await load_contest(connection, target.slug)
        return await load_contest_approvals(connection, contest.id)

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
    help="The previous version, to check what a correction says about it.",
)
def verify(file: Path, key_file: Path | None, before: Path | None) -> None:
    """Check the signature of a published FILE and that its result follows from its counts."""
    key = load_public_key(key_file.read_bytes()) if key_file else None
    verified = verify_document(file.read_bytes(), key)
    document = verified.document
    if before is not None:
        predecessor = before.read_bytes()
        verify_document(predecessor, key)
        check_predecessor(document, predecessor)
    say(
        "cut.valid",
        slug=document.contest.slug,
        version=document.version,
        ballots=document.ballots.net,
        selected=len(document.selected),
        numbers=", ".join(str(number) for number in document.selected),
    )
    for change in document.corrects:
        say(
            "cut.corrects",
            version=change.version,
            sha256=change.document_sha256,
            changed=len(change.votes),
            entered=_numbers(change.entered),
            left=_numbers(change.left),
            reason=f"{change.reason.zh} / {change.reason.en}",
        )
    if key is None:
        say("cut.signed_by", key=verified.public_key)


def _with_database(work: Any) -> Any:
    """Run `work(connection, settings)` with the settings of the environment."""
    settings = load_settings()

    async def run_connected() -> Any:
        async with database(settings) as connection:
            return await work(connection, settings)

    return run(run_connected())
