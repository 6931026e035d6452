"""`account`: staff by command line; the first administrator comes from here."""

from __future__ import annotations

from typing import get_args

import click
import pyotp
from rich.console import Console
from rich.table import Table

from voting_service.accounts import invitations
from voting_service.accounts.model import Account, Role
from voting_service.accounts.second_factor import provisioning_uri
from voting_service.accounts.sessions import end_all_sessions
from voting_service.accounts.store import (
    create_account,
    disable_account,
    find_account,
    load_accounts,
)
from voting_service.clock import system_clock
from voting_service.commands.running import database, run, terminal_user
from voting_service.commands.staff import as_option, authenticate_staff
from voting_service.demo.data_folder import DataFolder
from voting_service.errors import NotFound, Refused
from voting_service.journal.record import record
from voting_service.settings import Settings, load_settings, staff_credentials


@click.group()
def account() -> None:
    """Add, list and disable the staff who take tallies and publish the cut."""


@account.command()
@click.argument("name")
@click.option("--role", required=True, type=click.Choice(get_args(Role)))
def add(name: str, role: Role) -> None:
    """Add NAME. The password is asked for, or taken from VOTING_STAFF_PASSWORD; what the
    authenticator app needs is printed once."""
    settings = load_settings()
    password, _ = staff_credentials()
    if password is None:
        password = click.prompt(
            f"Password for {name}", hide_input=True, confirmation_prompt=True, err=True
        )
    created, secret = run(_add(settings, name, role, password))
    click.echo(f"{created.name} is {created.role}. For the authenticator app, shown only now:")
    click.echo(provisioning_uri(created.name, secret))


async def _add(settings: Settings, name: str, role: Role, password: str) -> tuple[Account, str]:
    async with database(settings) as connection, connection.transaction():
        created, secret = await create_account(
            connection, settings.master_key.get_secret_value(), name, role, password
        )
        await record(
            connection,
            terminal_user(),
            "account_made",
            subject=created.name,
            details={"role": role},
        )
    return created, secret


@account.command()
@click.option("--role", required=True, type=click.Choice(get_args(Role)))
@click.option("--note", required=True, help="For whom, and why; stands in the journal.")
@click.option("--renew", metavar="NAME", help="Whose sign-in to set up again, instead.")
@as_option
def invite(role: Role, note: str, renew: str | None, name: str) -> None:
    """Print a one-time link by which somebody makes an account at the desk."""
    settings = load_settings()
    token = run(_invite(settings, role, note, renew, name))
    click.echo(f"{settings.office_url}/invitation/{token}")


async def _invite(settings: Settings, role: Role, note: str, renew: str | None, name: str) -> str:
    async with database(settings) as connection:
        administrator = await authenticate_staff(connection, settings, name)
        renews = await find_account(connection, renew) if renew else None
        return await invitations.invite(
            connection, administrator, role, note, system_clock(), renews=renews
        )


@account.command("invitations")
def list_invitations() -> None:
    """List the open invitations, and which of them wait for a second person."""
    settings = load_settings()
    for one in run(_open_invitations(settings)):
        what = f"{one.role}, renews {one.account_name}" if one.account_name else one.role
        state = "waits for a second person" if one.waits else "can be used"
        click.echo(f"{one.id} {what}, invited by {one.inviter}, {state}: {one.note}")


async def _open_invitations(settings: Settings) -> list[invitations.Invitation]:
    now = system_clock()
    async with database(settings) as connection:
        return [one for one in await invitations.load_invitations(connection) if one.is_open(now)]


@account.command()
@click.argument("invitation")
@as_option
def approve(invitation: str, name: str) -> None:
    """Approve INVITATION, as `account invitations` names it, that somebody else made."""
    run(_approve(load_settings(), invitation, name))
    click.echo("approved; the link can be used now")


async def _approve(settings: Settings, invitation: str, name: str) -> None:
    async with database(settings) as connection:
        known = {one.id: one for one in await invitations.load_invitations(connection)}
        if invitation not in known:
            raise NotFound("there is no such invitation; see `account invitations`")
        member = await authenticate_staff(connection, settings, name)
        await invitations.approve_invitation(
            connection, member, known[invitation].token_hash, system_clock()
        )


@account.command()
@click.argument("name")
def code(name: str) -> None:
    """Print the one-time code of NAME in the demo that VOTING_DATA names."""
    settings = load_settings()
    if settings.data is None:
        raise Refused(
            "only a demo knows its staff's secrets: name its folder with VOTING_DATA, or look "
            "at the authenticator app"
        )
    for login in DataFolder(settings.data).staff():
        if login.name == name:
            click.echo(pyotp.TOTP(login.totp_secret).now())
            return
    raise NotFound(f"{name!r} is not one of the demo's staff; see accounts.json")


@account.command("list")
def list_accounts() -> None:
    """List everybody, disabled or not."""
    table = Table("name", "role", "state", "since")
    for member in run(_accounts(load_settings())):
        state = "disabled" if member.disabled else "active"
        table.add_row(member.name, member.role, state, f"{member.created_at:%Y-%m-%d}")
    Console(soft_wrap=True).print(table)


async def _accounts(settings: Settings) -> tuple[Account, ...]:
    async with database(settings) as connection:
        return await load_accounts(connection)


@account.command()
@click.argument("name")
def disable(name: str) -> None:
    """Disable NAME; decisions made before stand."""
    run(_disable(load_settings(), name))
    click.echo(f"{name} is disabled")


async def _disable(settings: Settings, name: str) -> None:
    async with database(settings) as connection, connection.transaction():
        member = await find_account(connection, name)
        await disable_account(connection, member.name)
        await end_all_sessions(connection, member.id, system_clock())
        await record(connection, terminal_user(), "account_disabled", subject=member.name)
