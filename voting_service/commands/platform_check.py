"""`platform check`: check a platform's settings, keys and a sample token."""

from __future__ import annotations

import sys
import time
import tomllib
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, NamedTuple, get_args

import click
import httpx
import msgspec

from voting_service.commands.output import message, say, text
from voting_service.commands.runtime import database, run
from voting_service.contests.model import Contest, PersonPolicy, Platform
from voting_service.contests.platform_registration import platform_slug, public_jwk, web_origin
from voting_service.contests.repository import load_contests, load_platforms
from voting_service.errors import (
    Fault,
    InvalidInput,
    NotFound,
    Refused,
    Unavailable,
)
from voting_service.i18n.text import Text
from voting_service.infrastructure.clock import system_clock
from voting_service.infrastructure.http_clients.client import BoundedClient
from voting_service.infrastructure.http_clients.urls import check_https_address
from voting_service.infrastructure.http_clients.verification_keys import KeySource, listed_keys
from voting_service.infrastructure.text_files import read_text_file
from voting_service.infrastructure.valkey import Valkey
from voting_service.settings import load_settings
from voting_service.voting.voters.platform_adapter import read_config
from voting_service.voting.voters.platform_adapters.jwt import JwtConfig, key_source
from voting_service.voting.voters.platform_diagnostics import (
    DiagnosticFinding,
    error_text,
    examine_delivery,
    examine_keys,
    examine_token,
    remark,
    right,
    wrong,
)
from voting_service.voting.voters.token_examination import (
    SignInRules,
    SignInToken,
    examine_contest,
    examine_pasted,
    read_pasted,
)
from voting_service.voting.voters.used_tokens import UsedTokens

_STDIN = "-"
_SIGNS = {True: "✔", False: "✘", None: "•"}


@dataclass
class CheckReport:
    """Prints the findings one by one and counts them."""

    right: int = 0
    wrong: int = 0
    not_examined: list[str] = field(default_factory=list)

    def add_all(self, findings: Iterable[DiagnosticFinding]) -> None:
        for finding in findings:
            self.add(finding)

    def add(self, finding: DiagnosticFinding) -> None:
        click.echo(f"{_SIGNS[finding.ok]} {finding.what}: {finding.detail.en}")
        if finding.mend:
            click.echo(f"    → {finding.mend.en}")
        self.right += finding.ok is True
        self.wrong += finding.ok is False

    def leave_out(self, what: str, detail: Text) -> None:
        """Print that something was not examined."""
        self.add(remark(what, detail))
        self.not_examined.append(what)


class CheckRequest(NamedTuple):
    """What to check. `tried` is a platform that is not registered, of which `keys_only`, the option
    that gave them, tells nothing but the keys; `of_token` means that the
    platform is the one that the token names, and its engineers ask, not the organisers."""

    slug: str
    pasted: SignInToken | None
    contest: str | None
    tried: Platform | None
    keys_only: str | None = None
    of_token: bool = False


@click.command("check")
@click.argument("slug")
@click.option("--token", help="A sample token; this does not use it up. - reads it from stdin.")
@click.option("--contest", help="The contest that the token is for.")
@click.option(
    "--key",
    "keys",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Check this public key (PEM) instead of the registered settings. Repeatable.",
)
@click.option("--jwks-url", help="Check this key set address instead of the registered settings.")
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Check these settings, TOML (keys or jwks_url, origins), instead of the registered ones.",
)
@click.option(
    "--person-policy",
    type=click.Choice(get_args(PersonPolicy)),
    help="With --key, --jwks-url or --config: the person policy that the platform will have, "
    "never unless given.",
)
def check(
    *,
    slug: str,
    token: str | None,
    contest: str | None,
    keys: tuple[Path, ...],
    jwks_url: str | None,
    config: Path | None,
    person_policy: PersonPolicy | None,
) -> None:
    """Check the registered settings of SLUG, its published keys and a sample token.

    Prints a line for each check: right (✔), wrong and how to fix it (✘), or a remark (•). With
    --key, --jwks-url or --config it checks those instead and needs neither stores nor settings,
    so a platform's engineers can run it before anything is registered.
    """
    if sum(option is not None for option in (keys or None, jwks_url, config)) > 1:
        raise click.UsageError(message("platform_check.one_of"))
    if token == _STDIN:
        token = sys.stdin.read()
    tried = tried_platform(slug, keys, jwks_url, config)
    if person_policy is not None:
        if tried is None:
            raise click.UsageError(message("platform_check.policy_of_tried"))
        tried = msgspec.structs.replace(tried, person_policy=person_policy)
    pasted = read_pasted(token) if token else None
    run_checks(CheckRequest(slug, pasted, contest, tried, tried_option(keys, jwks_url)))


