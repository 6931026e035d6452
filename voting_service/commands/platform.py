"""`platform`: register the media platforms that sign their users in, switch them on and off."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import httpx

from voting_service.accounts.model import require_role
from voting_service.clock import system_clock
from voting_service.commands.platform_check import check
from voting_service.commands.running import database, run, terminal_user
from voting_service.commands.staff import authenticate_staff
from voting_service.contests.model import Platform, Text
from voting_service.contests.platform_checks import (
    jwks_address,
    platform_slug,
    profile_address,
    public_jwk,
    web_origin,
)
from voting_service.contests.store import (
    insert_platform,
    load_platforms,
    set_profile_url,
)
from voting_service.decisions.model import DECIDERS
from voting_service.decisions.platforms import (
    announce_new_platform,
    contests_that_need_two,
    propose_platform_on,
    switch_platform_off,
    switch_platform_on,
    waiting_switch,
)
from voting_service.decisions.settings import approve_change
from voting_service.errors import Fault, InvalidInput
from voting_service.journal.record import record
from voting_service.settings import Settings, load_settings
from voting_service.storage.postgres import domain_errors
from voting_service.storage.valkey import Valkey
from voting_service.voters.sign_in import KINDS, SignIn
from voting_service.voters.spent_tokens import SpentTokens

Given = TypeVar("Given")
Good = TypeVar("Good")
Command = TypeVar("Command", bound=Callable[..., Any])

ADDED = Text("新增投票平台。", "Another platform takes part.")


@click.group()
def platform() -> None:
    """Media platforms: add, check, list, switch on and off."""


platform.add_command(check)


@platform.command("add")
@click.argument("slug")
@click.option("--name-zh", required=True, help="What citizens read, in Chinese.")
@click.option("--name-en", required=True, help="What citizens read, in English.")
@click.option(
    "--kind",
    type=click.Choice(KINDS),
    default="jwt",
    show_default=True,
    help="How it signs its users in.",
)
@click.option(
    "--key",
    "keys",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="jwt: a public key in PEM, Ed25519 or P-256. May be repeated.",
)
@click.option("--jwks-url", help="jwt: where the platform publishes its keys, instead of --key.")
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Other kinds: the sign-in's settings, TOML; never the secret itself.",
)
@click.option("--origin", "origins", multiple=True, help="A web page that may call. Repeatable.")
@click.option("--daily-ceiling", type=click.IntRange(1, 2**31 - 1), help="Ballots a day at most.")
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
    """Register the platform SLUG. It is on at once."""
    _check_usage(kind, keys, jwks_url, config)
    faults: list[Fault] = []
    _checked(faults, "slug", platform_slug, slug)
    for option, name in (("--name-zh", name_zh), ("--name-en", name_en)):
        _checked(faults, option, _readable_name, name)
    checked_origins = [_checked(faults, f"--origin {each}", web_origin, each) for each in origins]
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
    click.echo(f"added {slug} ({kind}); its users can sign in within seconds")
    for key in settings_of_kind.get("keys", ()) if kind == "jwt" else ():
        click.echo(f"key {key['kid']}  {key['crv']}")


def _check_usage(
    kind: str, keys: tuple[Path, ...], jwks_url: str | None, config: Path | None
) -> None:
    if kind == "jwt":
        if config:
            raise click.UsageError("--config goes with a --kind other than jwt")
        if bool(keys) == bool(jwks_url):
            raise click.UsageError("--kind jwt needs either --key or --jwks-url")
    else:
        if keys or jwks_url:
            raise click.UsageError("--key and --jwks-url go with --kind jwt")
        if config is None:
            raise click.UsageError(f"--kind {kind} needs --config")


def _config(
    faults: list[Fault], keys: tuple[Path, ...], jwks_url: str | None, config: Path | None
) -> dict[str, Any]:
    if config is not None:
        return _checked(faults, f"--config {config}", _read_toml, config) or {}
    if jwks_url is not None:
        return {"jwks_url": _checked(faults, "--jwks-url", jwks_address, jwks_url)}
    jwks = [_checked(faults, f"--key {key}", public_jwk, key.read_bytes()) for key in keys]
    return {"keys": list({jwk["kid"]: jwk for jwk in jwks if jwk}.values())}


def _checked(
    faults: list[Fault], field: str, check: Callable[[Given], Good], value: Given
) -> Good | None:
    """What `check` makes of the value; a ValueError becomes one more fault."""
    try:
        return check(value)
    except ValueError as error:
        faults.append(Fault(field, str(error)))
        return None


def _readable_name(name: str) -> str:
    if not name.strip() or len(name) > 120 or not name.isprintable():
        raise ValueError("must be 1 to 120 printable characters")
    return name


def _read_toml(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8-sig"))


async def _add(settings: Settings, new: Platform) -> None:
    faults = await _sign_in_faults(settings, new)
    if faults:
        raise InvalidInput(*faults)
    async with database(settings) as connection:
        with domain_errors():
            async with connection.transaction():
                await insert_platform(
                    connection,
                    slug=new.slug,
                    name=new.name,
                    kind=new.kind,
                    config=new.config,
                    origins=new.origins,
                    daily_ceiling=new.daily_ceiling,
                )
                await announce_new_platform(
                    connection,
                    new.slug,
                    by=terminal_user(),
                    reason=ADDED,
                    now=system_clock(),
                )


async def _sign_in_faults(settings: Settings, new: Platform) -> tuple[Fault, ...]:
    """What would keep the platform's users from signing in; asks neither Valkey nor anybody."""
    valkey = Valkey(settings.valkey_url)
    try:
        async with httpx.AsyncClient() as http:
            sign_in = SignIn(
                http=http, spent=SpentTokens(valkey), clock=system_clock, settings=settings
            )
            return sign_in.faults(new)
    finally:
        await valkey.close()


