"""`platform check`: a platform's settings, keys and a sample token against the contract."""

from __future__ import annotations

import sys
import time
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import click
import httpx

from voting_service.clock import system_clock
from voting_service.commands.running import database, run
from voting_service.contests.model import Contest, Platform, Text
from voting_service.contests.platform_checks import (
    jwks_address,
    platform_slug,
    public_jwk,
    web_origin,
)
from voting_service.contests.store import load_contests, load_platforms
from voting_service.errors import Fault, InvalidInput, NotFound, Refused, Unavailable
from voting_service.outside.calls import Outside
from voting_service.outside.signed_tokens import peek_claim
from voting_service.outside.verification_keys import KeySource, listed_keys
from voting_service.settings import load_settings
from voting_service.voters.platform_examination import (
    Finding,
    examine_delivery,
    examine_keys,
    examine_token,
    remark,
    right,
    wrong,
)
from voting_service.voters.sign_in_kind import read_config
from voting_service.voters.sign_in_kinds.jwt import Config, key_source

_FETCHED = "it must answer 200 with a key set, over https, within 3 s and without a redirect"
_SIGNS = {True: "✔", False: "✘", None: "•"}


@dataclass
class Sheet:
    """Tells the findings one by one and counts them."""

    right: int = 0
    wrong: int = 0

    def tell_all(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            self.tell(finding)

    def tell(self, finding: Finding) -> None:
        click.echo(f"{_SIGNS[finding.ok]} {finding.what}: {finding.detail}")
        if finding.mend:
            click.echo(f"    → {finding.mend}")
        self.right += finding.ok is True
        self.wrong += finding.ok is False


@click.command("check")
@click.argument("slug")
@click.option("--token", help="A sample token, not spent by this; - reads it from stdin.")
@click.option("--contest", help="The contest that the token should be for.")
@click.option(
    "--key",
    "keys",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Try this public key (PEM) and not the registered settings. Repeatable.",
)
@click.option("--jwks-url", help="Try this address and not the registered settings.")
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Try these settings, TOML (keys or jwks_url, origins), and not the registered ones.",
)
def check(
    *,
    slug: str,
    token: str | None,
    contest: str | None,
    keys: tuple[Path, ...],
    jwks_url: str | None,
    config: Path | None,
) -> None:
    """Check what SLUG has registered, its published keys and a sample token.

    Says line by line what is right (✔), what is wrong and how to mend it (✘), and what else is
    worth knowing (•). With --key, --jwks-url or --config it checks those, asks no store and
    needs no settings: a platform's engineers can run it before anything is registered.
    """
    if sum(each is not None for each in (keys or None, jwks_url, config)) > 1:
        raise click.UsageError("give one of --key, --jwks-url and --config")
    if token == "-":  # noqa: S105 — where to read it, no secret
        token = sys.stdin.read()
    tried = _tried_platform(slug, keys, jwks_url, config)
    sheet = Sheet()
    run(_check(sheet, slug, tried, token.strip() if token else None, contest))
    if sheet.wrong:
        raise Refused(f"{sheet.wrong} wrong, {sheet.right} right; see the lines that begin with ✘")
    click.echo(f"all {sheet.right} right")


def _tried_platform(
    slug: str, keys: tuple[Path, ...], jwks_url: str | None, config: Path | None
) -> Platform | None:
    """The platform as the options describe it, None where the registered one is meant."""
    if not (keys or jwks_url or config):
        return None
    settings: dict[str, Any]
    if config is not None:
        try:
            settings = tomllib.loads(config.read_text(encoding="utf-8-sig"))
        except ValueError as error:
            raise InvalidInput(Fault(f"--config {config}", str(error))) from None
    elif jwks_url is not None:
        settings = {"jwks_url": jwks_url}
    else:
        settings = {"keys": [_jwk(key) for key in keys]}
    origins = settings.pop("origins", [])
    return Platform(
        id=0, slug=slug, name=Text(zh=slug, en=slug), kind="jwt", config=settings,
        origins=tuple(map(str, origins)), daily_ceiling=None, enabled=True, revision=1,
    )  # fmt: skip


def _jwk(file: Path) -> dict[str, str]:
    try:
        return public_jwk(file.read_bytes())
    except ValueError as error:
        raise InvalidInput(Fault(f"--key {file}", str(error))) from None