def run_checks(request: CheckRequest) -> None:
    """Print a line for each check. Raises Refused when something is wrong."""
    report = CheckReport()
    run(_check(report, request))
    if report.wrong:
        raise Refused(
            "commands.platform_check.checks_failed",
            wrong=report.wrong,
            right=report.right,
        )
    if report.not_examined:
        parts = ", ".join(report.not_examined)
        say("platform_check.passed_in_part", checks=report.right, parts=parts)
    else:
        say("platform_check.all_passed", checks=report.right)


def tried_option(keys: tuple[Path, ...], jwks_url: str | None) -> str | None:
    """Return the option that tells the keys of a platform and nothing else; None without one."""
    return "--key" if keys else "--jwks-url" if jwks_url else None


def tried_platform(
    slug: str, keys: tuple[Path, ...], jwks_url: str | None, config: Path | None
) -> Platform | None:
    """Return the platform that the options describe; None means the registered one."""
    if not (keys or jwks_url or config):
        return None
    settings: dict[str, Any]
    if config is not None:
        try:
            settings = tomllib.loads(read_text_file(config))
        except ValueError as error:
            raise InvalidInput(Fault.verbatim(f"--config {config}", str(error))) from None
    elif jwks_url is not None:
        settings = {"jwks_url": jwks_url}
    else:
        settings = {"keys": [_jwk(key) for key in keys]}
    origins = settings.pop("origins", [])
    return Platform(
        id=0,
        slug=slug,
        name=Text(zh=slug, en=slug),
        kind="jwt",
        config=settings,
        origins=tuple(map(str, origins)),
        daily_ceiling=None,
        enabled=True,
        revision=1,
    )


def _jwk(file: Path) -> dict[str, str]:
    try:
        return public_jwk(file.read_bytes())
    except InvalidInput as error:
        raise InvalidInput(*(fault.at(f"--key {file}") for fault in error.faults)) from None


async def _check(report: CheckReport, request: CheckRequest) -> None:
    if request.tried is not None:
        await _check_tried(report, request, request.tried)
        return
    settings = load_settings()
    async with database(settings) as connection:
        platforms = {loaded.slug: loaded for loaded in await load_platforms(connection)}
        contests: Sequence[Contest] = await load_contests(connection)
    platform = platforms.get(request.slug)
    if platform is None and not request.of_token:
        raise NotFound("commands.platform_check.no_such_platform", slug=request.slug)
    keys = None
    async with _fetching() as (http_client, headers):
        if platform is not None:
            report.add_all(_examine_registration(platform, request))
            if platform.kind != "jwt":
                report.add(remark("kind", text("platform_check.only_jwt", kind=platform.kind)))
                return
            keys = await _examine_keys(report, platform, http_client, headers)
        if request.pasted is None:
            report.add(remark("token", text("platform_check.no_token")))
            return
        if request.contest is not None:
            contests = _only_named(report, request.contest, contests)
        valkey = Valkey(settings.valkey_url)
        try:
            rules = SignInRules(contests, UsedTokens(valkey), system_clock())
            report.add_all(await examine_pasted(request.pasted, platform, keys, rules))
        finally:
            await valkey.close()


def _only_named(report: CheckReport, slug: str, contests: Sequence[Contest]) -> Sequence[Contest]:
    """Return the contest that the token should be for; report one that does not exist."""
    named = [contest for contest in contests if contest.slug == slug]
    if not named:
        report.add(examine_contest(slug, contests, system_clock()))
    return named or contests


async def _check_tried(report: CheckReport, request: CheckRequest, platform: Platform) -> None:
    _add_tried(report, request, _examine_registration(platform, request))
    async with _fetching() as (http_client, headers):
        keys = await _examine_keys(report, platform, http_client, headers)
        if request.pasted is None:
            report.add(remark("token", text("platform_check.no_token")))
            return
        findings = await examine_token(
            request.pasted.token,
            keys,
            platform=platform,
            contest_slugs=[request.contest] if request.contest else [],
            now=system_clock(),
        )
        _add_tried(report, request, findings)


