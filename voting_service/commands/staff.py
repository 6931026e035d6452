"""`--as NAME`: who gives this command, proven by password and one-time code."""

from __future__ import annotations

import os

import click

from voting_service.accounts.model import Account
from voting_service.accounts.sign_in import authenticate
from voting_service.settings import Settings, staff_credentials
from voting_service.storage.postgres import Connection

as_option = click.option(
    "--as",
    "name",
    metavar="NAME",
    required=True,
    help="Your account. Password and code are asked for, or taken from VOTING_STAFF_PASSWORD "
    "and VOTING_STAFF_CODE.",
)


def terminal_user() -> str:
    """Who gives a command that no account is asked for, as the journal names them."""
    return f"terminal of user {os.getuid()}"


async def authenticate_staff(connection: Connection, settings: Settings, name: str) -> Account:
    """Asks on the terminal for what the environment does not hold. Raises NotSignedIn."""
    password, code = staff_credentials()
    if password is None:
        password = click.prompt(f"Password of {name}", hide_input=True, err=True)
    if code is None:
        code = click.prompt("One-time code", err=True)
    return await authenticate(
        connection,
        settings.master_key.get_secret_value(),
        name,
        password,
        code,
        source=terminal_user(),
    )