@platform.command("profile-url")
@click.argument("slug")
@click.argument("url")
def profile_url(slug: str, url: str) -> None:
    """Note where the platform shows the profiles, for `release probe`.

    {number} in URL stands for the candidate's; without it URL is a page of all candidates.
    """
    try:
        checked = profile_address(url)
    except ValueError as error:
        raise InvalidInput(Fault("URL", str(error))) from None
    run(_note_profile_url(load_settings(), slug, checked))
    click.echo(f"{slug} shows the profiles at {checked}")


async def _note_profile_url(settings: Settings, slug: str, url: str) -> None:
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
    for each in platforms:
        state = "on" if each.enabled else "off"
        ceiling = f"at most {each.daily_ceiling} a day" if each.daily_ceiling else "no ceiling"
        click.echo(
            f"{each.slug:<40}  {state:<3}  {each.kind:<14}  {ceiling}  {each.name.zh}"
            + "".join(f"  {origin}" for origin in each.origins)
        )
    if not platforms:
        click.echo("there is no platform yet; voting-service platform add …", err=True)


async def _load(settings: Settings) -> tuple[Platform, ...]:
    async with database(settings) as connection:
        return await load_platforms(connection)


def _reason_options(zh: str, en: str) -> Callable[[Command], Command]:
    """Why, for the public rules page."""

    def decorate(command: Command) -> Command:
        command = click.option("--reason-en", default=en, show_default=True)(command)
        return click.option("--reason-zh", default=zh, show_default=True)(command)

    return decorate


@platform.command("enable")
@click.argument("slug")
@_reason_options("该平台恢复投票。", "Voting through this platform goes on.")
@click.option(
    "--as",
    "name",
    metavar="NAME",
    help="Your account. Needed while a contest is announced or runs: one person proposes, and a "
    "second one gives the same command.",
)
def enable(slug: str, reason_zh: str, reason_en: str, name: str | None) -> None:
    """Let the platform's users sign in again."""
    reason = Text(reason_zh, reason_en)
    settings = load_settings()
    if name is None:
        run(_enable_alone(settings, slug, reason))
        click.echo(f"{slug} is on")
        return
    proposed = run(_enable_with_two(settings, slug, reason, name))
    if proposed is None:
        click.echo(f"{slug} is on")
    else:
        click.echo(
            f"proposed as decision {proposed}; it takes effect when a second person gives the "
            "same command, or approves it at the desk"
        )


async def _enable_alone(settings: Settings, slug: str, reason: Text) -> None:
    async with database(settings) as connection:
        await switch_platform_on(
            connection, slug, by=terminal_user(), reason=reason, now=system_clock()
        )


async def _enable_with_two(settings: Settings, slug: str, reason: Text, name: str) -> int | None:
    """The decision that now waits for a second person; None when the platform is on."""
    async with database(settings) as connection:
        account = await authenticate_staff(connection, settings, name)
        now = system_clock()
        running = await contests_that_need_two(connection, now)
        if not running:
            require_role(account, *DECIDERS)
            await switch_platform_on(connection, slug, by=account.name, reason=reason, now=now)
            return None
        for contest in running:
            waiting = await waiting_switch(connection, contest, slug)
            if waiting is not None:
                await approve_change(connection, contest.slug, account, waiting, now=now)
                return None
        return await propose_platform_on(
            connection, running[0], account, slug, reason=reason, now=now
        )


@platform.command("disable")
@click.argument("slug")
@_reason_options(
    "主办方暂停该平台的投票。", "The organisers suspended voting through this platform."
)
def disable(slug: str, reason_zh: str, reason_en: str) -> None:
    """Sign in nobody from this platform from now on; ballots already cast stay."""
    run(_disable(load_settings(), slug, Text(reason_zh, reason_en)))
    click.echo(f"{slug} is off")


async def _disable(settings: Settings, slug: str, reason: Text) -> None:
    async with database(settings) as connection:
        await switch_platform_off(
            connection, slug, by=terminal_user(), reason=reason, now=system_clock()
        )
