"""Failovers of a real Patroni cluster under load, and a recount from outside after them.

    python -m loadtests.failover --times 30

Each time the primary is lost in another way, votes go on at another server, and the old primary
comes back. Afterwards every 201 and every 200 must be stored, once. Saved in results/failover.md.
"""

from __future__ import annotations

import asyncio
import random
import signal
import sys
import time
from collections.abc import Sequence
from functools import partial
from statistics import median
from typing import NamedTuple

import click

from loadtests.chaos_voters import Crowd
from loadtests.check import CONVERGENCE_SECONDS, seconds_until_agreement
from loadtests.measure import Spread
from loadtests.patroni import Node, PatroniCluster, Timing, require_programs
from loadtests.recount import QUERIES, Recount, recount
from loadtests.report import Section, save
from loadtests.stand import Stand, open_stand
from loadtests.standby_loss import lose_standbys
from loadtests.waiting import seconds_until

AIM_SECONDS = 15.0
"""Of the median over all kinds."""
_PATIENCE_SECONDS = 120.0
_AWAY_SECONDS = (1.0, 5.0)
"""How long the old primary stays away after another one took its place."""

KINDS = (
    "machine killed: Patroni and PostgreSQL",
    "PostgreSQL killed",
    "Patroni killed, PostgreSQL goes on",
    "machine frozen, then thawed",
    "switchover",
)


class Failover(NamedTuple):
    """How long votes stood still, and how long until every server followed again."""

    kind: str
    gap_seconds: float
    followed_seconds: float


class Rehearsal:
    """Fails a cluster over while a crowd votes."""

    def __init__(self, cluster: PatroniCluster, crowd: Crowd, chooser: random.Random) -> None:
        self._cluster = cluster
        self._crowd = crowd
        self._chooser = chooser

    async def fail_over(self, kind: str) -> Failover:
        """Lose the primary, wait for another one and for votes, and bring the old one back."""
        leader = await self._cluster.leader()
        assert leader is not None
        began = time.monotonic()
        await self._lose(leader, kind)
        await self._wait_for_another(leader)
        await self._wait_for_votes()
        gap_seconds = self._crowd.longest_gap(began)
        await asyncio.sleep(self._chooser.uniform(*_AWAY_SECONDS))
        if kind == KINDS[3]:
            leader.send(signal.SIGCONT)
        elif kind in (KINDS[0], KINDS[2]):
            self._cluster.start_patroni(leader)
        await self._cluster.wait_for_followers()
        return Failover(kind, gap_seconds, time.monotonic() - began)

    async def _lose(self, leader: Node, kind: str) -> None:
        postmaster = leader.postmaster()
        assert postmaster is not None
        assert leader.patroni is not None
        if kind == KINDS[0]:
            leader.send(signal.SIGKILL)
        elif kind == KINDS[1]:
            postmaster.send_signal(signal.SIGKILL)
        elif kind == KINDS[2]:
            leader.patroni.send_signal(signal.SIGKILL)
        elif kind == KINDS[3]:
            leader.send(signal.SIGSTOP)
        else:
            await self._cluster.switch_over()

    async def _wait_for_another(self, old: Node) -> None:
        async def is_another() -> bool:
            leader = await self._cluster.leader()
            return leader is not None and leader is not old

        if await seconds_until(is_another, _PATIENCE_SECONDS) is None:
            raise RuntimeError(f"no other primary: {await self._cluster.members()}")

    async def _wait_for_votes(self) -> None:
        asked_at = time.monotonic()

        async def came() -> bool:
            return bool(self._crowd.answered_at) and self._crowd.answered_at[-1] > asked_at

        if await seconds_until(came, _PATIENCE_SECONDS) is None:
            raise RuntimeError("another primary was there, and no vote was confirmed")


