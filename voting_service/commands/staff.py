"""`--as NAME`: who gives this command, proven by password and one-time code."""

from __future__ import annotations

import click

from voting_service.accounts.failed_sign_ins import record_failure
from voting_service.accounts.model import Account
from voting_service.accounts.sign_in import authenticate
from voting_service.commands.running import terminal_user
from voting_service.errors import NotSignedIn
from voting_service.journal.record import record
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


async def authenticate_staff(connection: Connection, settings: Settings, name: str) -> Account:
    """Asks on the terminal for what the environment does not hold. Raises NotSignedIn."""
    password, code = staff_credentials()
    if password is None:
        password = click.prompt(f"Password of {name}", hide_input=True, err=True)
    if code is None:
        code = click.prompt("One-time code", err=True)
    source = terminal_user()
    try:
        account = await authenticate(
            connection,
            settings.master_key.get_secret_value(),
            name,
            password,
            code,
            source=source,
        )
    except NotSignedIn:
        await record_failure(connection, name, program="command line", source=source)
        raise
    await record(connection, account.name, "signed_in", details={"source": source})
    return account