def _add_tried(
    report: CheckReport, request: CheckRequest, findings: Iterable[DiagnosticFinding]
) -> None:
    """Report findings; what only the stores could tell was not examined."""
    option = request.keys_only or "--config"
    unknown = {"jti": "used", "aud": "contest"}
    if request.keys_only:
        unknown["origins"] = "origins"
    if request.of_token:
        unknown |= {"slug": "registered", "iss": "registered", "person_policy": "policy"}
    for finding in findings:
        rule = unknown.get(finding.what) if finding.ok is not False else None
        if rule is None or rule == "contest":
            report.add(finding)
        if rule is not None:
            path = f"platform_check.{rule}_not_examined"
            detail = text(path, found=finding.detail, option=option)
            report.leave_out("contest" if rule == "contest" else finding.what, detail)


@asynccontextmanager
async def _fetching() -> AsyncIterator[tuple[BoundedClient, httpx.Headers]]:
    """A client, and the headers of its newest answer."""
    headers = httpx.Headers()

    async def keep_headers(response: httpx.Response) -> None:
        headers.update(response.headers)

    async with httpx.AsyncClient(event_hooks={"response": [keep_headers]}) as http:
        yield BoundedClient(http), headers


def _examine_registration(platform: Platform, request: CheckRequest) -> Iterator[DiagnosticFinding]:
    try:
        yield right("slug", platform_slug(platform.slug))
    except InvalidInput as error:
        yield wrong("slug", error_text(error))
    if not platform.enabled and not request.of_token:
        command = f"voting-service platform enable {platform.slug}"
        yield wrong("platform", text("platform_check.switched_off"), Text(command, command))
    yield right("person_policy", platform.person_policy)
    if not platform.origins:
        yield remark("origins", text("platform_check.no_origins"))
    for origin in platform.origins:
        try:
            checked = web_origin(origin)
        except InvalidInput as error:
            mend = text("platform_check.register_origin")
            yield wrong(f"origin {origin}", error_text(error), mend)
        else:
            yield right("origin", text("platform_check.origin_allowed", origin=checked))


async def _examine_keys(
    report: CheckReport, platform: Platform, http_client: BoundedClient, headers: Mapping[str, str]
) -> KeySource | None:
    """Report on the keys; return the key source that sign-in would use, or None if it fails."""
    try:
        config = read_config(platform, JwtConfig)
    except InvalidInput as error:
        report.add_all(wrong(fault.field, error_text(fault)) for fault in error.faults)
        return None
    if config.jwks_url is None:
        findings = list(examine_keys(config.keys or (), published=False))
    else:
        findings = await _examine_address(config.jwks_url, http_client, headers)
    report.add_all(findings)
    try:
        source = key_source(platform, http_client, time.monotonic)
    except InvalidInput as error:
        if all(finding.ok is not False for finding in findings):
            report.add_all(wrong(fault.field, error_text(fault)) for fault in error.faults)
        return None
    has_key = any(finding.ok and finding.what.startswith("key ") for finding in findings)
    return source if has_key else None


async def _examine_address(
    url: str, http_client: BoundedClient, headers: Mapping[str, str]
) -> list[DiagnosticFinding]:
    """Fetch a key set as sign-in does and examine it."""
    try:
        check_https_address(url)
    except InvalidInput as error:
        return [wrong("jwks_url", error_text(error))]
    mend = text("platform_check.must_answer")
    try:
        answer = await http_client.get(url)
        if answer.status != 200:
            detail = text("platform_check.status", status=answer.status)
            return [wrong("jwks_url", detail, mend)]
        listed = listed_keys(answer.body)
    except Unavailable as error:
        return [wrong("jwks_url", error_text(error), mend)]
    findings = [right("jwks_url", text("platform_check.size", size=len(answer.body)))]
    findings += examine_delivery(headers, system_clock(), _date(headers))
    return findings + list(examine_keys(listed, published=True))


def _date(headers: Mapping[str, str]) -> datetime | None:
    try:
        return parsedate_to_datetime(headers["date"])
    except (KeyError, ValueError):
        return None
