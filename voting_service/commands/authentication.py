"""`--as NAME`: sign in the person who runs a command, by password and one-time code."""

from __future__ import annotations

import click

from voting_service.commands.output import message
from voting_service.commands.runtime import terminal_user
from voting_service.errors import NotSignedIn
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.settings import Settings, staff_credentials
from voting_service.staff.accounts.failed_sign_ins import record_failure
from voting_service.staff.accounts.model import Account
from voting_service.staff.accounts.sign_in import SignInAttempt, authenticate
from voting_service.staff.audit_log.record import record

as_option = click.option(
    "--as",
    "name",
    metavar="NAME",
    required=True,
    help="Your account. Asks for password and one-time code, or takes them from "
    "VOTING_STAFF_PASSWORD and VOTING_STAFF_CODE.",
)


async def authenticate_staff(connection: Connection, settings: Settings, name: str) -> Account:
    """Sign a person in at the terminal and return the account. Raises NotSignedIn.

    Prompts for the password and the one-time code that the environment does not hold.
    """
    password, code = staff_credentials()
    if password is None:
        password = click.prompt(
            message("account.password_for", name=name), hide_input=True, err=True
        )
    if code is None:
        code = click.prompt(message("account.one_time_code"), err=True)
    source = terminal_user()
    try:
        account, *_ = await authenticate(
            connection,
            settings.master_key.get_secret_value(),
            SignInAttempt(name, password, code, source=source),
        )
    except NotSignedIn:
        await record_failure(connection, name, program="command line", source=source)
        raise
    await record(connection, account.name, "signed_in", details={"source": source})
    return account
