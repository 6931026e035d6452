"""`candidate`: correct a profile or withdraw a candidate, with two people."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar, get_args

import click

from voting_service.commands.authentication import as_option, authenticate_staff
from voting_service.commands.output import say
from voting_service.commands.runtime import database, run
from voting_service.contests.candidate_changes.approval_kinds import KINDS
from voting_service.contests.candidate_changes.descriptions import (
    describe_withdrawals,
)
from voting_service.contests.candidate_changes.fields import read_fields, typed_values
from voting_service.contests.candidate_changes.service import (
    CorrectionDraft,
    approve_candidate_change,
    decline_candidate_change,
    load_shown_fields,
    propose_correction,
    propose_withdrawal,
)
from voting_service.contests.model import Contest, WithdrawalGround
from voting_service.contests.repository import load_contest
from voting_service.errors import Fault, InvalidInput
from voting_service.i18n.private_use import map_private_use
from voting_service.i18n.text import Text
from voting_service.infrastructure.clock import system_clock
from voting_service.infrastructure.images.uploads import encode_upload
from voting_service.settings import load_settings
from voting_service.staff.actor import Actor
from voting_service.staff.approvals.repository import load_contest_approvals

T = TypeVar("T")
Command = TypeVar("Command", bound=Callable[..., Any])


@click.group()
def candidate() -> None:
    """Correct the profile of a candidate, or withdraw a candidate, with two people.

    Both are public for ever, with date and reason. `list` shows them.
    """


def _reasons(command: Command) -> Command:
    command = click.option("--reason-en", required=True, help="The same in English.")(command)
    return click.option("--reason-zh", required=True, help="Why, for the public, in Chinese.")(
        command
    )


def _run_as(slug: str, name: str, work: Callable[[Actor, Contest], Awaitable[T]]) -> T:
    settings = load_settings()

    async def signed_in() -> T:
        async with database(settings) as connection:
            contest = await load_contest(connection, slug)
            account = await authenticate_staff(connection, settings, name)
            return await work(Actor(connection, account, system_clock()), contest)

    return run(signed_in())


@candidate.command()
@click.argument("contest")
@click.argument("number", type=int)
@click.option(
    "--set",
    "values",
    metavar="FIELD=VALUE",
    multiple=True,
    help="A field as it should be: name.zh=…, story.en=…, caption.1.zh=… of the first picture "
    "beside the portrait; remove.1=yes removes that picture. Repeatable.",
)
@click.option(
    "--portrait",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A new portrait.",
)
@click.option("--hide-before", is_flag=True, help="Do not show the public what stood there before.")
@_reasons
@as_option
def correct(contest: str, number: int, name: str, values: tuple[str, ...], **more: Any) -> None:
    """Propose a correction of candidate NUMBER of CONTEST. It changes neither number nor person."""
    file: Path | None = more["portrait"]
    content = file.read_bytes() if file else b""

    async def work(actor: Actor, loaded: Contest) -> int:
        shown = await load_shown_fields(actor.connection, loaded, number)
        draft = CorrectionDraft(
            fields=read_fields(_typed(values, typed_values(shown)), shown),
            portrait=await encode_upload(content, file.name, "portrait", field="--portrait")
            if file
            else None,
            before_hidden=more["hide_before"],
            reason=Text(more["reason_zh"], more["reason_en"]),
        )
        return await propose_correction(actor, loaded, number, draft)

    request = _run_as(contest, name, work)
    say("candidate.proposed_correction", slug=contest, number=number, request=request)


def _typed(values: tuple[str, ...], inputs: dict[str, str]) -> dict[str, str]:
    """Return the given fields by name. Raises InvalidInput for one that does not exist."""
    typed = {}
    for value in values:
        field, equals, text = value.partition("=")
        if not equals or not (field in inputs or field.startswith("remove.")):
            raise InvalidInput(
                Fault(
                    "--set",
                    "contests.candidate_changes.unknown_field",
                    name=field,
                    names=", ".join(inputs),
                )
            )
        typed[field] = map_private_use(text)
    return typed


@candidate.command()
@click.argument("contest")
@click.argument("number", type=int)
@click.option("--ground", required=True, type=click.Choice(get_args(WithdrawalGround)))
@_reasons
@as_option
def withdraw(contest: str, number: int, ground: WithdrawalGround, name: str, **why: str) -> None:
    """Propose that candidate NUMBER leaves CONTEST for good."""

    async def work(actor: Actor, loaded: Contest) -> int:
        reason = Text(why["reason_zh"], why["reason_en"])
        return await propose_withdrawal(actor, loaded, number, ground, reason)

    request = _run_as(contest, name, work)
    say("candidate.proposed_withdrawal", slug=contest, number=number, request=request)


@candidate.command()
@click.argument("contest")
@click.argument("request", metavar="ID", type=int)
@as_option
def approve(contest: str, request: int, name: str) -> None:
    """Approve the proposed change ID of CONTEST. It takes effect at once."""

    async def work(actor: Actor, loaded: Contest) -> None:
        approved = await approve_candidate_change(actor, loaded, request)
        say("candidate.approved", request=approved.describe("en"), proposer=approved.proposer)

    _run_as(contest, name, work)


@candidate.command()
@click.argument("contest")
@click.argument("request", metavar="ID", type=int)
@click.option("--because", required=True, help="The reason, for the record.")
@as_option
def decline(contest: str, request: int, because: str, name: str) -> None:
    """Decline the proposed change ID of CONTEST, or withdraw your own."""

    async def work(actor: Actor, loaded: Contest) -> None:
        await decline_candidate_change(actor, loaded, request, because)

    _run_as(contest, name, work)
    say("candidate.declined", request=request)


@candidate.command("list")
@click.argument("contest")
def list_changes(contest: str) -> None:
    """List the corrections and withdrawals of CONTEST, and what waits for a second person."""
    run(_list(contest))


async def _list(slug: str) -> None:
    async with database(load_settings()) as connection:
        contest = await load_contest(connection, slug)
        requests = await load_contest_approvals(connection, contest.id)
    names = {listed.number: listed.name.en for listed in contest.candidates}
    for request in requests:
        if request.kind in KINDS and request.state == "waiting":
            what = request.describe("en")
            say("candidate.waiting", request=request.id, proposer=request.proposer, what=what)
    for correction in contest.corrections:
        say(
            "candidate.correction",
            moment=f"{correction.corrected_at.astimezone(contest.zone):%Y-%m-%d %H:%M}",
            number=correction.number,
            name=names[correction.number],
            reason=correction.reason.en,
        )
    for withdrawal in reversed(describe_withdrawals(contest, "en")):
        say(
            "candidate.withdrawal",
            moment=f"{withdrawal.withdrawn_at.astimezone(contest.zone):%Y-%m-%d %H:%M}",
            number=withdrawal.number,
            name=withdrawal.candidate,
            ground=withdrawal.ground,
            reason=withdrawal.reason,
        )
    if not (contest.corrections or contest.withdrawals):
        say("candidate.nothing")
