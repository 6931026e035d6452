"""Recount the ballots of an archive, line by line.

All versions and the final state are counted in one pass: they only differ in the rulings in force,
and only for ballots in a hold. Memory holds sums, the hashes of the holds and eight bytes per
ballot (to find voters with two ballots), about 40 MB for five million.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, NamedTuple

import numpy as np

from voting_service.contests.model import Contest
from voting_service.errors import Fault
from voting_service.voting.replay import archive
from voting_service.voting.replay.archive import RulingPart
from voting_service.voting.replay.reader import ArchiveReader
from voting_service.voting.tally.recount import BALLOTS, Count

MAX_FAULTS = 20
"""Faults of one kind that are listed one by one."""

_STATES = {"counted": 0, "held": 1}
_VOID = 2

Verdicts = Mapping[int, str]
"""By hold, the verdict in force."""


class Totals(NamedTuple):
    """By platform and candidate (BALLOTS: the ballots themselves)."""

    cells: Mapping[tuple[str, int], Count]

    def candidates(self, numbers: frozenset[int]) -> dict[int, Count]:
        """Return counts by candidate; includes all of `numbers`, even without a vote."""
        sums = dict.fromkeys(sorted(numbers), Count())
        for (_, number), count in self.cells.items():
            if number != BALLOTS:
                sums[number] = sums.get(number, Count()).plus(count)
        return sums

    def platforms(self) -> dict[str, Count]:
        """Return the ballots of each platform."""
        return {
            platform: count
            for (platform, number), count in sorted(self.cells.items())
            if number == BALLOTS
        }

    @property
    def ballots(self) -> Count:
        total = Count()
        for count in self.platforms().values():
            total = total.plus(count)
        return total


class ReplayedCount(NamedTuple):
    """`totals` are in the order of the given verdicts; hashes and sizes are those of the ballots
    that the archive lists for each hold."""

    totals: tuple[Totals, ...]
    ballots: int
    hold_hashes: Mapping[int, str]
    hold_sizes: Mapping[int, int]
    faults: tuple[Fault, ...]


def in_force(rulings: Sequence[RulingPart]) -> dict[int, str]:
    """Return, by hold, the verdict of its highest turn."""
    return {r.hold_id: r.verdict for r in sorted(rulings, key=lambda r: (r.hold_id, r.turn))}


def state_after(holds: Sequence[int], cast: int, verdicts: Verdicts) -> int:
    """Return void if any ruling in force voids it, else counted if one counts it, else as cast."""
    ruled = [verdicts[hold] for hold in holds if hold in verdicts]
    if "void" in ruled:
        return _VOID
    return _STATES["counted"] if ruled else cast


class _Sums:
    """Votes by platform and state, keyed by the texts of the file."""

    def __init__(self) -> None:
        self._votes: defaultdict[tuple[str, int], defaultdict[str, int]] = defaultdict(
            lambda: defaultdict(int)
        )

    def add(self, platform: str, state: int, choices: Sequence[str]) -> None:
        votes = self._votes[platform, state]
        votes["0"] += 1
        for choice in choices:
            votes[choice] += 1

    def totals(self, *more: _Sums) -> Totals:
        cells: defaultdict[tuple[str, int], list[int]] = defaultdict(lambda: [0, 0, 0])
        for sums in (self, *more):
            for (platform, state), votes in sums._votes.items():
                for choice, count in votes.items():
                    cells[platform, int(choice)][state] += count
        return Totals(
            {
                key: Count(counted + held + void, held, void)
                for key, (counted, held, void) in cells.items()
            }
        )


class _Members:
    """The holds of each ballot, read in ascending order of ballots."""

    def __init__(self, lines: Iterator[list[str]], faults: _Faults) -> None:
        self._lines = lines
        self._faults = faults
        self._hashes: defaultdict[int, Any] = defaultdict(sha256)
        self._next: list[str] | None = next(lines, None)
        self.sizes: defaultdict[int, int] = defaultdict(int)

    @property
    def hashes(self) -> dict[int, str]:
        return {hold: hashed.hexdigest() for hold, hashed in self._hashes.items()}

    def of(self, ballot: str) -> tuple[int, ...]:
        """Return the holds of a ballot; lines before it that were skipped belong to no ballot."""
        while self._next is not None and self._next[0] < ballot:
            self._stray()
        holds = []
        while self._next is not None and self._next[0] == ballot:
            holds.append(self._take())
        return tuple(holds)

    def finish(self) -> None:
        while self._next is not None:
            self._stray()

    def _stray(self) -> None:
        assert self._next is not None
        ballot = self._next[0]
        hold = self._take()
        self._faults.add(
            archive.HOLD_BALLOTS,
            "hold_ballot_unknown",
            hold=hold,
            ballot=ballot,
        )

    def _take(self) -> int:
        assert self._next is not None
        ballot, hold_text = self._next
        hold = int(hold_text) if hold_text.isdecimal() else 0
        try:
            self._hashes[hold].update(bytes.fromhex(ballot))
        except ValueError:
            self._faults.add(archive.HOLD_BALLOTS, "not_a_ballot", ballot=ballot)
        self.sizes[hold] += 1
        self._next = next(self._lines, None)
        return hold


class _Faults:
    """The first faults of each kind."""

    def __init__(self) -> None:
        self._by_field: dict[str, list[Fault]] = {}

    def add(self, field: str, name: str, /, **params: Any) -> None:
        """Add a fault by the last part of its code."""
        faults = self._by_field.setdefault(field, [])
        if len(faults) < MAX_FAULTS:
            faults.append(Fault(field, f"voting.replay.{name}", **params))
        elif len(faults) == MAX_FAULTS:
            faults.append(Fault(field, "voting.replay.more_faults"))

    def listed(self) -> tuple[Fault, ...]:
        return tuple(fault for faults in self._by_field.values() for fault in faults)


def count_ballots(
    reader: ArchiveReader, contest: Contest, situations: Sequence[Verdicts]
) -> ReplayedCount:
    """Count under each set of verdicts. Ballots that break the rules are counted and listed in
    `faults`. Raises InvalidInput for a file that cannot be read."""
    faults = _Faults()
    members = _Members(reader.lines(archive.HOLD_BALLOTS, archive.HOLD_COLUMNS), faults)
    plain, questioned = _Sums(), [_Sums() for _ in situations]
    rules = _BallotRules(contest, faults)
    before = ""
    for fields in reader.lines(archive.BALLOTS, archive.BALLOT_COLUMNS):
        ballot, _, _, platform, state_text, _, _, _, choices_text = fields
        if ballot <= before:
            faults.add(archive.BALLOTS, "ballot_unordered", ballot=ballot)
        before = ballot
        choices = choices_text.split("|")
        if not rules.is_countable(fields, choices):
            continue
        state = _STATES[state_text]
        holds = members.of(ballot)
        if not holds:
            plain.add(platform, state, choices)
            continue
        for verdicts, sums in zip(situations, questioned, strict=True):
            sums.add(platform, state_after(holds, state, verdicts), choices)
    members.finish()
    rules.finish()
    return ReplayedCount(
        totals=tuple(plain.totals(sums) for sums in questioned),
        ballots=rules.ballots,
        hold_hashes=members.hashes,
        hold_sizes=dict(members.sizes),
        faults=faults.listed(),
    )


class _BallotRules:
    """The rules for each ballot, and that no voter has two for a period. No ballot can name who has
    withdrawn from that moment on: every worker knows of it then (candidate_changes.sql)."""

    def __init__(self, contest: Contest, faults: _Faults) -> None:
        self._faults = faults
        self._numbers = {str(number) for number in contest.numbers}
        self._least, self._most = contest.rules.ballot.min_choices, contest.rules.ballot.max_choices
        self._opens, self._closes = _text(contest.opens_at), _text(contest.closes_at)
        self._withdrawn = {str(w.number): _text(w.withdrawn_at) for w in contest.withdrawals}
        self._voters = array("Q")
        self._periods: dict[str, int] = {}
        self.ballots = 0

    def is_countable(self, fields: Sequence[str], choices: Sequence[str]) -> bool:
        """Check a ballot; return False for a line that cannot be counted at all."""
        ballot, cast_at, period, _, state, _, voter, _, _ = fields
        self.ballots += 1
        if state not in _STATES or not all(choice.isdecimal() for choice in choices):
            self._faults.add(archive.BALLOTS, "ballot_unreadable", ballot=ballot)
            return False
        if len(set(choices)) != len(choices) or not self._least <= len(choices) <= self._most:
            self._faults.add(archive.BALLOTS, "ballot_breaks_rules", ballot=ballot)
        if not self._numbers.issuperset(choices):
            self._faults.add(archive.BALLOTS, "ballot_unknown_candidate", ballot=ballot)
        if not self._opens <= cast_at < self._closes:
            self._faults.add(archive.BALLOTS, "ballot_outside_window", ballot=ballot)
        gone = self._withdrawn
        if gone and any(gone[choice] <= cast_at for choice in gone.keys() & set(choices)):
            self._faults.add(archive.BALLOTS, "ballot_names_withdrawn", ballot=ballot)
        salt = self._periods.setdefault(period, len(self._periods))
        try:
            # 64 of the pseudonym's 128 bits: two of five million meet by chance once in a
            # million archives.
            self._voters.append((int(voter[:16], 16) + salt * 0x9E3779B97F4A7C15) & (2**64 - 1))
        except ValueError:
            self._faults.add(archive.BALLOTS, "ballot_without_voter", ballot=ballot)
        return True

    def finish(self) -> None:
        voters = np.sort(np.frombuffer(self._voters, dtype=np.uint64))
        twice = int((voters[1:] == voters[:-1]).sum())
        if twice:
            self._faults.add(archive.BALLOTS, "second_ballots", count=twice)


def _text(value: datetime) -> str:
    """Return a moment in the format of the file, so that texts compare like moments."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
