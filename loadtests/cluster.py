"""Valkey as a cluster: what a vote costs, masters killed and slots moved under load.

    python -m loadtests.cluster [--pairs 5] [--kills 6] [--moves 12]

Three masters with a replica each, beside a single server on the same machine. Prints a report,
saves it in results/cluster.md, and exits with 1 if a promise was broken.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, NamedTuple

import click
from redis.crc import key_slot

from loadtests.bench_votes import raw_figures
from loadtests.chaos_voters import Crowd
from loadtests.check import CONVERGENCE_SECONDS, seconds_until_agreement
from loadtests.measure import Measured, Spread, ballot_requests, measure
from loadtests.recount import recount
from loadtests.report import Section, machine_line, save
from loadtests.stand import Stand, open_stand
from loadtests.valkey_stand import USUAL_TIMEOUT_MS, ClusterServer, ValkeyCluster
from loadtests.waiting import seconds_until
from voting_service.infrastructure.postgres.named_queries import Queries
from voting_service.infrastructure.valkey import shard_tag

QUERIES = Queries("loadtests", "cluster.sql")
MOST_TIMES_THE_COST = 1.15
NEXT_VOTE_WITHIN_SECONDS = 5.0
SCREENED_WITHIN_SECONDS = 15.0
_SHARDS = 3
_SECONDS = 5.0
_CONNECTIONS_A_WORKER = 128
_PATIENCE_SECONDS = 60.0
_CALM_SECONDS = 2.0


@dataclass(slots=True)
class Disturbance:
    """What a failure or a move did to the votes. `gap_seconds` is the longest time in which no
    ballot came; `unscreened_seconds` until when, after its beginning, one came unscreened."""

    name: str
    gap_seconds: float
    unscreened_seconds: float
    unscreened: int
    ballots: int


@dataclass(slots=True)
class Disturbed:
    """The disturbances of one kind, and what was broken."""

    disturbances: list[Disturbance] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


async def compare_cost(single: Stand, cluster: Stand, pairs: int) -> tuple[Section, list[str]]:
    """Measure interleaved rounds on both stands, with a ratio for each pair."""
    stands, connections = (single, cluster), _CONNECTIONS_A_WORKER * single.workers
    requests = [ballot_requests(await stand.minting()) for stand in stands]
    rounds: list[list[Measured]] = []
    for pair in range(-1, pairs):  # the first pair warms up and is thrown away
        both = [
            await measure(stand, "serve", votes, connections=connections, seconds=_SECONDS)
            for stand, votes in zip(stands, requests, strict=True)
        ]
        if pair >= 0:
            rounds.append(both)
    ratios = [of_cluster.total_us / of_single.total_us for of_single, of_cluster in rounds]
    section = Section("What a vote costs", ["CPU per vote, µs", "single", "cluster"])
    for name, figure in (
        ("workers", "worker_us"),
        ("PostgreSQL", "postgres_us"),
        ("Valkey", "valkey_us"),
        ("background loops", "background_us"),
        ("all of these", "total_us"),
        ("the replicas besides", "replicas_us"),
    ):
        spreads = [Spread.of([getattr(both[n], figure) for both in rounds]) for n in (0, 1)]
        section.rows.append([name, *(spread.text() for spread in spreads)])
    per_second = [Spread.of([both[n].outcome.per_second for both in rounds]) for n in (0, 1)]
    section.rows.append(["confirmed votes a second", *(spread.text() for spread in per_second)])
    ratio = Spread.of(ratios)
    section.rows.append(["ratio, pair by pair", "1", ratio.text("{:.2f}")])
    section.notes = [
        f"{pairs} pairs of {_SECONDS:g} s, single server and cluster by turns, {connections} "
        "connections, every vote a fresh voter's from one of 16,384 networks."
    ]
    section.figures = {
        "ratios": ratios,
        "rounds": [[raw_figures(measured) for measured in both] for both in rounds],
    }
    faults = []
    if ratio.median > MOST_TIMES_THE_COST:
        faults.append(f"a vote costs {ratio.median:.2f} times what it does on a single server")
    return section, faults


class Course:
    """Kills and moves on a stand while a crowd votes."""

    def __init__(self, stand: Stand, chooser: random.Random, contest_id: int) -> None:
        assert stand.cluster is not None
        self._stand = stand
        self._cluster: ValkeyCluster = stand.cluster
        self._chooser = chooser
        self._slots = [
            key_slot(shard_tag(contest_id, shard, _SHARDS)[1:-1].encode())
            for shard in range(_SHARDS)
        ]

    async def kill_masters(self, kills: int) -> Disturbed:
        """Kill the master of each shard by turns, wait until its replica is in its place, and
        start it again as the replica."""
        done = Disturbed()
        for number in range(kills):
            victim = await self._cluster.find_owner(self._slots[number % _SHARDS])
            began = datetime.now(UTC)
            await victim.kill()
            await self._until_screened(began)
            disturbance = await self._look_back(f"kill {number + 1}", began)
            done.disturbances.append(disturbance)
            if disturbance.gap_seconds > NEXT_VOTE_WITHIN_SECONDS:
                done.faults.append(
                    f"{disturbance.name}: no vote for {disturbance.gap_seconds:.1f} s"
                )
            if disturbance.unscreened_seconds > SCREENED_WITHIN_SECONDS:
                done.faults.append(
                    f"{disturbance.name}: unscreened for {disturbance.unscreened_seconds:.1f} s"
                )
            await victim.start()
            if await seconds_until(self._cluster.is_whole, _PATIENCE_SECONDS) is None:
                raise RuntimeError("the cluster did not become whole again")
        return done

    async def move_slots(self, moves: int, *, key_by_key: bool) -> Disturbed:
        """Move a slot that has a shard of the contest to another master, again and again."""
        done = Disturbed()
        for number in range(moves):
            slot = self._slots[number % _SHARDS]
            source = await self._cluster.find_owner(slot)
            others = [s for s in await self._cluster.owners() if s is not source]
            target: ClusterServer = self._chooser.choice(others)
            began = datetime.now(UTC)
            await self._cluster.move_slot(slot, target, key_by_key=key_by_key)
            await self._until_screened(began)
            done.disturbances.append(await self._look_back(f"move {number + 1}", began))
        return done

    async def _until_screened(self, began: datetime) -> None:
        """Wait until every ballot of the last seconds was screened, and some came."""

        async def is_calm() -> bool:
            rows = await self._ballots(began)
            now = datetime.now(UTC)
            newest = [r for r in rows if (now - r[0]).total_seconds() < _CALM_SECONDS]
            long_enough = (now - began).total_seconds() > _CALM_SECONDS + 1
            return long_enough and bool(newest) and all(screened for _, screened in newest)

        await seconds_until(is_calm, _PATIENCE_SECONDS)

    async def _look_back(self, name: str, began: datetime) -> Disturbance:
        rows = await self._ballots(began)
        moments = [began, *(cast_at for cast_at, _ in rows)]
        gaps = [(b - a).total_seconds() for a, b in pairwise(moments)]
        unscreened = [cast_at for cast_at, screened in rows if not screened]
        last = max(unscreened, default=began)
        return Disturbance(
            name, max(gaps), (last - began).total_seconds(), len(unscreened), len(rows)
        )

    async def _ballots(self, since: datetime) -> list[tuple[datetime, bool]]:
        async with self._stand.database() as connection:
            rows = await connection.fetch(QUERIES["ballots_since"], since)
        return [(row["cast_at"], row["screened"]) for row in rows]


def table(title: str, done: Disturbed, notes: list[str]) -> Section:
    """Return a section with the spread of the disturbances."""
    section = Section(title, ["what", "median (min–max)"], notes=notes)
    some = done.disturbances
    section.rows = [
        ["how often", f"{len(some)}"],
        ["longest time without a vote, s", Spread.of([d.gap_seconds for d in some]).text("{:.2f}")],
        ["last unscreened vote, s", Spread.of([d.unscreened_seconds for d in some]).text("{:.2f}")],
        [
            "share of votes unscreened until all are screened again",
            Spread.of([d.unscreened / max(1, d.ballots) for d in some]).text("{:.1%}"),
        ],
    ]
    section.figures = {
        d.name: {"gap": d.gap_seconds, "unscreened_until": d.unscreened_seconds} for d in some
    }
    return section


async def recounted(stand: Stand, crowd: Crowd, what: str) -> tuple[Section, list[str]]:
    """Compare receipts with the record, the record with the live counters and the standings."""
    async with stand.database() as connection:
        agreed = await seconds_until_agreement(connection, stand.address(), stand.valkey_url)
        counts = await recount(connection, crowd)
    faults = list(counts.faults)
    if agreed is None or agreed > CONVERGENCE_SECONDS:
        faults.append(f"{what}: the live counters agreed with the record after {agreed} s")
    section = Section(f"Outside recount after {what}", ["what", "figure"])
    section.rows = [
        ["votes confirmed with 201", f"{counts.created:,}"],
        ["answered 200: stored by a try whose answer was lost", f"{counts.repeated:,}"],
        ["tries that got no answer", f"{crowd.lost:,}"],
        ["503 with Retry-After", f"{crowd.unavailable:,}"],
        ["receipts sent for again, identical", f"{crowd.same_receipts:,}"],
        ["lost, doubled or wrong", f"{len(counts.faults)}"],
        ["live counters agreed with the record after, s", f"{agreed or 0:.1f}"],
    ]
    return section, faults


class Plan(NamedTuple):
    """How often to do what."""

    pairs: int
    kills: int
    moves: int
    voters: int
    workers: int
    seed: int


async def run(plan: Plan) -> tuple[list[Section], list[str]]:
    """Return the sections of the report and what was broken."""
    sections: list[Section] = []
    faults: list[str] = []
    if plan.pairs:
        async with (
            open_stand(workers=plan.workers) as single,
            open_stand(workers=plan.workers, on_a_cluster=True) as cluster,
        ):
            cost, faults = await compare_cost(single, cluster, plan.pairs)
        click.echo(cost.markdown())
        sections.append(cost)
    async with open_stand(workers=plan.workers, on_a_cluster=True) as stand:
        minting = await stand.minting()
        course = Course(stand, random.Random(plan.seed), minting.contest_id)
        crowd = Crowd(stand.address(), minting, voters=plan.voters)
        async with crowd.voting():
            killed = await course.kill_masters(plan.kills)
            by_key = await course.move_slots(plan.moves, key_by_key=True)
            at_once = await course.move_slots(plan.moves, key_by_key=False)
        recount, wrong = await recounted(stand, crowd, "kills and moves")
    timeout = f"cluster-node-timeout {USUAL_TIMEOUT_MS} ms, cluster-require-full-coverage no."
    sections += [
        table("Masters killed under load", killed, [timeout]),
        table("Slots moved under load, key by key", by_key, ["MIGRATE … REPLACE."]),
        table("Slots moved under load, at once", at_once, ["CLUSTER MIGRATESLOTS of Valkey 9."]),
        recount,
    ]
    return sections, [*faults, *killed.faults, *by_key.faults, *at_once.faults, *wrong]


@click.command()
@click.option("--pairs", type=click.IntRange(min=0), default=5, show_default=True)
@click.option("--kills", type=click.IntRange(min=1), default=6, show_default=True)
@click.option("--moves", type=click.IntRange(min=1), default=12, show_default=True)
@click.option("--voters", type=click.IntRange(min=1), default=32, show_default=True)
@click.option("--workers", type=click.IntRange(min=1), default=2, show_default=True)
@click.option("--seed", type=int, help="Repeats a run's choice of masters.")
def cluster(*, seed: int | None, **options: Any) -> None:
    """Compare a cluster with a single server, then kill masters and move slots under load."""
    click.echo(machine_line() + "\n")
    plan = Plan(seed=seed if seed is not None else random.randrange(10_000), **options)
    begins_at = time.monotonic()
    sections, faults = asyncio.run(run(plan))
    took = f"Seed {plan.seed}; took {time.monotonic() - begins_at:.0f} s; {plan.workers} workers."
    verdict = [f"- {fault}" for fault in faults] or ["Every promise was kept."]
    click.echo(save("cluster", "Valkey as a cluster", [took, "", *verdict], sections))
    for fault in faults:
        click.echo(f"error: {fault}", err=True)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    cluster()
