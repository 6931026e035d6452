"""`platform`: register media platforms that sign voters in, and switch them on and off.

`platform_change.py` has what changes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import click

from voting_service.commands.output import message, say
from voting_service.commands.platform_change import (
    change,
    edited_all,
    encode_logo_file,
    end_sessions_option,
    entrance_options,
    read_config_file,
    require_platform,
    show,
    submit,
    two_people_option,
)
from voting_service.commands.platform_check import check
from voting_service.commands.platform_proposal import say_proposed
from voting_service.commands.reasons import reason_options
from voting_service.commands.runtime import (
    database,
    run,
    terminal_user,
)
from voting_service.contests.model import PersonPolicy, Platform
from voting_service.contests.pictures.model import describe_logo
from voting_service.contests.platform_registration import profile_address
from voting_service.contests.repository import load_platforms, set_profile_url
from voting_service.contests.settings.platform_changes import switch_on, switch_platform_off
from voting_service.contests.settings.platform_terms import PlatformEdit, PlatformTerms
from voting_service.errors import InvalidInput
from voting_service.i18n.text import Text
from voting_service.infrastructure.postgres.database_clock import database_time
from voting_service.infrastructure.postgres.pool import domain_errors
from voting_service.settings import Settings, load_settings
from voting_service.staff.audit_log.record import record
from voting_service.voting.voters.service import KINDS


@click.group()
def platform() -> None:
    """Add, change, check, list and switch media platforms on and off."""


platform.add_command(check)
platform.add_command(change)
platform.add_command(show)


@platform.command("add")
@click.argument("slug")
@click.option("--name-zh", required=True, help="The name that voters see, in Chinese.")
@click.option("--name-en", required=True, help="The name that voters see, in English.")
@click.option(
    "--kind",
    type=click.Choice(KINDS),
    default="jwt",
    show_default=True,
    help="How the platform signs its users in.",
)
@click.option(
    "--key",
    "keys",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="jwt: a public key, PEM, Ed25519 or P-256. Repeatable.",
)
@click.option("--jwks-url", help="jwt: the address of the platform's key set, instead of --key.")
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Other kinds: the sign-in settings, TOML, without the secret.",
)
@click.option(
    "--origin", "origins", multiple=True, help="A web origin that may call the API. Repeatable."
)
@click.option(
    "--daily-ceiling", type=click.IntRange(1, 2**31 - 1), help="The most ballots per day."
)
@click.option(
    "--person-policy",
    type=click.Choice(get_args(PersonPolicy)),
    default="never",
    show_default=True,
    help="jwt: whether every token names the person behind the account, so that a person votes "
    "once across all platforms that do. Otherwise each account has a vote.",
)
@entrance_options
@reason_options("platform_added")
@two_people_option
def add_platform(
    *,
    slug: str,
    name_zh: str,
    name_en: str,
    kind: str,
    keys: tuple[Path, ...],
    jwks_url: str | None,
    config: Path | None,
    origins: tuple[str, ...],
    reason_zh: str,
    reason_en: str,
    name: str | None,
    logo_file: Path | None,
    **terms: Any,
) -> None:
    """Register the platform SLUG and switch it on.

    While a contest is announced or open this takes two people: give your name with --as, then ask
    a second person to run the same command or to approve it on the console.

    It never replaces a platform: one with these settings stays as it is, and for another one of
    this slug there is `platform change`.
    """
    _check_usage(kind, keys, jwks_url, config)
    encoded = encode_logo_file(logo_file)
    given = PlatformEdit(
        logo=describe_logo(encoded) if encoded else None,
        add_keys=tuple(key.read_bytes() for key in keys),
        jwks_url=jwks_url,
        config=read_config_file(config),
        add_origins=origins,
        **terms,
    )
    new = edited_all(slug, PlatformTerms(Text(zh=name_zh, en=name_en), kind, {}), given)
    new = new._replace(logo_file=encoded)
    result = submit(load_settings(), slug, lambda _: new, Text(reason_zh, reason_en), name)
    if result.state == "proposed":
        say_proposed(result)
        return
    if result.state == "unchanged":
        say("platform.unchanged", slug=slug)
        return
    say("platform.added", slug=slug, kind=kind)
    if kind == "jwt":
        for key in new.terms.config.get("keys", ()):
            say("platform.key", kid=key["kid"], curve=key["crv"])


def _check_usage(
    kind: str, keys: tuple[Path, ...], jwks_url: str | None, config: Path | None
) -> None:
    if kind == "jwt":
        if config:
            raise click.UsageError(message("platform.config_without_jwt"))
        if bool(keys) == bool(jwks_url):
            raise click.UsageError(message("platform.jwt_needs_keys"))
    else:
        if keys or jwks_url:
            raise click.UsageError(message("platform.keys_with_jwt_only"))
        if config is None:
            raise click.UsageError(message("platform.needs_config", kind=kind))


@platform.command("profile-url")
@click.argument("slug")
@click.argument("url")
def profile_url(slug: str, url: str) -> None:
    """Set the address where the platform shows the profiles, for `release probe`.

    {number} in URL stands for the candidate's number. Without it, URL is a page of all candidates.
    """
    try:
        checked = profile_address(url)
    except InvalidInput as error:
        raise InvalidInput(*(fault.at("URL") for fault in error.faults)) from None
    run(_set_profile_url(load_settings(), slug, checked))
    say("platform.profile_url_set", slug=slug, url=checked)


async def _set_profile_url(settings: Settings, slug: str, url: str) -> None:
    async with database(settings) as connection:
        with domain_errors():
            async with connection.transaction():
                await set_profile_url(connection, slug, url)
                await record(
                    connection,
                    terminal_user(),
                    "platform_changed",
                    subject=slug,
                    details={"profile_url": url},
                )


@platform.command("list")
def list_platforms() -> None:
    """List every platform."""
    platforms = run(_load(load_settings()))
    for listed in platforms:
        state = "on" if listed.enabled else "off"
        policy = f"person {listed.person_policy:<8}"
        ceiling = message("platform.no_ceiling")
        if listed.daily_ceiling:
            ceiling = message("platform.ceiling", ballots=listed.daily_ceiling)
        click.echo(
            f"{listed.slug:<40}  {state:<3}  {listed.kind:<14}  {policy}  {ceiling}"
            f"  {listed.name.zh}" + "".join(f"  {origin}" for origin in listed.origins)
        )
    if not platforms:
        say("platform.none_yet", err=True)


async def _load(settings: Settings) -> tuple[Platform, ...]:
    async with database(settings) as connection:
        return await load_platforms(connection)


@platform.command("enable")
@click.argument("slug")
@reason_options("platform_on")
@two_people_option
@end_sessions_option
def enable(
    slug: str, reason_zh: str, reason_en: str, name: str | None, end_sessions: bool | None
) -> None:
    """Switch the platform SLUG on again, so that its users can sign in."""
    result = submit(
        load_settings(),
        slug,
        lambda platform: switch_on(
            require_platform(platform, slug), end_sessions=bool(end_sessions)
        ),
        Text(reason_zh, reason_en),
        name,
    )
    if result.state == "proposed":
        say_proposed(result)
    else:
        say("platform.on", slug=slug)


@platform.command("disable")
@click.argument("slug")
@reason_options("platform_off")
def disable(slug: str, reason_zh: str, reason_en: str) -> None:
    """Switch the platform SLUG off at once: nobody can sign in or vote through it.

    One person can always do this. Ballots already cast stay.
    """
    run(_disable(load_settings(), slug, Text(reason_zh, reason_en)))
    say("platform.off", slug=slug)


async def _disable(settings: Settings, slug: str, reason: Text) -> None:
    async with database(settings) as connection:
        now = await database_time(connection)
        await switch_platform_off(connection, slug, by=terminal_user(), reason=reason, now=now)
