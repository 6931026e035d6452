"""`account`: staff by command line; the first administrator comes from here."""

from __future__ import annotations

from typing import get_args

import click
import pyotp
from rich.console import Console
from rich.table import Table

from voting_service.accounts.model import Account, Role
from voting_service.accounts.second_factor import provisioning_uri
from voting_service.accounts.store import create_account, disable_account, load_accounts
from voting_service.commands.running import database, run
from voting_service.demo.data_folder import DataFolder
from voting_service.errors import NotFound, Refused
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
    async with database(settings) as connection:
        return await create_account(
            connection, settings.master_key.get_secret_value(), name, role, password
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
    async with database(settings) as connection:
        await disable_account(connection, name)
