"""`account`: create, list and disable staff accounts, the first administrator's included."""

from __future__ import annotations

from typing import get_args

import click
import pyotp
from rich.console import Console
from rich.table import Table

from voting_service.commands.authentication import as_option, authenticate_staff
from voting_service.commands.output import message, say
from voting_service.commands.runtime import (
    database,
    run,
    terminal_user,
)
from voting_service.demo.data_folder import DataFolder
from voting_service.errors import NotFound, Refused
from voting_service.infrastructure.clock import system_clock
from voting_service.settings import (
    Settings,
    load_settings,
    staff_credentials,
)
from voting_service.staff.accounts import invitations
from voting_service.staff.accounts.model import Account, Role
from voting_service.staff.accounts.repository import (
    NewAccount,
    create_account,
    disable_account,
    find_account,
    load_accounts,
)
from voting_service.staff.accounts.second_factor import provisioning_uri
from voting_service.staff.accounts.sessions import end_all_sessions
from voting_service.staff.audit_log.record import record


@click.group()
def account() -> None:
    """Create, list and disable staff accounts."""


@account.command()
@click.argument("name")
@click.option("--role", required=True, type=click.Choice(get_args(Role)))
def add(name: str, role: Role) -> None:
    """Create the account NAME.

    Asks for the password, or takes it from VOTING_STAFF_PASSWORD. Prints the link for the
    authenticator app once.
    """
    settings = load_settings()
    password, _ = staff_credentials()
    if password is None:
        password = click.prompt(
            message("account.password_for", name=name),
            hide_input=True,
            confirmation_prompt=True,
            err=True,
        )
    created, secret = run(_add(settings, name, role, password))
    say("account.created", name=created.name, role=created.role)
    click.echo(provisioning_uri(created.name, secret))


async def _add(settings: Settings, name: str, role: Role, password: str) -> tuple[Account, str]:
    async with database(settings) as connection, connection.transaction():
        created, secret = await create_account(
            connection, settings.master_key.get_secret_value(), NewAccount(name, role, password)
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
@click.option("--note", required=True, help="Who it is for and why. Recorded in the audit log.")
@click.option("--renew", metavar="NAME", help="Reset this account's sign-in instead.")
@as_option
def invite(role: Role, note: str, renew: str | None, name: str) -> None:
    """Print a one-time link with which someone creates an account on the staff site."""
    settings = load_settings()
    token = run(_invite(settings, role, note, renew, name))
    click.echo(f"{settings.staff_url}/invitation/{token}")


async def _invite(settings: Settings, role: Role, note: str, renew: str | None, name: str) -> str:
    async with database(settings) as connection:
        administrator = await authenticate_staff(connection, settings, name)
        now = system_clock()
        if renew is None:
            return await invitations.invite(connection, administrator, role, note, now)
        reset = await find_account(connection, renew)
        return await invitations.invite_to_reset(connection, administrator, reset, note, now)


@account.command("invitations")
def list_invitations() -> None:
    """List the open invitations and whether they need a second person's approval."""
    settings = load_settings()
    for invitation in run(_open_invitations(settings)):
        role, account_name = invitation.role, invitation.account_name
        target = message("account.resets", role=role, name=account_name) if account_name else role
        say(
            "account.invitation_waits" if invitation.waits else "account.invitation_usable",
            id=invitation.id,
            target=target,
            inviter=invitation.inviter,
            note=invitation.note,
        )


async def _open_invitations(settings: Settings) -> list[invitations.Invitation]:
    now = system_clock()
    async with database(settings) as connection:
        loaded = await invitations.load_invitations(connection)
    return [invitation for invitation in loaded if invitation.is_open(now)]


@account.command()
@click.argument("invitation")
@as_option
def approve(invitation: str, name: str) -> None:
    """Approve INVITATION (its ID in `account invitations`), created by another person."""
    run(_approve(load_settings(), invitation, name))
    say("account.invitation_approved")


async def _approve(settings: Settings, invitation: str, name: str) -> None:
    async with database(settings) as connection:
        by_id = {loaded.id: loaded for loaded in await invitations.load_invitations(connection)}
        if invitation not in by_id:
            raise NotFound("commands.account.no_such_invitation")
        member = await authenticate_staff(connection, settings, name)
        await invitations.approve_invitation(
            connection, member, by_id[invitation].token_hash, system_clock()
        )


@account.command()
@click.argument("name")
def code(name: str) -> None:
    """Print the current one-time code of NAME, for the demo that VOTING_DATA names."""
    settings = load_settings()
    if settings.data is None:
        raise Refused("commands.account.codes_only_in_demo")
    for login in DataFolder(settings.data).staff():
        if login.name == name:
            click.echo(pyotp.TOTP(login.totp_secret).now())
            return
    raise NotFound("commands.account.not_demo_staff", name=name)


@account.command("list")
def list_accounts() -> None:
    """List every account, including disabled ones."""
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
    """Disable the account NAME. What it approved before stays valid."""
    run(_disable(load_settings(), name))
    say("account.disabled", name=name)


async def _disable(settings: Settings, name: str) -> None:
    async with database(settings) as connection, connection.transaction():
        member = await find_account(connection, name)
        await disable_account(connection, member.name)
        await end_all_sessions(connection, member.id, system_clock())
        await record(connection, terminal_user(), "account_disabled", subject=member.name)
