"""Which seats the counted ballots bear out: candidates in the order of their votes, and for each
seat the slices of the vote that it hangs on.

Ballots proposed to be held are not counted. A seat is not certifiable where the votes of a slice
that nothing explains, or errors among the holds, could carry it over the first candidate without a
seat, or where it is tied with that candidate. Such a seat is not wrong: somebody has to explain it.
Blocs, which staff see by themselves, and hours that everybody knows of are left out of the
comparison.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np

from voting_service.antifraud.forensics.attributes import account_age, address_sharing
from voting_service.antifraud.forensics.columns import ABSENT, BallotColumns, Int64s
from voting_service.antifraud.forensics.findings import BallotVerdict, Findings
from voting_service.antifraud.forensics.prepare import (
    HOUR_MS,
    AnyInts,
    Ballots,
    Bools,
    encode_known,
    local_time,
    prepare,
)
from voting_service.antifraud.forensics.slices import (
    SeatVotes,
    Surplus,
    find_surpluses,
    public_hours,
)
from voting_service.antifraud.forensics.thresholds import (
    ESCAPED_SHARE,
    ESCAPED_SHARES,
    MIN_COMPARED_CANDIDATES,
    MIN_SURPLUS_SHARE,
    WRONGLY_HELD_SHARE,
)

_NETWORK_CLASSES = (3, 7)
"""Binary logarithms of the voters of an address: a home, a workplace, a carrier's exit."""

ReasonKind = Literal[
    "platform", "network", "account_age", "names", "hours", "devices", "holds", "tie", "few"
]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a seat is not certifiable: `votes` where about `expected` are explained."""

    kind: ReasonKind
    values: tuple[str, ...]
    """The slices, the largest surplus first; none for the other kinds. Platforms have their labels;
    the others have numbers whose texts are in the catalogue."""
    votes: float
    expected: float
    error: float
    """One standard deviation of `expected`."""
    lead: int
    """Over the first candidate without a seat."""

    @property
    def surplus(self) -> float:
        return self.votes - self.expected


@dataclass(frozen=True, slots=True)
class Seat:
    """A candidate in the order of the votes; `reasons` why its seat is not certifiable."""

    number: int
    votes: int
    rank: int
    in_cut: bool
    reasons: tuple[Reason, ...]

    @property
    def certifiable(self) -> bool:
        return not self.reasons


def assess_seats(
    columns: BallotColumns, findings: Findings, seats: int, zone: ZoneInfo
) -> tuple[Seat, ...]:
    """Return every candidate, the one with the most votes first; `seats` of them advance."""
    ballots = prepare(columns)
    if not len(ballots.choice):
        return ()
    verdict = findings.verdict[ballots.order]
    held = verdict[ballots.choice_row] == BallotVerdict.HOLD
    votes = np.bincount(ballots.choice[~held], minlength=ballots.candidates)
    held_votes = np.bincount(ballots.choice[held], minlength=ballots.candidates)
    order = np.lexsort((ballots.numbers, -votes))
    reasons: dict[int, list[Reason]] = {}
    if len(order) > seats:
        first_out = int(order[seats])
        leads = votes - votes[first_out]
        reasons = _doubtful(columns, ballots, verdict == BallotVerdict.CLEAN, leads, zone)
        reach = float((votes + WRONGLY_HELD_SHARE * held_votes)[order[seats:]].max())
        for candidate in order[:seats].tolist():
            own, lead = float(votes[candidate]), int(leads[candidate])
            own_held = float(held_votes[candidate])
            more = reasons.setdefault(candidate, [])
            if lead == 0:
                more.append(Reason("tie", (), own, own, 0.0, 0))
            if ballots.candidates < MIN_COMPARED_CANDIDATES:
                more.append(Reason("few", (), own, own, 0.0, lead))
            if lead > 0 and own - ESCAPED_SHARE * own_held <= reach:
                more.append(Reason("holds", (), own_held, 0.0, 0.0, lead))
    return tuple(
        Seat(
            number=int(ballots.numbers[candidate]),
            votes=int(votes[candidate]),
            rank=rank,
            in_cut=rank <= seats,
            reasons=tuple(reasons.get(candidate, ())) if rank <= seats else (),
        )
        for rank, candidate in enumerate(order.tolist(), 1)
    )


def _doubtful(
    columns: BallotColumns, ballots: Ballots, clean: Bools, leads: Int64s, zone: ZoneInfo
) -> dict[int, list[Reason]]:
    """Return the reasons by dense candidate; only those whose surplus could be the lead."""
    slicings = _slicings(columns, ballots)
    surpluses = find_surpluses(
        _slice(ballots, clean, zone), slicings, encode_known(columns.device[ballots.order])
    )
    reasons: dict[int, list[Reason]] = {}
    least = MIN_SURPLUS_SHARE * len(ballots)
    for candidate in sorted({surplus.candidate for surplus in surpluses}):
        own = [surplus for surplus in surpluses if surplus.candidate == candidate]
        for slicing in dict.fromkeys(surplus.slicing for surplus in own):
            parts = _largest_by_value([s for s in own if s.slicing == slicing])
            total = sum(part.surplus for part in parts)
            lead = int(leads[candidate])
            if lead < 0 or total < least or total * (1.0 + ESCAPED_SHARES[slicing]) < lead:
                continue
            reasons.setdefault(candidate, []).append(
                Reason(
                    kind=slicing,  # type: ignore[arg-type]
                    values=_labels(columns, ballots, parts),
                    votes=sum(part.votes for part in parts),
                    expected=sum(part.expected for part in parts),
                    error=float(np.sqrt(sum(part.error**2 for part in parts))),
                    lead=lead,
                )
            )
    return reasons


def _largest_by_value(parts: Sequence[Surplus]) -> list[Surplus]:
    """Return the larger surplus of each slice, which may have been found twice; largest first."""
    best: dict[int | None, Surplus] = {}
    for part in parts:
        if part.value not in best or best[part.value].surplus < part.surplus:
            best[part.value] = part
    return sorted(best.values(), key=lambda part: -part.surplus)


def _slice(ballots: Ballots, clean: Bools, zone: ZoneInfo) -> SeatVotes:
    hour = local_time(ballots.cast_at, zone) // HOUR_MS
    hour -= hour.min() // 24 * 24

    def of(counted: Bools) -> SeatVotes:
        kept = counted[ballots.choice_row]
        return SeatVotes(
            row=ballots.choice_row[kept],
            choice=ballots.choice[kept].astype(np.int64),
            counted=counted,
            voter=ballots.voter,
            day=hour // 24,
            hour=hour,
            candidates=ballots.candidates,
        )

    return of(clean & ~public_hours(of(clean))[hour])


def _slicings(columns: BallotColumns, ballots: Ballots) -> dict[str, AnyInts]:
    order = ballots.order
    sharing = address_sharing(encode_known(columns.ip[order]), ballots.voter)
    network = np.where(sharing == ABSENT, ABSENT, np.digitize(sharing, _NETWORK_CLASSES))
    names = np.bincount(ballots.choice_row, minlength=len(ballots))
    return {
        "platform": columns.platform[order],
        "network": network,
        "account_age": account_age(columns.account_day[order], ballots.cast_at),
        "names": np.minimum(names, 2) - 1,
    }


def _labels(columns: BallotColumns, ballots: Ballots, parts: Sequence[Surplus]) -> tuple[str, ...]:
    return tuple(
        columns.value_label("platform", part.value)
        if part.slicing == "platform"
        else str(part.value)
        for part in parts
        if part.value is not None
    )
