"""Every fault under load, and a recount from outside after each.

    python -m loadtests.faults                 # the short form
    python -m loadtests.faults --long          # hours; goes on where it stopped: results/faults.md
    python -m loadtests.faults --only "power cut" --times 50

Prints a table and a verdict, and exits with 1 if a promise was broken.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections.abc import Sequence
from typing import NamedTuple

import click

from loadtests.check import CONVERGENCE_SECONDS
from loadtests.faults.campaign import FAULTS, Campaign, is_of_clocks, open_wired_stand
from loadtests.faults.clock import require_library
from loadtests.faults.field import Fault
from loadtests.faults.history import count, load, verdict
from loadtests.report import Section, machine_line
from voting_service.errors import Unavailable


class _Options(NamedTuple):
    """What holds for every fault."""

    workers: int
    voters: int
    pause_seconds: float
    is_forgetful: bool


async def _bring(
    faults: Sequence[tuple[Fault, int]], seed: int, options: _Options
) -> tuple[Campaign, Section]:
    """Bring these faults, each so many times, on one stand."""
    kinds = [fault for fault, _ in faults]
    async with open_wired_stand(
        kinds, workers=options.workers, is_forgetful=options.is_forgetful
    ) as (stand, disk):
        campaign = Campaign(
            stand, seed, disk=disk, voters=options.voters, pause_seconds=options.pause_seconds
        )
        for fault, times in faults:
            began = time.monotonic()
            result = await campaign.run(fault, times)
            took = time.monotonic() - began
            click.echo(" | ".join([*result.row(), f"{took:.1f} s"]))
        agreed = await campaign.conclude()
    is_clocks = is_of_clocks(faults[0][0])
    title = "Clocks that jump" if is_clocks else "Processes, network, stores, keys"
    return campaign, campaign.section(title, agreed)


def _round(
    faults: Sequence[tuple[Fault, int]], seed: int, options: _Options
) -> tuple[list[Campaign], list[Section]]:
    """Bring these faults, those of clocks on a stand of their own."""
    campaigns, sections = [], []
    for is_clocks in (False, True):
        part = [(fault, times) for fault, times in faults if is_of_clocks(fault) is is_clocks]
        if part:
            campaign, section = asyncio.run(_bring(part, seed, options))
            campaigns.append(campaign)
            sections.append(section)
    return campaigns, sections


def _run_long(faults: Sequence[Fault], seed: int | None, options: _Options) -> list[str]:
    """Bring rounds until each of these faults was counted often enough; return what was broken."""
    broken: list[str] = []
    while faults_left := load().next_round(faults):
        now = random.randrange(1_000_000) if seed is None else seed
        try:
            campaigns, _ = _round(faults_left, now, options)
        except (RuntimeError, TimeoutError, Unavailable) as error:
            reason = str(error).partition("\n")[0] or type(error).__name__
            click.echo(f"seed {now}: the round did not end, and is not counted: {reason}")
            count(now, [], FAULTS, unfinished=reason)
        else:
            broken += [promise for campaign in campaigns for promise in campaign.broken]
            total = count(now, campaigns, FAULTS).total()
            click.echo(f"seed {now}: {total:,} faults so far. {verdict(broken)}\n")
        if seed is not None:
            break
    return broken


@click.command()
@click.option("--long", "is_long", is_flag=True, help="Go on with the counts of a release: hours.")
@click.option("--only", multiple=True, help="Faults whose name contains this.")
@click.option("--times", type=click.IntRange(min=1), help="How often each, instead of the form's.")
@click.option("--seed", type=int, help="Repeats a run's choices; with --long, of one round.")
@click.option("--workers", type=click.IntRange(min=2), default=2, show_default=True)
@click.option("--voters", type=click.IntRange(min=1), default=32, help="At once.")
@click.option("--pause", type=float, default=0.0, help="Seconds between two ballots of a voter.")
@click.option("--forgetful", is_flag=True, help="Set synchronous_commit = off in the database.")
@click.option("--add", is_flag=True, help="Add this run to the counts of the long form.")
def main(
    *,
    is_long: bool,
    only: Sequence[str],
    times: int | None,
    seed: int | None,
    workers: int,
    voters: int,
    pause: float,
    forgetful: bool,
    add: bool,
) -> None:
    """Bring faults under load, recount after each kind, and say whether a promise was broken."""
    chosen = [
        fault
        for fault in FAULTS
        if not only or any(part.lower() in fault.name.lower() for part in only)
    ]
    if not chosen:
        raise click.UsageError("no fault has such a name")
    if any(map(is_of_clocks, chosen)):
        require_library()
    options = _Options(workers, voters, pause, forgetful)
    if is_long:
        sys.exit(1 if _run_long(chosen, seed, options) else 0)
    seed = seed if seed is not None else random.randrange(1_000_000)
    click.echo(machine_line() + f"\nseed {seed}\n")
    began = time.monotonic()
    campaigns, sections = _round([(f, times or f.short) for f in chosen], seed, options)
    broken = [promise for campaign in campaigns for promise in campaign.broken]
    if add:
        count(seed, campaigns, FAULTS)
    preface = [
        f"Seed {seed}; took {time.monotonic() - began:.0f} s; {workers} workers, {voters} "
        f"voters at once; the counters must agree within {CONVERGENCE_SECONDS:.0f} s.",
        "",
        verdict(broken),
    ]
    click.echo("\n".join(["", *preface, "", *(section.markdown() for section in sections)]))
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
