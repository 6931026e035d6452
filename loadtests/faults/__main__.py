"""Every fault under load, and a recount from outside after each.

    python -m loadtests.faults                 # the short form, about two minutes
    python -m loadtests.faults --long          # hours; results/faults.md
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
from loadtests.report import Section, machine_line, save


class _Options(NamedTuple):
    """What holds for every fault."""

    seed: int
    workers: int
    voters: int
    is_forgetful: bool


async def _run(
    faults: Sequence[tuple[Fault, int]], options: _Options
) -> tuple[Section | None, list[str]]:
    """Run these faults, each so many times, on one stand."""
    if not faults:
        return None, []
    kinds = [fault for fault, _ in faults]
    async with open_wired_stand(
        kinds, workers=options.workers, is_forgetful=options.is_forgetful
    ) as (stand, disk):
        campaign = Campaign(stand, options.seed, disk=disk, voters=options.voters)
        for fault, times in faults:
            click.echo(" | ".join((await campaign.run(fault, times)).row()))
        agreed = await campaign.conclude()
    is_clocks = is_of_clocks(faults[0][0])
    title = "Clocks that jump" if is_clocks else "Processes, network, stores, keys"
    return campaign.section(title, agreed), campaign.broken


@click.command()
@click.option("--long", "is_long", is_flag=True, help="As often as a release needs it: hours.")
@click.option("--only", multiple=True, help="Faults whose name contains this.")
@click.option("--times", type=click.IntRange(min=1), help="How often each, instead of the form's.")
@click.option("--seed", type=int, help="Repeats a run's choices.")
@click.option("--workers", type=click.IntRange(min=2), default=2, show_default=True)
@click.option("--voters", type=click.IntRange(min=1), default=32, help="At once.")
@click.option("--forgetful", is_flag=True, help="Set synchronous_commit = off in the database.")
@click.option("--name", help="Save the results in results/NAME.md; `faults` for the long form.")
def main(
    *,
    is_long: bool,
    only: Sequence[str],
    times: int | None,
    seed: int | None,
    workers: int,
    voters: int,
    forgetful: bool,
    name: str | None,
) -> None:
    """Bring faults under load, recount after each kind, and say whether a promise was broken."""
    chosen = [
        (fault, times or (fault.long if is_long else fault.short))
        for fault in FAULTS
        if not only or any(part.lower() in fault.name.lower() for part in only)
    ]
    if not chosen:
        raise click.UsageError("no fault has such a name")
    if any(is_of_clocks(fault) for fault, _ in chosen):
        require_library()
    seed = seed if seed is not None else random.randrange(10_000)
    options = _Options(seed, workers, voters, forgetful)
    click.echo(machine_line() + f"\nseed {seed}\n")
    began = time.monotonic()
    sections: list[Section] = []
    broken: list[str] = []
    for is_clocks in (False, True):
        part = [(fault, n) for fault, n in chosen if is_of_clocks(fault) is is_clocks]
        section, part_broken = asyncio.run(_run(part, options))
        broken += part_broken
        sections += [section] if section else []
    verdict = f"{len(broken)} promises were broken." if broken else "Every promise was kept."
    preface = [
        f"Seed {seed}; took {time.monotonic() - began:.0f} s; {workers} workers, {voters} "
        f"voters at once; the counters must agree within {CONVERGENCE_SECONDS:.0f} s.",
        "",
        verdict,
        *(f"- {promise}" for promise in broken),
    ]
    name = name or ("faults" if is_long else None)
    if name:
        click.echo(save(name, "Faults under load", preface, sections))
    else:
        click.echo("\n".join(["", *preface, "", *(section.markdown() for section in sections)]))
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
