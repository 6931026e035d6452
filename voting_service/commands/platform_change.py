"""`platform change` and `platform show`, and how every change of a platform is submitted."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, get_args

import click
from msgspec import UNSET

from voting_service.commands.authentication import authenticate_staff
from voting_service.commands.output import message, say
from voting_service.commands.platform_proposal import say_proposed
from voting_service.commands.reasons import reason_options
from voting_service.commands.runtime import database, run, terminal_user
from voting_service.contests.model import PersonPolicy, Platform
from voting_service.contests.pictures.model import describe_logo
from voting_service.contests.platform_registration import platform_slug
from voting_service.contests.settings.approval_kinds import PLATFORM, PlatformPayload
from voting_service.contests.settings.descriptions import describe_platform_change
from voting_service.contests.settings.platform_changes import (
    ChangeResult,
    PlatformChange,
    change_platform,
    change_platform_alone,
    check_slug_free,
    find_platform,
    load_platform,
    waiting_changes,
)
from voting_service.contests.settings.platform_terms import (
    PlatformEdit,
    PlatformTerms,
    edited,
    read_terms,
    removes_key,
    with_terms,
)
from voting_service.contests.settings.repository import ChangeOrigin
from voting_service.errors import Fault, InvalidInput, NotFound
from voting_service.i18n.text import LANGUAGES, Text
from voting_service.infrastructure.images.model import EncodedPicture
from voting_service.infrastructure.images.uploads import encode_upload
from voting_service.infrastructure.postgres.database_clock import database_time
from voting_service.infrastructure.text_files import read_text_file
from voting_service.settings import Settings, load_settings
from voting_service.staff.actor import Actor
from voting_service.staff.approvals.model import ApprovalRequest
from voting_service.voting.voters.service import try_sign_in

_NAMES = {f"{what}.{code}": f"--{what}-{code}" for what in ("name", "app") for code in LANGUAGES}
Command = TypeVar("Command", bound=Callable[..., Any])

two_people_option = click.option(
    "--as",
    "name",
    metavar="NAME",
    help="Your account. Needed while a contest is announced or open: one person proposes, and a "
    "second person runs the same command or approves it on the console.",
)
_ENTRANCE = (
    click.option(
        "--entrance",
        help="The https link that opens the vote inside the app. Visitors see it and its QR code "
        "where they have to sign in. An empty one removes it.",
    ),
    click.option("--app-zh", help="What the app is called in Chinese, if not like the platform."),
    click.option("--app-en", help="The same in English."),
    click.option(
        "--logo",
        "logo_file",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="A picture that users know the app by.",
    ),
)


def entrance_options(command: Command) -> Command:
    """Add the options for where a platform's app lets voters in."""
    for option in reversed(_ENTRANCE):
        command = option(command)
    return command


end_sessions_option = click.option(
    "--end-sessions/--keep-sessions",
    "end_sessions",
    default=None,
    help="Whether the platform's voters who are signed in have to sign in again. Default: yes "
    "when a key is removed, no otherwise.",
)


@click.command("change")
@click.argument("slug")
@click.option("--name-zh", help="The name that voters see, in Chinese.")
@click.option("--name-en", help="The name that voters see, in English.")
@click.option(
    "--add-key",
    "add_keys",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="jwt: another public key, PEM. Repeatable.",
)
@click.option(
    "--remove-key", "remove_keys", multiple=True, help="jwt: the id of a key. Repeatable."
)
@click.option("--jwks-url", help="jwt: the address of the platform's key set, for all pinned keys.")
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Other kinds: the sign-in settings, TOML. Only before a contest is announced.",
)
@click.option("--add-origin", "add_origins", multiple=True, help="A web origin. Repeatable.")
@click.option("--remove-origin", "remove_origins", multiple=True, help="Repeatable.")
@click.option("--daily-ceiling", type=click.IntRange(0, 2**31 - 1), help="0: no ceiling.")
@click.option(
    "--person-policy",
    type=click.Choice(get_args(PersonPolicy)),
    help="jwt: whether every token names the person. Only before a contest is announced.",
)
@entrance_options
@click.option("--remove-logo", is_flag=True, help="Show the first letter of the name instead.")
@end_sessions_option
@reason_options("platform_changed")
@two_people_option
def change(
    *,
    slug: str,
    end_sessions: bool | None,
    reason_zh: str,
    reason_en: str,
    name: str | None,
    config: Path | None,
    daily_ceiling: int | None,
    add_keys: tuple[Path, ...],
    logo_file: Path | None,
    remove_logo: bool,
    **edits: Any,
) -> None:
    """Change the keys, origins, names, entrance, logo or ceiling of the platform SLUG.

    Its users stay the same voters.

    To replace a key that may have leaked: --add-key NEW.pem --remove-key OLD in one command.
    """
    encoded = encode_logo_file(logo_file)
    edit = PlatformEdit(
        logo=describe_logo(encoded) if encoded else None if remove_logo else UNSET,
        add_keys=tuple(key.read_bytes() for key in add_keys),
        config=read_config_file(config),
        daily_ceiling=UNSET if daily_ceiling is None else daily_ceiling or None,
        **edits,
    )
    if ((edit.add_keys or edit.remove_keys) and edit.jwks_url) or (config and edit.jwks_url):
        raise click.UsageError(message("platform.one_way_of_keys"))

    def changed(platform: Platform | None) -> PlatformChange:
        before = read_terms(require_platform(platform, slug))
        after = _edited(before, edit)
        ends = removes_key(before, after) if end_sessions is None else end_sessions
        return PlatformChange(slug, after, ends, encoded)

    result = submit(load_settings(), slug, changed, Text(reason_zh, reason_en), name)
    if result.state == "proposed":
        say_proposed(result)
    else:
        say("platform.changed", slug=slug)