async def run_all(
    stand: Stand, cluster: PatroniCluster, kinds: Sequence[str], seed: int
) -> tuple[list[Failover], list[Section], list[str]]:
    """Fail over once for each of `kinds`, then lose the standbys; return what happened, the tables
    with the recount, and the faults."""
    crowd = Crowd(stand.address(), await stand.minting(), voters=24, pause_seconds=0.05)
    rehearsal = Rehearsal(cluster, crowd, random.Random(seed))
    done: list[Failover] = []
    async with crowd.voting():
        await asyncio.sleep(2)
        for number, kind in enumerate(kinds, 1):
            done.append(await rehearsal.fail_over(kind))
            click.echo(
                f"{number}: {kind}: votes again after {done[-1].gap_seconds:.1f} s, "
                f"every server follows after {done[-1].followed_seconds:.1f} s"
            )
        await asyncio.sleep(2)
        lost, not_as_configured = await lose_standbys(stand, cluster, crowd)
    async with stand.database() as connection:
        result = await recount(connection, crowd)
        stored = await connection.fetchval(QUERIES["ballots"], "bayu-2022")
        agreed = await seconds_until_agreement(connection, stand.address(), stand.valkey.url)
    faults = [*result.faults, *not_as_configured]
    if stored != result.created + result.repeated:
        faults.append(f"{stored} ballots are stored, of {result.created + result.repeated} voters")
    if agreed is None or agreed > CONVERGENCE_SECONDS:
        faults.append(f"the live counters agreed with the record after {agreed} s")
    return done, [*_sections(done, result, crowd), lost], faults


def _sections(done: list[Failover], result: Recount, crowd: Crowd) -> list[Section]:
    section = Section("Failovers", ["how the primary was lost", "times", "seconds without a vote"])
    for kind in KINDS:
        gaps = [failover.gap_seconds for failover in done if failover.kind == kind]
        if gaps:
            section.rows.append([kind, f"{len(gaps)}", Spread.of(gaps).text("{:.1f}")])
    gaps = [failover.gap_seconds for failover in done]
    section.rows.append(["all", f"{len(gaps)}", Spread.of(gaps).text("{:.1f}")])
    section.figures = {"failovers": [failover._asdict() for failover in done]}
    counts = Section("Recount from outside", ["what", "how many"])
    counts.rows = [
        ["ballots confirmed with 201", f"{result.created:,}"],
        ["answered 200: stored by a try whose answer was lost", f"{result.repeated:,}"],
        ["receipts sent for again, identical", f"{crowd.same_receipts:,}"],
        ["503 with Retry-After", f"{crowd.unavailable:,}"],
        ["tries that got no answer", f"{crowd.lost:,}"],
        ["lost", f"{result.lost}"],
        ["doubled", f"{result.doubled}"],
    ]
    counts.figures = dict(counts.rows)
    return [section, counts]


async def _run(times: int, seed: int, timing: Timing, workers: int, name: str) -> list[str]:
    kinds = [KINDS[n % len(KINDS)] for n in range(times)]
    random.Random(seed).shuffle(kinds)
    make = partial(PatroniCluster, timing=timing)
    async with open_stand(workers=workers, postgres=make) as stand:
        assert isinstance(stand.postgres, PatroniCluster)
        done, sections, faults = await run_all(stand, stand.postgres, kinds, seed)
    middle = median(failover.gap_seconds for failover in done)
    if middle > AIM_SECONDS and times >= len(KINDS):
        faults.append(f"votes stood still for {middle:.1f} s, median")
    preface = [
        f"Seed {seed}; {times} failovers of three servers under Patroni and etcd, "
        f"synchronous_mode_strict; ttl {timing.ttl}, loop_wait {timing.loop_wait}, "
        f"retry_timeout {timing.retry_timeout}, primary_start_timeout 0.",
        "",
        *([f"- {fault}" for fault in faults] or ["Every promise was kept."]),
    ]
    click.echo(save(name, "Failovers", preface, sections))
    return faults


@click.command()
@click.option("--times", type=click.IntRange(min=1), default=30, show_default=True)
@click.option("--seed", type=int, help="Repeats a run's order of faults.")
@click.option("--workers", type=click.IntRange(min=1), default=2, show_default=True)
@click.option("--ttl", type=click.IntRange(min=20), default=Timing().ttl, show_default=True)
@click.option("--name", default="failover", show_default=True, help="Of the files of results/.")
def failover(*, times: int, seed: int | None, workers: int, ttl: int, name: str) -> None:
    """Fail a Patroni cluster over TIMES times under load, then recount from outside."""
    require_programs()
    chosen = seed if seed is not None else random.randrange(10_000)
    timing = Timing(ttl)
    faults = asyncio.run(_run(times, chosen, timing, workers, name))
    for fault in faults:
        click.echo(f"error: {fault}", err=True)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    failover()
