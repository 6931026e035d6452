"""Runs faults under load, one kind after the other, each with a recount from outside after it."""

from __future__ import annotations

import os
import random
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

from loadtests.chaos_voters import Crowd
from loadtests.check import CONVERGENCE_SECONDS, seconds_until_agreement
from loadtests.faults.clock import Clock
from loadtests.faults.clocks import CLOCKS, KEYS
from loadtests.faults.disk import Disk
from loadtests.faults.field import Fault, Field, WiredStand
from loadtests.faults.processes import FAULTS as PROCESS_FAULTS
from loadtests.faults.stores import FAULTS as STORE_FAULTS
from loadtests.faults.wires import FAULTS as WIRE_FAULTS
from loadtests.recount import QUERIES, Recount, recount
from loadtests.report import Section
from voting_service.demo.embedded_postgres import EmbeddedPostgres

FAULTS: tuple[Fault, ...] = (
    *PROCESS_FAULTS,
    *WIRE_FAULTS,
    *STORE_FAULTS,
    *KEYS,
    *CLOCKS,
)


class Result(NamedTuple):
    """A kind of fault, how long votes stood still each time, and what the recount said."""

    fault: Fault
    gaps_seconds: list[float]
    recount: Recount
    unavailable: int
    unanswered: int

    def row(self) -> list[str]:
        """Return the line of the table."""
        gaps = self.gaps_seconds or [0.0]
        counts = self.recount
        return [
            self.fault.name,
            f"{len(self.gaps_seconds):,}",
            f"{median(gaps):.1f} ({max(gaps):.1f})",
            f"{counts.created:,}",
            f"{counts.repeated:,}",
            f"{self.unavailable:,}",
            f"{self.unanswered:,}",
            f"{counts.lost}",
            f"{counts.doubled}",
        ]


HEADER = [
    *("fault", "times", "s without a vote (most)", "201", "200", "503", "no answer"),
    *("lost", "doubled"),
]


class Campaign:
    """The faults of one stand, and what came of them."""

    def __init__(
        self,
        stand: WiredStand,
        seed: int,
        *,
        disk: Disk | None,
        voters: int = 32,
        pause_seconds: float = 0.0,
    ) -> None:
        """`pause_seconds` is between two ballots of a voter."""
        self.results: list[Result] = []
        self.broken: list[str] = []
        self._stand = stand
        self._chooser = random.Random(seed)
        self._disk = disk
        self._voters = voters
        self._pause_seconds = pause_seconds

    async def run(self, fault: Fault, times: int) -> Result:
        """Bring one kind of fault so many times while a crowd votes, and recount."""
        stand = self._stand
        crowd = Crowd(
            stand.address(),
            await stand.minting(),
            voters=self._voters,
            pause_seconds=self._pause_seconds,
        )
        field = Field(stand, crowd, self._chooser, self._disk)
        gaps = []
        async with crowd.voting():
            for _ in range(times):
                await field.pause(0.1, 0.5)
                began = time.monotonic()
                await fault.inflict(field)
                if not await field.votes_come():
                    field.broken.append("votes did not come again")
                    break
                gaps.append(crowd.longest_gap(began))
        async with stand.database() as connection:
            counts = await recount(connection, crowd)
        counts.faults += field.broken
        self.broken += [f"{fault.name}: {promise}" for promise in counts.faults]
        result = Result(fault, gaps, counts, crowd.unavailable, crowd.lost)
        self.results.append(result)
        return result

    async def conclude(self) -> float | None:
        """After the last fault: the record holds nothing else, the counters follow, `work` lives.

        Return the seconds until the live counters agreed with the record.
        """
        stand = self._stand
        promised = sum(r.recount.created + r.recount.repeated for r in self.results)
        async with stand.database() as connection:
            stored = await connection.fetchval(QUERIES["ballots"], "bayu-2022")
            agreed = await seconds_until_agreement(connection, stand.address(), stand.valkey.url)
        if stored != promised:
            self.broken.append(f"{stored} ballots are stored, and {promised} were promised")
        if agreed is None or agreed > CONVERGENCE_SECONDS:
            self.broken.append(f"the live counters agreed with the record after {agreed} s")
        if stand.processes["work"].poll() is not None:
            self.broken.append("`work` ended")
        return agreed

    def section(self, title: str, agreed: float | None) -> Section:
        """Return the table."""
        section = Section(title, HEADER, [result.row() for result in self.results])
        agreement = "never" if agreed is None else f"after {agreed:.1f} s"
        section.notes = [f"Live counters agreed with the record at the end: {agreement}."]
        return section


def is_of_clocks(fault: Fault) -> bool:
    """Return whether a fault needs processes whose clocks can be moved."""
    return fault in CLOCKS


@asynccontextmanager
async def open_wired_stand(
    faults: Sequence[Fault], *, workers: int, is_forgetful: bool = False
) -> AsyncIterator[tuple[WiredStand, Disk | None]]:
    """Start what the faults need: stores, `serve` and `work` behind proxies, with PostgreSQL on a
    disk of its own, or with clocks that can be moved, where a fault needs that. `is_forgetful`: the
    database sets synchronous_commit = off."""
    with tempfile.TemporaryDirectory(prefix="voting-faults-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        os.chmod(folder, 0o711)  # noqa: PTH101 (PostgreSQL's own user passes through)
        disk = None
        if any(fault.needs_disk for fault in faults):
            disk = Disk.make(folder / "disk.img", folder / "disk")
        postgres = EmbeddedPostgres((disk.folder if disk else folder) / "postgres")
        stand = WiredStand(folder, workers, postgres)
        stand.is_forgetful = is_forgetful
        stand.has_backups = any(fault.needs_backups for fault in faults)
        if any(map(is_of_clocks, faults)):
            stand.use_clocks({n: Clock(folder, n) for n in ("serve", "work", "postgres", "valkey")})
        try:
            await stand.open_stores()
            await stand.serve()
            stand.work()
            yield stand, disk
        finally:
            try:
                await stand.stop_all()
            finally:
                if disk is not None:
                    disk.unmount()
