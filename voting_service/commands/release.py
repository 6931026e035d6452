"""`release`: the signed pack for platforms, its check, and the look at what they show."""

from __future__ import annotations

from pathlib import Path

import click
import httpx
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from voting_service.clock import system_clock
from voting_service.commands.running import database, run
from voting_service.contests.model import Contest
from voting_service.contests.phases import require_published
from voting_service.contests.platform_checks import profile_address
from voting_service.contests.release_pack import (
    Release,
    build_pack,
    load_release,
    verify_pack,
)
from voting_service.contests.release_probe import Finding, Target, probe
from voting_service.contests.store import load_contest, load_platforms
from voting_service.errors import Fault, InvalidInput, Refused
from voting_service.settings import Settings, load_settings
from voting_service.storage.signed_file import load_public_key, load_signing_key

_SHOWN_CHARACTERS = 60
FILE = click.Path(dir_okay=False, path_type=Path)


@click.group()
def release() -> None:
    """The release of the profiles: pack them for platforms, verify a pack, probe platforms."""


@release.command("pack")
@click.argument("slug")
@click.option("--output", required=True, type=FILE, help="The zip file to write.")
def pack(slug: str, output: Path) -> None:
    """Write the profiles and pictures of SLUG as one signed zip file.

    It is under the same embargo as the profiles: platforms may prepare with it, not publish.
    """
    settings = load_settings()
    key = load_signing_key(settings.signing_key_file)
    contest, found = run(_load(settings, slug))
    data = build_pack(contest, found, key)
    try:
        output.write_bytes(data)
    except OSError as error:
        raise Refused(f"{output} cannot be written: {error.strerror}") from None
    click.echo(
        f"wrote {output}: {len(found.profiles.candidates)} profiles, {len(found.pictures)} "
        f"pictures, {len(data) / 1024**2:.1f} MB"
    )
    _describe(data)


@release.command("verify")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The public key that was announced, PEM; without it the pack's own is shown.",
)
def verify(file: Path, key: Path | None) -> None:
    """Check a pack FILE offline: signature, every file, and that nothing else is in it."""
    _describe(file.read_bytes(), key)


def _describe(data: bytes, key: Path | None = None) -> None:
    checked = verify_pack(data, load_public_key(key.read_bytes()) if key else None)
    manifest = checked.manifest
    click.echo(f"contest     {manifest.contest}  {manifest.title.zh} / {manifest.title.en}")
    click.echo(f"publish at  {manifest.publish_at}, not before")
    click.echo(f"files       {len(manifest.files)}, each as the manifest says")
    click.echo(f"signed by   {checked.public_key}")
    if key is None:
        click.echo("compare this key with the one that was announced, or give it with --key")


@release.command("probe")
@click.argument("slug")
@click.option(
    "--address",
    "addresses",
    multiple=True,
    help="Look here instead; {number} stands for the candidate's. Repeatable.",
)
def probe_platforms(slug: str, addresses: tuple[str, ...]) -> None:
    """Compare what every platform shows with the record; differences end with exit code 1.

    Looks at the profile address of each platform that is switched on.
    """
    targets = [Target("", _address(each)) for each in addresses]
    settings = load_settings()
    findings = run(_probe(settings, slug, targets))
    if not findings:
        click.echo("no difference")
        return
    _print(findings)
    raise Refused(f"{len(findings)} differences")


def _address(value: str) -> str:
    try:
        return profile_address(value)
    except ValueError as error:
        raise InvalidInput(Fault(f"--address {value}", str(error))) from None


async def _load(settings: Settings, slug: str) -> tuple[Contest, Release]:
    async with database(settings) as connection:
        contest = await load_contest(connection, slug)
        return contest, await load_release(connection, contest)


async def _probe(settings: Settings, slug: str, targets: list[Target]) -> tuple[Finding, ...]:
    contest, found = await _load(settings, slug)
    require_published(contest, system_clock())
    if not targets:
        targets = await _registered(settings)
    click.echo(f"looking at {len(targets)} places", err=True)
    async with httpx.AsyncClient(
        follow_redirects=False, headers={"user-agent": "voting-service release probe"}
    ) as client:
        return await probe(client, found, targets)


async def _registered(settings: Settings) -> list[Target]:
    async with database(settings) as connection:
        platforms = await load_platforms(connection)
    targets = [
        Target(platform.slug, platform.profile_url)
        for platform in platforms
        if platform.enabled and platform.profile_url
    ]
    if not targets:
        raise Refused(
            "no platform has a profile address: voting-service platform profile-url SLUG URL, "
            "or give --address"
        )
    return targets


def _print(findings: tuple[Finding, ...]) -> None:
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
            _shown(difference.found),
        )
    Console(width=None if Console().is_terminal else 200).print(table)


def _shown(text: str) -> str:
    """Other people's text, fit for a terminal."""
    plain = "".join(character if character.isprintable() else " " for character in text)
    cut = plain if len(plain) <= _SHOWN_CHARACTERS else plain[:_SHOWN_CHARACTERS] + "…"
    return escape(cut)
