"""`release`: write and verify the signed pack of profiles, and check what platforms show."""

from __future__ import annotations

from pathlib import Path

import click
import httpx
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from voting_service.commands.output import message, say
from voting_service.commands.runtime import database, run
from voting_service.contests.model import Contest
from voting_service.contests.phases import require_published
from voting_service.contests.platform_registration import profile_address
from voting_service.contests.profile_release.pack import (
    Release,
    build_pack,
    load_release,
    verify_pack,
)
from voting_service.contests.profile_release.probe import (
    ProbeFinding,
    ProbeTarget,
    probe,
)
from voting_service.contests.repository import load_contest, load_platforms
from voting_service.errors import (
    InvalidInput,
    Refused,
)
from voting_service.infrastructure.clock import system_clock
from voting_service.infrastructure.crypto.signed_document import load_public_key, load_signing_key
from voting_service.settings import Settings, load_settings

_SHOWN_CHARACTERS = 60
FILE = click.Path(dir_okay=False, path_type=Path)


@click.group()
def release() -> None:
    """Pack the profiles for platforms, verify a pack, check what platforms show."""


@release.command("pack")
@click.argument("slug")
@click.option("--output", required=True, type=FILE, help="The ZIP file to write.")
def pack(slug: str, output: Path) -> None:
    """Write the profiles and pictures of SLUG to one signed ZIP file.

    The file is under the same embargo as the profiles: platforms may use it to prepare, but must
    not publish before the date in it.
    """
    settings = load_settings()
    key = load_signing_key(settings.signing_key_file)
    contest, loaded = run(_load(settings, slug))
    data = build_pack(contest, loaded, key)
    try:
        output.write_bytes(data)
    except OSError as error:
        raise Refused(
            "commands.release.cannot_write", output=output, strerror=error.strerror
        ) from None
    say(
        "release.written",
        output=output,
        profiles=len(loaded.profiles.candidates),
        pictures=len(loaded.pictures),
        megabytes=len(data) / 1024**2,
    )
    _describe(data)


@release.command("verify")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The announced public key, PEM. Without it, prints the key of the pack.",
)
def verify(file: Path, key: Path | None) -> None:
    """Check a pack FILE offline: its signature and every file in it, and nothing else is in it."""
    _describe(file.read_bytes(), key)


def _describe(data: bytes, key: Path | None = None) -> None:
    checked = verify_pack(data, load_public_key(key.read_bytes()) if key else None)
    manifest = checked.manifest
    click.echo(f"contest     {manifest.contest}  {manifest.title.zh} / {manifest.title.en}")
    click.echo(f"publish at  {message('release.not_before', moment=manifest.publish_at)}")
    click.echo(f"files       {message('release.files', count=len(manifest.files))}")
    click.echo(f"signed by   {checked.public_key}")
    if key is None:
        say("release.compare_key")


@release.command("probe")
@click.argument("slug")
@click.option(
    "--address",
    "addresses",
    multiple=True,
    help="Check this address instead; {number} stands for the candidate's number. Repeatable.",
)
def probe_platforms(slug: str, addresses: tuple[str, ...]) -> None:
    """Compare the profiles that each platform shows with ours. Ends with 1 if they differ.

    Checks the profile address of each platform that is switched on.
    """
    targets = [ProbeTarget("", _address(address)) for address in addresses]
    settings = load_settings()
    findings = run(_probe(settings, slug, targets))
    if not findings:
        say("release.no_differences")
        return
    _print(findings)
    raise Refused("commands.release.differences", findings_count=len(findings))


def _address(value: str) -> str:
    try:
        return profile_address(value)
    except InvalidInput as error:
        raise InvalidInput(*(fault.at(f"--address {value}") for fault in error.faults)) from None


async def _load(settings: Settings, slug: str) -> tuple[Contest, Release]:
    async with database(settings) as connection:
        contest = await load_contest(connection, slug)
        return contest, await load_release(connection, contest)


async def _probe(
    settings: Settings, slug: str, targets: list[ProbeTarget]
) -> tuple[ProbeFinding, ...]:
    contest, loaded = await _load(settings, slug)
    require_published(contest, system_clock())
    if not targets:
        targets = await _registered(settings)
    say("release.checking", err=True, addresses=len(targets))
    async with httpx.AsyncClient(
        follow_redirects=False, headers={"user-agent": "voting-service release probe"}
    ) as client:
        return await probe(client, loaded, targets)


async def _registered(settings: Settings) -> list[ProbeTarget]:
    async with database(settings) as connection:
        platforms = await load_platforms(connection)
    targets = [
        ProbeTarget(platform.slug, platform.profile_url)
        for platform in platforms
        if platform.enabled and platform.profile_url
    ]
    if not targets:
        raise Refused("commands.release.no_profile_address")
    return targets


def _print(findings: tuple[ProbeFinding, ...]) -> None:
    table = Table()
    for column in ("platform", "address", "candidate", "what", "expected", "found"):
        table.add_column(column, overflow="fold")
    for platform, address, difference in findings:
        number = "" if difference.number is None else str(difference.number)
        table.add_row(
            platform,
            escape(address),
            number,
            difference.what,
            _shown(difference.expected),
            _shown(difference.actual),
        )
    Console(width=None if Console().is_terminal else 200).print(table)


def _shown(text: str) -> str:
    """Return text from outside, shortened and safe to print on a terminal."""
    plain = "".join(character if character.isprintable() else " " for character in text)
    cut = plain if len(plain) <= _SHOWN_CHARACTERS else plain[:_SHOWN_CHARACTERS] + "…"
    return escape(cut)
