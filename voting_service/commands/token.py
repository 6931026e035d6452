"""`token`: check a sign-in token of a platform."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from voting_service.commands.platform_check import check as check_platform
from voting_service.errors import Refused
from voting_service.infrastructure.http_clients.json_web_tokens import peek_claim


@click.group()
def token() -> None:
    """Check sign-in tokens."""


@token.command("check")
@click.argument("token", default="-")
@click.option("--contest", help="The contest that the token is for.")
@click.option(
    "--key",
    "keys",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Check with this public key (PEM) instead of the registered settings. Repeatable.",
)
@click.option("--jwks-url", help="Check with this key set instead of the registered settings.")
@click.pass_context
def check(context: click.Context, /, token: str, **options: Any) -> None:
    """Show every claim of TOKEN, what is wrong with it and by how much; - reads it from stdin.

    An expired token can be checked. It is neither used up nor stored. With --key or --jwks-url the
    check needs neither stores nor settings.
    """
    text = (sys.stdin.read() if token == "-" else token).strip()  # noqa: S105
    issuer = peek_claim(text, "iss")
    if not isinstance(issuer, str):
        raise Refused("commands.platform_check.no_issuer")
    context.invoke(check_platform, slug=issuer, token=text, config=None, **options)
