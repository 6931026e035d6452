"""The counts of a campaign that goes on over several runs, in results/faults.json.

A round is some faults brought on one stand by the choices of one seed, with the recount at its end.
No seed counts twice. Several campaigns may run side by side and add to the same counts.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from loadtests.faults.campaign import Campaign, Result
from loadtests.faults.field import Fault
from loadtests.report import RESULTS, Section, machine_line

_HEADER = [
    *("fault", "times", "of", "s without a vote (most)", "201", "200", "503", "no answer"),
    *("lost", "doubled"),
]
_SHARES = 100
"""The long form is brought in so many rounds. One that is interrupted is not counted."""


class Count(msgspec.Struct):
    """What was counted of one kind of fault in all rounds."""

    times: int = 0
    gap_seconds: float = 0.0
    longest_gap_seconds: float = 0.0
    created: int = 0
    repeated: int = 0
    unavailable: int = 0
    unanswered: int = 0
    lost: int = 0
    doubled: int = 0

    def add(self, result: Result) -> None:
        """Add what a round counted."""
        self.times += len(result.gaps_seconds)
        self.gap_seconds = round(self.gap_seconds + sum(result.gaps_seconds), 2)
        longest = max(result.gaps_seconds, default=0.0)
        self.longest_gap_seconds = round(max(self.longest_gap_seconds, longest), 2)
        self.created += result.recount.created
        self.repeated += result.recount.repeated
        self.unavailable += result.unavailable
        self.unanswered += result.unanswered
        self.lost += result.recount.lost
        self.doubled += result.recount.doubled

    def row(self, fault: Fault) -> list[str]:
        """Return the line of the table."""
        mean = self.gap_seconds / (self.times or 1)
        figures = (self.created, self.repeated, self.unavailable, self.unanswered)
        return [
            fault.name,
            f"{self.times:,}",
            f"{fault.long:,}",
            f"{mean:.1f} ({self.longest_gap_seconds:.1f})",
            *(f"{figure:,}" for figure in (*figures, self.lost, self.doubled)),
        ]


class History(msgspec.Struct):
    """The counts by the name of the fault, the revision of the service by the seed of the round,
    how many faults were brought at each revision, and every promise that was seen broken."""

    faults: dict[str, Count] = {}
    revisions: dict[int, str] = {}
    times: dict[str, int] = {}
    broken: list[str] = []
    unfinished: list[str] = []
    """Rounds that did not come to their recount, and why."""

    def total(self) -> int:
        """Return how many faults were counted."""
        return sum(self.times.values())

    def add(self, seed: int, campaigns: Sequence[Campaign], unfinished: str | None = None) -> None:
        """Count a round, which may have had several stands.

        Raises ValueError if its seed was counted.
        """
        if seed in self.revisions:
            raise ValueError(f"seed {seed} was counted already")
        revision = self.revisions[seed] = _revision()
        if unfinished is not None:
            self.unfinished.append(f"seed {seed}, {revision}: {unfinished}")
        for result in (result for campaign in campaigns for result in campaign.results):
            self.faults.setdefault(result.fault.name, Count()).add(result)
            brought = self.times.get(revision, 0) + len(result.gaps_seconds)
            self.times[revision] = brought
        for campaign in campaigns:
            self.broken += [f"seed {seed}, {revision}: {promise}" for promise in campaign.broken]

    def next_round(self, faults: Sequence[Fault]) -> list[tuple[Fault, int]]:
        """Return how often each fault comes in the next round; none that was counted enough."""
        left = [(f, f.long - self.faults.get(f.name, Count()).times) for f in faults]
        return [(f, min(times, -(-f.long // _SHARES))) for f, times in left if times > 0]

    def markdown(self, faults: Sequence[Fault]) -> str:
        """Return the document: verdict, revisions, table."""
        revisions = ", ".join(f"{name} ({times:,})" for name, times in self.times.items())
        section = Section(
            "Every fault", _HEADER, [self.faults.get(f.name, Count()).row(f) for f in faults]
        )
        section.notes = [
            "`times` were brought so far, `of` is how many a release needs; `s without a vote` is "
            "the mean and the longest. The voters send faster than an answer asks them to."
        ]
        rounds = len(self.revisions) - len(self.unfinished)
        lines = [
            "# Faults under load",
            "",
            f"{machine_line()} (the last round)",
            "",
            f"{self.total():,} faults in {rounds} rounds, each with a recount at its end. By "
            f"revision of the service: {revisions}.",
            "",
            verdict(self.broken),
            "",
        ]
        if self.unfinished:
            lines += ["Rounds that did not come to their recount, and are not counted:"]
            lines += [*(f"- {round_}" for round_ in self.unfinished), ""]
        return "\n".join(lines) + "\n" + section.markdown()


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Let no other campaign write at the same time."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def load(folder: Path = RESULTS) -> History:
    """Return what was counted so far."""
    file = folder / "faults.json"
    return msgspec.json.decode(file.read_bytes(), type=History) if file.exists() else History()


def count(
    seed: int,
    campaigns: Sequence[Campaign],
    faults: Sequence[Fault],
    *,
    unfinished: str | None = None,
    folder: Path = RESULTS,
) -> History:
    """Add a round to the counts and write both files. Raises ValueError if the seed is in them."""
    with _locked(folder):
        history = load(folder)
        history.add(seed, campaigns, unfinished)
        figures = msgspec.json.format(msgspec.json.encode(history), indent=1) + b"\n"
        for name, content in (
            ("faults.json", figures),
            ("faults.md", history.markdown(faults).encode()),
        ):
            new = folder / f".{name}.new"
            new.write_bytes(content)
            new.replace(folder / name)
    return history


def verdict(broken: Sequence[str]) -> str:
    """Return the sentence of the verdict, and what was broken."""
    first = {0: "Every promise was kept.", 1: "1 promise was broken."}.get(
        len(broken), f"{len(broken)} promises were broken."
    )
    return "\n".join([first, *(f"- {promise}" for promise in broken)])


def _revision() -> str:
    """Return the last revision that changed the service, marked if the files are not as it has."""
    places = ("--", ":/voting_service", ":/migrations")
    name = _git("log", "-1", "--format=%h", *places)
    return f"{name} changed" if _git("status", "--porcelain", *places) else name


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(RESULTS), *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()
