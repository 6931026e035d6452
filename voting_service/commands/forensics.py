"""`forensics`: examine a file of ballots, of this service or of any other."""

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
from voting_service.antifraud.forensics.findings import Findings, Verdict
from voting_service.antifraud.forensics.report import write_report
from voting_service.errors import Refused


@click.command()
@click.argument("ballots", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder for verdicts.csv, campaigns.json and report.html.",
)
@click.option("--seed", default=0, show_default=True, help="Of the permutation null.")
@click.option(
    "--zone", default="Asia/Shanghai", show_default=True, help="Where sentences read the clock."
)
def forensics(ballots: Path, out: Path, seed: int, zone: str) -> None:
    """Find campaigns in BALLOTS, a CSV file, offline.

    Columns: ballot_id, cast_at, platform, voter, ip, device, user_agent, account_created,
    choices. Ip, device, user_agent and account_created may be empty throughout. Nothing is
    decided: `hold` and `bloc` are proposals for people.
    """
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise click.BadParameter(f"{zone!r} is no time zone", param_hint="--zone") from None
    begun = time.monotonic()
    with _progress() as tell:
        read = columns.read_ballot_file(ballots, tell)
        found = examine(read, Options(seed=seed, zone=zone), tell)
    try:
        out.mkdir(parents=True, exist_ok=True)
        result_files.write_verdicts(read, found, out / "verdicts.csv")
        result_files.write_campaigns(found.campaigns, out / "campaigns.json")
        write_report(read, found, out / "report.html", ZoneInfo(zone))
    except OSError as error:
        raise Refused(f"{out} cannot be written: {error.strerror}") from None
    _summarise(found, time.monotonic() - begun)
    click.echo(f"wrote verdicts.csv, campaigns.json and report.html to {out}")


def _summarise(found: Findings, seconds: float) -> None:
    for verdict in (Verdict.HOLD, Verdict.BLOC):
        campaigns = sum(each.verdict is verdict for each in found.campaigns)
        ballots = int((found.verdict == verdict).sum())
        click.echo(f"{verdict.name.lower():5} {ballots} ballots in {campaigns} campaigns")
    click.echo(f"examined {len(found.verdict)} ballots in {seconds:.1f} seconds", err=True)


@contextmanager
def _progress() -> Iterator[columns.Progress]:
    """A bar on a terminal's stderr; nothing in a pipe."""
    bars = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    task = bars.add_task("read", total=1.0)

    def tell(what: str, share: float) -> None:
        bars.update(task, description=what, completed=share)

    with bars:
        yield tell