@click.command("show")
@click.argument("slug")
def show(slug: str) -> None:
    """Show the settings of the platform SLUG, and the changes that wait for a second person."""
    platform, waiting = run(_load(load_settings(), slug))
    terms = read_terms(platform)
    for described in describe_platform_change(
        PlatformPayload(slug, 0, None, terms, end_sessions=False, reason=terms.name), "en"
    ):
        click.echo(f"{described.name:<16} {described.after}")
    if platform.sessions_not_before:
        say("platform.sessions_not_before", at=platform.sessions_not_before)
    for request in waiting:
        say("platform.waiting", decision=request.id, proposer=request.proposer)
        for described in describe_platform_change(PLATFORM.read(request), "en"):
            click.echo(f"  {described.name:<14} {described.before} -> {described.after}")


async def _load(settings: Settings, slug: str) -> tuple[Platform, list[ApprovalRequest]]:
    async with database(settings) as connection:
        platform = await load_platform(connection, slug)
        waiting = await waiting_changes(
            connection, await database_time(connection), f"{slug}/{platform.revision}"
        )
    return platform, waiting


def submit(
    settings: Settings,
    slug: str,
    changed: Callable[[Platform | None], PlatformChange],
    reason: Text,
    name: str | None,
) -> ChangeResult:
    """Carry out, propose or approve what `changed` makes of the stored platform, as the account
    `name` or, without one, as the terminal's user. A new sign-in is tried first. A platform that is
    to be added and exists with the same terms stays unchanged.

    Raises InvalidInput and Refused; then nothing was stored.
    """
    return run(_submit(settings, slug, changed, reason, name))


async def _submit(
    settings: Settings,
    slug: str,
    changed: Callable[[Platform | None], PlatformChange],
    reason: Text,
    name: str | None,
) -> ChangeResult:
    async with database(settings) as connection:
        platform = await find_platform(connection, slug)
        change = changed(platform)
        if change.is_new and platform is not None and read_terms(platform) == change.terms:
            return ChangeResult("unchanged")
        check_slug_free(platform, change)
        candidate = _candidate(platform, change)
        if platform is None or (platform.config, platform.person_policy) != (
            candidate.config,
            candidate.person_policy,
        ):
            await try_sign_in(settings, candidate)
        now = await database_time(connection)  # it decides whether a second person is needed
        if name is None:
            origin = ChangeOrigin(terminal_user(), now, reason)
            await change_platform_alone(connection, change, origin)
            return ChangeResult("done")
        account = await authenticate_staff(connection, settings, name)
        actor = Actor(connection, account, now)
        return await change_platform(actor, change, reason=reason)


def _candidate(platform: Platform | None, change: PlatformChange) -> Platform:
    blank = Platform(0, change.slug, change.terms.name, change.terms.kind, {}, (), None, True, 0)
    return with_terms(platform or blank, change.terms)


def require_platform(platform: Platform | None, slug: str) -> Platform:
    """Return the platform. Raises NotFound if there is none."""
    if platform is None:
        raise NotFound("contests.settings.no_such_platform", slug=slug)
    return platform


def edited_all(slug: str, terms: PlatformTerms, edit: PlatformEdit) -> PlatformChange:
    """Return a new platform. Raises InvalidInput with every fault, of the slug too."""
    faults: list[Fault] = []
    for check in (lambda: platform_slug(slug), lambda: _edited(terms, edit)):
        try:
            check()
        except InvalidInput as error:
            faults += [fault.at(fault.field or "slug") for fault in error.faults]
    if faults:
        raise InvalidInput(*faults)
    return PlatformChange(slug, edited(terms, edit), is_new=True)


def _edited(terms: PlatformTerms, edit: PlatformEdit) -> PlatformTerms:
    """Return the edited terms. Raises InvalidInput with every fault, names under their option."""
    try:
        return edited(terms, edit)
    except InvalidInput as error:
        faults = (fault.at(_NAMES.get(fault.field, fault.field)) for fault in error.faults)
        raise InvalidInput(*faults) from None


def encode_logo_file(path: Path | None) -> EncodedPicture | None:
    """Return a logo as it will be shown; None without one. Raises InvalidInput."""
    if path is None:
        return None
    return run(encode_upload(path.read_bytes(), path.name, "logo", field="--logo"))


def read_config_file(path: Path | None) -> dict[str, Any] | None:
    """Return the contents of a TOML file; None without one. Raises InvalidInput."""
    if path is None:
        return None
    try:
        return tomllib.loads(read_text_file(path))
    except ValueError as error:
        raise InvalidInput(Fault.verbatim(f"--config {path}", str(error))) from None
