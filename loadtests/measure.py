"""One measured round: load from a process of its own, and the CPU time of all others."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass
from statistics import median
from typing import Any

import psutil

from loadtests import CONTEST
from loadtests.contests import CANDIDATES, CHOICES
from loadtests.http_client import prepare
from loadtests.rounds import Outcome, Round, Same, Votes, run_round
from loadtests.stand import Stand, cpu_seconds
from loadtests.voters import Minting

_ADDRESSES = 16_384
"""Voters come from so many addresses; behind a few hundred every network would be over its rate."""
REST_SECONDS = 0.4
"""Counting follows behind the answers; its work belongs to the round."""


@dataclass(frozen=True, slots=True)
class Measured:
    """The cost of a round in microseconds of CPU per expected answer."""

    outcome: Outcome
    worker_us: float
    postgres_us: float
    valkey_us: float
    background_us: float
    others_share: float
    """Of the machine's CPU during the round, what went to processes that are none of ours."""
    replicas_us: float = 0.0
    """Of Valkey's replicas, which a single server does not have."""

    @property
    def total_us(self) -> float:
        """The cost of everything but the client and the replicas."""
        return self.worker_us + self.postgres_us + self.valkey_us + self.background_us


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure over several rounds."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: list[float]) -> Spread:
        return cls(median(values), min(values), max(values))

    def text(self, pattern: str = "{:,.0f}") -> str:
        low, middle, high = (pattern.format(v) for v in (self.low, self.median, self.high))
        return f"{middle} ({low}–{high})"


def ballot_requests(minting: Minting, slug: str = CONTEST) -> Votes:
    """Return ballots as a browser behind the city's proxy sends them, each of a new voter.

    `slug` is the contest; the bare endpoint gets the same bytes.
    """
    marker = "SESSION"
    chooser = random.Random(7)
    suffixes = []
    prefix = b""
    for _ in range(_ADDRESSES):
        numbers = sorted(chooser.sample(range(1, CANDIDATES + 1), CHOICES))
        # The space of carriers that hide their subscribers: nobody lets machines there.
        address = (
            f"100.{chooser.randint(64, 127)}.{chooser.randint(0, 255)}.{chooser.randint(1, 254)}"
        )
        request = prepare(
            "POST",
            f"/api/v1/contests/{slug}/ballots",
            headers={
                "authorization": f"Bearer {marker}",
                "user-agent": "Mozilla/5.0 (Linux; Android 12) AppleWebKit/537.36 Mobile",
                "accept": "application/json",
                "x-forwarded-for": address,
            },
            body=f'{{"choices":{numbers}}}'.replace(" ", "").encode(),
        )
        prefix, _, suffix = request.partition(marker.encode())
        suffixes.append(suffix)
    return Votes(minting=minting, prefix=prefix, suffixes=suffixes)


async def measure(
    stand: Stand,
    server: str,
    requests: Votes | Same,
    *,
    connections: int,
    seconds: float,
    rate: float | None = None,
    expected_status: int = 201,
) -> Measured:
    """Run a round against `serve` or `bare`. Raises RuntimeError if nothing was answered."""
    watched: dict[str, list[psutil.Process | None]] = {
        "workers": [stand.processes[server]],
        "postgres": [stand.postgres.process],
        "valkey": [stand.valkey.process],
        "background": [stand.processes.get("work")],
    }
    if stand.cluster is not None:
        watched["valkey"] = [master.process for master in stand.cluster.masters]
        watched["replicas"] = [replica.process for replica in stand.cluster.replicas]
    round_ = Round(
        address=stand.address(server),
        requests=requests,
        connections=connections,
        seconds=seconds,
        rate=rate,
        expected_status=expected_status,
    )
    before = {name: sum(map(cpu_seconds, processes)) for name, processes in watched.items()}
    machine_before, began_at = _machine_seconds(), time.monotonic()
    outcome = await asyncio.to_thread(run_round, round_)
    await asyncio.sleep(REST_SECONDS)
    used = {
        name: sum(map(cpu_seconds, processes)) - before[name] for name, processes in watched.items()
    }
    ours = sum(used.values()) + outcome.client_cpu_seconds
    others = _machine_seconds() - machine_before - ours
    available = (time.monotonic() - began_at) * (psutil.cpu_count() or 1)
    if not outcome.expected:
        raise RuntimeError(f"{server} never answered {expected_status}: {outcome.statuses}")
    cost = {name: seconds / outcome.expected * 1e6 for name, seconds in used.items()}
    return Measured(
        outcome,
        worker_us=cost["workers"],
        postgres_us=cost["postgres"],
        valkey_us=cost["valkey"],
        background_us=cost["background"],
        replicas_us=cost.get("replicas", 0.0),
        others_share=max(0.0, others / available),
    )


def _machine_seconds() -> float:
    """Return the CPU seconds that the machine used or that its host withheld."""
    times: Any = psutil.cpu_times()
    return float(sum(times) - times.idle - getattr(times, "iowait", 0.0))
