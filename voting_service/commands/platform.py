"""`platform`: register media platforms that sign voters in, and switch them on and off."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import httpx

from voting_service.commands.authentication import authenticate_staff
from voting_service.commands.output import message, say
from voting_service.commands.platform_check import check
from voting_service.commands.reasons import default_reason, reason_options
from voting_service.commands.runtime import (
    database,
    run,
    terminal_user,
)
from voting_service.contests.model import Platform
from voting_service.contests.platform_registration import (
    platform_slug,
    profile_address,
    public_jwk,
    web_origin,
)
from voting_service.contests.repository import (
    NewPlatform,
    insert_platform,
    load_platforms,
    set_profile_url,
)
from voting_service.contests.settings.platform_switch import (
    announce_new_platform,
    contests_that_need_two,
    find_waiting_switch,
    propose_platform_on,
    switch_platform_off,
    switch_platform_on,
)
from voting_service.contests.settings.service import approve_change
from voting_service.errors import Fault, InvalidInput
from voting_service.i18n.text import Text
from voting_service.infrastructure.clock import system_clock
from voting_service.infrastructure.http_clients.urls import check_https_address
from voting_service.infrastructure.postgres.pool import domain_errors
from voting_service.infrastructure.valkey import Valkey
from voting_service.settings import Settings, load_settings
from voting_service.staff.accounts.model import require_role
from voting_service.staff.actor import Actor
from voting_service.staff.approvals.model import DECIDERS
from voting_service.staff.audit_log.record import record
from voting_service.voting.voters.service import KINDS, SignIn
from voting_service.voting.voters.used_tokens import UsedTokens

Given = TypeVar("Given")
Good = TypeVar("Good")


@click.group()
def platform() -> None:
    """Add, check, list and switch media platforms on and off."""


platform.add_command(check)


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
    daily_ceiling: int | None,
) -> None:
    """Register the platform SLUG and switch it on."""
    _check_usage(kind, keys, jwks_url, config)
    faults: list[Fault] = []
    _checked(faults, "slug", platform_slug, slug)
    for option, name in (("--name-zh", name_zh), ("--name-en", name_en)):
        _checked(faults, option, _readable_name, name)
    checked_origins = [
        _checked(faults, f"--origin {origin}", web_origin, origin) for origin in origins
    ]
    settings_of_kind = _config(faults, keys, jwks_url, config)
    if faults:
        raise InvalidInput(*faults)
    run(
        _add(
            load_settings(),
            Platform(
                id=0,  # Postgres gives the real one
                slug=slug,
                name=Text(zh=name_zh.strip(), en=name_en.strip()),
                kind=kind,
                config=settings_of_kind,
                origins=tuple(origin for origin in dict.fromkeys(checked_origins) if origin),
                daily_ceiling=daily_ceiling,
                enabled=True,
                revision=1,
            ),
        )
    )
    say("platform.added", slug=slug, kind=kind)
    for key in settings_of_kind.get("keys", ()) if kind == "jwt" else ():
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


def _config(
    faults: list[Fault], keys: tuple[Path, ...], jwks_url: str | None, config: Path | None
) -> dict[str, Any]:
    if config is not None:
        return _checked(faults, f"--config {config}", _read_toml, config) or {}
    if jwks_url is not None:
        return {"jwks_url": _checked(faults, "--jwks-url", check_https_address, jwks_url)}
    jwks = [_checked(faults, f"--key {key}", public_jwk, key.read_bytes()) for key in keys]
    return {"keys": list({jwk["kid"]: jwk for jwk in jwks if jwk}.values())}


def _checked(
    faults: list[Fault], field: str, check: Callable[[Given], Good], value: Given
) -> Good | None:
    """Return the result of `check`; add its faults, as faults of `field`, and return None."""
    try:
        return check(value)
    except InvalidInput as error:
        faults.extend(fault.at(field) for fault in error.faults)
        return None


def _readable_name(name: str) -> str:
    if not name.strip() or len(name) > 120 or not name.isprintable():
        raise InvalidInput(Fault("", "commands.platform.name_length"))
    return name


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise InvalidInput(Fault.verbatim("", str(error))) from None


async def _add(settings: Settings, new: Platform) -> None:
    faults = await _sign_in_faults(settings, new)
    if faults:
        raise InvalidInput(*faults)
    async with database(settings) as connection:
        with domain_errors():
            async with connection.transaction():
                await insert_platform(
                    connection,
                    NewPlatform(
                        slug=new.slug,
                        name=new.name,
                        kind=new.kind,
                        config=new.config,
                        origins=new.origins,
                        daily_ceiling=new.daily_ceiling,
                    ),
                )
                await announce_new_platform(
                    connection,
                    new.slug,
                    by=terminal_user(),
                    reason=default_reason("platform_added"),
                    now=system_clock(),
                )


async def _sign_in_faults(settings: Settings, new: Platform) -> tuple[Fault, ...]:
    """Return the faults that would keep users from signing in, without any network call."""
    valkey = Valkey(settings.valkey_url)
    try:
        async with httpx.AsyncClient() as http:
            sign_in = SignIn(
                http=http, used_tokens=UsedTokens(valkey), clock=system_clock, settings=settings
            )
            return sign_in.faults(new)
    finally:
        await valkey.close()


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
        ceiling = message("platform.no_ceiling")
        if listed.daily_ceiling:
            ceiling = message("platform.ceiling", ballots=listed.daily_ceiling)
        click.echo(
            f"{listed.slug:<40}  {state:<3}  {listed.kind:<14}  {ceiling}  {listed.name.zh}"
            + "".join(f"  {origin}" for origin in listed.origins)
        )
    if not platforms:
        say("platform.none_yet", err=True)


async def _load(settings: Settings) -> tuple[Platform, ...]:
    async with database(settings) as connection:
        return await load_platforms(connection)


@platform.command("enable")
@click.argument("slug")
@reason_options("platform_on")
@click.option(
    "--as",
    "name",
    metavar="NAME",
    help="Your account. Needed while a contest is announced or open: one person proposes, and a "
    "second person runs the same command.",
)
def enable(slug: str, reason_zh: str, reason_en: str, name: str | None) -> None:
    """Switch the platform SLUG on again, so that its users can sign in."""
    reason = Text(reason_zh, reason_en)
    settings = load_settings()
    if name is None:
        run(_enable_alone(settings, slug, reason))
        say("platform.on", slug=slug)
        return
    proposed = run(_enable_with_two(settings, slug, reason, name))
    if proposed is None:
        say("platform.on", slug=slug)
    else:
        say("platform.proposed", decision=proposed)


async def _enable_alone(settings: Settings, slug: str, reason: Text) -> None:
    async with database(settings) as connection:
        await switch_platform_on(
            connection, slug, by=terminal_user(), reason=reason, now=system_clock()
        )


async def _enable_with_two(settings: Settings, slug: str, reason: Text, name: str) -> int | None:
    """Return the decision that waits for a second person, or None once the platform is on."""
    async with database(settings) as connection:
        account = await authenticate_staff(connection, settings, name)
        now = system_clock()
        contests = await contests_that_need_two(connection, now)
        if not contests:
            require_role(account, *DECIDERS)
            await switch_platform_on(connection, slug, by=account.name, reason=reason, now=now)
            return None
        for contest in contests:
            waiting = await find_waiting_switch(connection, contest, slug)
            if waiting is not None:
                await approve_change(Actor(connection, account, now), contest.slug, waiting)
                return None
        return await propose_platform_on(
            Actor(connection, account, now), contests[0], slug, reason=reason
        )


@platform.command("disable")
@click.argument("slug")
@reason_options("platform_off")
def disable(slug: str, reason_zh: str, reason_en: str) -> None:
    """Switch the platform SLUG off: nobody can sign in through it. Ballots already cast stay."""
    run(_disable(load_settings(), slug, Text(reason_zh, reason_en)))
    say("platform.off", slug=slug)


async def _disable(settings: Settings, slug: str, reason: Text) -> None:
    async with database(settings) as connection:
        await switch_platform_off(
            connection, slug, by=terminal_user(), reason=reason, now=system_clock()
        )
