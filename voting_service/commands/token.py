"""`token`: check a sign-in token of a platform."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import msgspec

from voting_service.commands.output import message
from voting_service.commands.platform_check import (
    CheckRequest,
    run_checks,
    tried_option,
    tried_platform,
)
from voting_service.errors import Refused
from voting_service.infrastructure.http_clients.json_web_tokens import peek_claim, read_header
from voting_service.voting.voters.platform_adapters.jwt import MAX_TOKEN_BYTES
from voting_service.voting.voters.token_examination import read_pasted


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
def check(token: str, contest: str | None, keys: tuple[Path, ...], jwks_url: str | None) -> None:
    """Show every claim of TOKEN, what is wrong with it and by how much; - reads it from stdin.
    TOKEN may be the whole sign-in link.

    An expired token can be checked. It is neither used up nor stored. With --key or --jwks-url the
    check needs neither stores nor settings.
    """
    pasted = read_pasted(sys.stdin.read() if token == "-" else token)  # noqa: S105
    slug = pasted.issuer
    if slug is None:
        read_header(pasted.token, MAX_TOKEN_BYTES)
        raise Refused("commands.platform_check.no_issuer")
    if keys and jwks_url:
        raise click.UsageError(message("platform_check.one_of"))
    tried = tried_platform(slug, keys, jwks_url, None)
    if tried and peek_claim(pasted.token, "person") is not None:
        tried = msgspec.structs.replace(tried, person_policy="required")
    option = tried_option(keys, jwks_url)
    run_checks(CheckRequest(slug, pasted, contest, tried, option, of_token=True))