async def _check(
    sheet: Sheet, slug: str, tried: Platform | None, token: str | None, contest_slug: str | None
) -> None:
    contests: Sequence[Contest] | None = None
    platform = tried
    if platform is None:
        async with database(load_settings()) as connection:
            platforms = {each.slug: each for each in await load_platforms(connection)}
            contests = await load_contests(connection)
        platform = platforms.get(slug)
        if platform is None:
            raise NotFound(f"there is no platform {slug!r}; voting-service platform list")
    sheet.tell_all(_examine_registration(platform))
    if platform.kind != "jwt":
        sheet.tell(remark("kind", f"{platform.kind}: only the settings of jwt can be tried here"))
        return
    headers = httpx.Headers()

    async def keep_headers(response: httpx.Response) -> None:
        headers.update(response.headers)

    async with httpx.AsyncClient(event_hooks={"response": [keep_headers]}) as http:
        keys = await _examine_keys(sheet, platform, Outside(http), headers)
        if token is None:
            sheet.tell(remark("token", "none given; --token TOKEN examines one"))
            return
        asked = contest_slug or _known_audience(token, contests)
        if contests is not None and asked is not None:
            sheet.tell(_examine_contest(asked, contests))
        sheet.tell_all(
            await examine_token(
                token, keys, platform_slug=slug, contest_slug=asked, now=system_clock()
            )
        )


def _examine_registration(platform: Platform) -> Iterator[Finding]:
    try:
        yield right("slug", platform_slug(platform.slug))
    except ValueError as error:
        yield wrong("slug", str(error))
    if not platform.enabled:
        mend = f"voting-service platform enable {platform.slug}"
        yield wrong("platform", "is switched off, nobody can sign in", mend)
    if not platform.origins:
        yield remark("origins", "none: no page of the platform may call or embed the vote")
    for origin in platform.origins:
        try:
            good = web_origin(origin)
        except ValueError as error:
            yield wrong(f"origin {origin}", str(error), "register it as https://host")
        else:
            yield right("origin", f"{good} may call and embed")


async def _examine_keys(
    sheet: Sheet, platform: Platform, outside: Outside, headers: Mapping[str, str]
) -> KeySource | None:
    """Tells of the keys; what sign-in would look them up in, None where it could not."""
    try:
        config = read_config(platform, Config)
    except InvalidInput as error:
        sheet.tell_all(wrong(fault.field, fault.message) for fault in error.faults)
        return None
    if config.jwks_url is None:
        found = list(examine_keys(config.keys or (), published=False))
    else:
        found = await _examine_address(config.jwks_url, outside, headers)
    sheet.tell_all(found)
    try:
        source = key_source(platform, outside, time.monotonic)
    except InvalidInput as error:
        if all(finding.ok is not False for finding in found):
            sheet.tell_all(wrong(fault.field, fault.message) for fault in error.faults)
        return None
    can_be_had = any(finding.ok and finding.what.startswith("key ") for finding in found)
    return source if can_be_had else None


async def _examine_address(url: str, outside: Outside, headers: Mapping[str, str]) -> list[Finding]:
    """Fetches a key set as sign-in does."""
    try:
        jwks_address(url)
    except ValueError as error:
        return [wrong("jwks_url", str(error))]
    try:
        answer = await outside.get(url)
        if answer.status != 200:
            return [wrong("jwks_url", f"answered with status {answer.status}", _FETCHED)]
        listed = listed_keys(answer.body)
    except Unavailable as error:
        return [wrong("jwks_url", str(error), _FETCHED)]
    found = [right("jwks_url", f"answered with {len(answer.body)} bytes")]
    found += examine_delivery(headers, system_clock(), _date(headers))
    return found + list(examine_keys(listed, published=True))


def _date(headers: Mapping[str, str]) -> datetime | None:
    try:
        return parsedate_to_datetime(headers["date"])
    except (KeyError, ValueError):
        return None


def _known_audience(token: str, contests: Sequence[Contest] | None) -> str | None:
    """The contest that the token is for, if there is such a one."""
    said = peek_claim(token, "aud")
    if isinstance(said, list) and len(said) == 1:
        said = said[0]
    slugs = [contest.slug for contest in contests or ()]
    if said in slugs:
        return str(said)
    return slugs[0] if len(slugs) == 1 else None


def _examine_contest(slug: str, contests: Sequence[Contest]) -> Finding:
    found = next((contest for contest in contests if contest.slug == slug), None)
    if found is None:
        known = ", ".join(contest.slug for contest in contests) or "none"
        return wrong("contest", f"there is no {slug!r}", f"those there are: {known}")
    return right("contest", f"{slug}, {found.phase(system_clock())}")
