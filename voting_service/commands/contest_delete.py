"""`contest delete`: remove a contest that was imported by mistake."""

from __future__ import annotations

import click

from voting_service.commands.output import say
from voting_service.commands.runtime import database, run, terminal_user
from voting_service.contests.repository import delete_contest, load_contest
from voting_service.errors import Refused
from voting_service.infrastructure.postgres.pool import domain_errors
from voting_service.settings import Settings, load_settings
from voting_service.staff.audit_log.record import record


@click.command("delete")
@click.argument("slug")
@click.option("--confirm", required=True, metavar="SLUG", help="Repeat SLUG to confirm.")
def delete(slug: str, confirm: str) -> None:
    """Delete a contest that has not been announced, with its candidates, pictures and keys.

    Once a contest is announced, or something refers to it, it stays.
    """
    if confirm != slug:
        raise Refused("commands.contest.delete_not_confirmed", confirm=confirm, slug=slug)
    run(_delete(load_settings(), slug))
    say("contest.deleted", slug=slug)


async def _delete(settings: Settings, slug: str) -> None:
    async with database(settings) as connection:
        contest = await load_contest(connection, slug)
        with domain_errors():
            async with connection.transaction():
                await delete_contest(connection, contest.id)
                await record(connection, terminal_user(), "contest_deleted", contest=slug)
