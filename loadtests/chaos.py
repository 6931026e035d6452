"""Chaos test: kill workers and stores under load, then check that no confirmed vote was lost.

    python -m loadtests.chaos --seconds 180 --kills 20

prints a report, saves it in results/chaos.md, and exits with 1 if an invariant was broken. With
`--forgetful` the database sets synchronous_commit = off, and the report is chaos-forgetful.md.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from dataclasses import dataclass
from typing import Any, NamedTuple

import click

from loadtests.chaos_voters import Crowd
from loadtests.check import CONVERGENCE_SECONDS, Verdict, check_record, seconds_until_agreement
from loadtests.killing import Killer, outages
from loadtests.measure import Spread
from loadtests.report import Section, machine_line, save
from loadtests.stand import Stand, open_stand
from voting_service.demo.embedded_postgres import DATABASE


@dataclass(frozen=True, slots=True)
class ChaosRun:
    """The events of a chaos run, its outcome and the broken invariants."""

    crowd: Crowd
    killer: Killer
    sections: list[Section]
    faults: list[str]


async def run_all(stand: Stand, *, seconds: float, kills: int, voters: int, seed: int) -> ChaosRun:
    """Run the whole test on a running stand."""
    crowd = Crowd(stand.address(), await stand.minting(), voters=voters)
    killer = Killer(stand, random.Random(seed))
    async with crowd.voting():
        await killer.kill_all_kinds(seconds=seconds, kills=kills)
    verdict, agreed = await resolve(stand, crowd)
    faults = [*verdict.faults, *crowd.faults, *_late(agreed)]
    outage_section, outage_faults = await outages(stand)
    faults += outage_faults
    if stand.processes["work"].poll() is not None:
        faults.append("the background loops ended")
    sections = [_kills_section(killer, crowd, verdict, agreed), outage_section]
    return ChaosRun(crowd, killer, sections, faults)


async def resolve(stand: Stand, crowd: Crowd) -> tuple[Verdict, float | None]:
    """After the voting: wait for the live counters, compare stored ballots with receipts."""
    async with stand.database() as connection:
        agreed = await seconds_until_agreement(connection, stand.address(), stand.valkey_url)
        verdict = await check_record(connection, list(crowd.confirmed.values()))
    if verdict.stored < verdict.confirmed:
        verdict.faults.append("fewer ballots are stored than were confirmed")
    return verdict, agreed


def _late(agreed: float | None) -> list[str]:
    if agreed is None:
        return ["the live counters never agreed with the record"]
    if agreed > CONVERGENCE_SECONDS:
        return [f"the live counters took {agreed:.1f} s to agree with the record"]
    return []


def _kills_section(killer: Killer, crowd: Crowd, verdict: Verdict, agreed: float | None) -> Section:
    section = Section("Kills under load", ["what", "how often"])
    section.rows = [[f"SIGKILL of {name}", f"{times}"] for name, times in killer.kills.items()]
    section.rows += [
        [f"{name} killed and back, seconds", Spread.of(took).text("{:.1f}")]
        for name, took in killer.restart_seconds.items()
    ]
    section.rows += [
        ["FLUSHALL", f"{killer.flushes}"],
        ["voters who voted", f"{len(crowd.confirmed) + len(crowd.repeated):,}"],
        ["votes confirmed with 201", f"{verdict.confirmed:,}"],
        ["answered 200: stored by a try whose answer was lost", f"{len(crowd.repeated):,}"],
        ["ballots stored", f"{verdict.stored:,}"],
        ["tries that got no answer", f"{crowd.lost:,}"],
        ["503 with Retry-After", f"{crowd.unavailable:,}"],
        ["receipts sent for again, identical", f"{crowd.same_receipts:,}"],
        ["faults found in the record", f"{len(verdict.faults)}"],
        [
            "live counters agreed with the record after",
            "never" if agreed is None else f"{agreed:.1f} s",
        ],
    ]
    section.figures = {
        "kills": killer.kills,
        "restart_seconds": killer.restart_seconds,
        "confirmed": verdict.confirmed,
        "stored": verdict.stored,
        "lost": crowd.lost,
        "agreed_after_seconds": agreed,
    }
    return section


class Plan(NamedTuple):
    """What to do for how long. `forgetful`: in a database that sets synchronous_commit = off."""

    seconds: float
    kills: int
    voters: int
    workers: int
    forgetful: bool
    seed: int


async def _run(plan: Plan) -> list[str]:
    begins_at = time.monotonic()
    async with open_stand(workers=plan.workers) as stand:
        if plan.forgetful:
            await _make_forgetful(stand)
        chaos_run = await run_all(
            stand, seconds=plan.seconds, kills=plan.kills, voters=plan.voters, seed=plan.seed
        )
    took = f"Seed {plan.seed}; took {time.monotonic() - begins_at:.0f} s; {plan.workers} workers."
    verdict = [f"- {fault}" for fault in chaos_run.faults] or ["Every promise was kept."]
    name = "chaos-forgetful" if plan.forgetful else "chaos"
    click.echo(save(name, "Chaos", [took, "", *verdict], chaos_run.sections))
    return chaos_run.faults


async def _make_forgetful(stand: Stand) -> None:
    """Set the database to confirm commits before they reach the disk, for every new session."""
    async with stand.database() as connection:
        await connection.execute(f'alter database "{DATABASE}" set synchronous_commit = off')
    await stand.postgres.stop()
    await stand.postgres.start()


@click.command()
@click.option("--seconds", type=click.FloatRange(min=5), default=180, show_default=True)
@click.option("--kills", type=click.IntRange(min=1), default=20, show_default=True)
@click.option("--voters", type=click.IntRange(min=1), default=64, help="At once.")
@click.option("--workers", type=click.IntRange(min=2), default=2, show_default=True)
@click.option("--seed", type=int, help="Repeats a run's choice of moments.")
@click.option("--forgetful", is_flag=True, help="Set synchronous_commit = off in the database.")
def chaos(*, seed: int | None, **options: Any) -> None:
    """Kill a web worker, PostgreSQL and Valkey KILLS times each under load, then check."""
    click.echo(machine_line() + "\n")
    chosen = seed if seed is not None else random.randrange(10_000)
    faults = asyncio.run(_run(Plan(seed=chosen, **options)))
    for fault in faults:
        click.echo(f"error: {fault}", err=True)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    chaos()
