"""`forensics`: examine a ballot file, from this service or any other, for fraud."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from voting_service.antifraud.forensics import columns, result_files
from voting_service.antifraud.forensics.examine import Options, examine
from voting_service.antifraud.forensics.findings import BallotVerdict, Findings
from voting_service.antifraud.forensics.report import write_report
from voting_service.antifraud.forensics.seats import assess_seats
from voting_service.commands.output import message, say
from voting_service.errors import Refused


@click.command()
@click.argument("ballots", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder to write verdicts.csv, campaigns.json, seats.json and report.html to.",
)
@click.option(
    "--seats",
    type=click.IntRange(min=1),
    default=30,
    show_default=True,
    help="How many candidates advance, for seats.json.",
)
@click.option("--seed", default=0, show_default=True, help="Random seed of the permutation test.")
@click.option(
    "--zone",
    default="Asia/Shanghai",
    show_default=True,
    help="Time zone of the times in sentences.",
)
def forensics(ballots: Path, out: Path, seats: int, seed: int, zone: str) -> None:
    """Find fraud campaigns in BALLOTS, a CSV file. Works offline.

    Columns: ballot_id, cast_at, platform, voter, ip, device, user_agent, account_created,
    choices. The columns ip, device, user_agent and account_created may be empty. The verdicts
    `hold` and `bloc` are proposals; people decide.
    """
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise click.BadParameter(
            message("forensics.no_such_zone", zone=zone), param_hint="--zone"
        ) from None
    started_at = time.monotonic()
    with _progress() as report:
        read = columns.read_ballot_file(ballots, report)
        findings = examine(read, Options(seed=seed, zone=zone), report)
        assessed = assess_seats(read, findings, seats, ZoneInfo(zone))
    try:
        out.mkdir(parents=True, exist_ok=True)
        result_files.write_verdicts(read, findings, out / "verdicts.csv")
        result_files.write_campaigns(findings.campaigns, out / "campaigns.json")
        result_files.write_seats(assessed, out / "seats.json")
        write_report(read, findings, assessed, out / "report.html", ZoneInfo(zone))
    except OSError as error:
        raise Refused("commands.forensics.cannot_write", out=out, strerror=error.strerror) from None
    _summarise(findings, time.monotonic() - started_at)
    say("forensics.seats", seats=sum(not seat.certifiable for seat in assessed))
    say("forensics.written", out=out)


def _summarise(findings: Findings, seconds: float) -> None:
    for verdict in (BallotVerdict.HOLD, BallotVerdict.BLOC):
        campaigns = sum(campaign.verdict is verdict for campaign in findings.campaigns)
        ballots = int((findings.verdict == verdict).sum())
        say(
            "forensics.verdict",
            verdict=verdict.name.lower(),
            ballots=ballots,
            campaigns=campaigns,
        )
    say("forensics.examined", err=True, ballots=len(findings.verdict), seconds=seconds)


@contextmanager
def _progress() -> Iterator[columns.Progress]:
    """Show a progress bar on stderr if it is a terminal; yield the function to report to."""
    bars = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    task = bars.add_task("read", total=1.0)

    def report(step: str, share: float) -> None:
        bars.update(task, description=step, completed=share)

    with bars:
        yield report
