"""The heat map of a hold: a shared attribute × time, observed votes beside expected votes.

The same map as in the report of `forensics` (antifraud/forensics/heat_map.py), from stored ballots:
all votes for the candidate of the hold are counted, and the expected votes are those of as many
ballots of the same platforms at the same time outside the hold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from math import log
from typing import Literal, NamedTuple, get_args

import msgspec

from voting_service.contests.model import Contest
from voting_service.infrastructure.postgres.named_queries import Queries
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.voting.rulings.model import Hold
from voting_service.voting.tally.live_figures import first_ballot_id

QUERIES = Queries(__package__, "hold_heat_map.sql")
STEPS = 48
VALUES = 8
"""Values with a row of their own; all others share one more. At most 48 × 9 × 2 cells are drawn."""
_MARGIN = 0.12
"""The share of the hold's duration that is shown before and after it."""
_LEAST_AROUND = timedelta(minutes=30)
_PRIOR = 50.0
"""Number of ballots of a platform in a step from which their own rate outweighs that of the whole
span."""

Kind = Literal["network", "address", "device", "agent", "account", "platform"]
_KINDS: tuple[Kind, ...] = get_args(Kind)
_KIND_BY_EVIDENCE: dict[str, Kind] = {
    "prefix": "network",
    "ip": "address",
    "device": "device",
    "user_agent": "agent",
    "account_day": "account",
    "platform": "platform",
}
"""By the names in the evidence of an examination (antifraud/forensics/describe.py)."""


class HeatMapCell(NamedTuple):
    """Ballots of one step, platform and place (0: all others), in the hold or not."""

    step: int
    platform_id: int
    place: int
    in_hold: bool
    ballots: int
    votes: int


class HeatMapFrame(NamedTuple):
    """The axes of a heat map: a row for each of `values` of `kind`, STEPS starting at `begins`."""

    candidate: int
    kind: Kind
    values: tuple[str, ...]
    begins: datetime
    step: timedelta

    @property
    def ends(self) -> datetime:
        return self.begins + STEPS * self.step


class HoldHeatMap(msgspec.Struct, frozen=True):
    """Votes for the candidate of the frame by value (the last row: all others) and step; `mine` are
    those of the hold."""

    frame: HeatMapFrame
    observed: tuple[tuple[int, ...], ...]
    expected: tuple[tuple[float, ...], ...]
    mine: int


def rank_attributes(hold: Hold) -> list[Kind]:
    """Return the attributes to group by: those of the evidence first, by the log-likelihood ratio
    of their count, then the others."""
    best: dict[Kind, float] = {}
    for shared in hold.evidence.attributes:
        kind = _KIND_BY_EVIDENCE.get(shared.name)
        if kind is not None and shared.ballots > 0:
            usual = max(shared.expected or 1.0, 0.01)
            ratio = shared.ballots * log(shared.ballots / usual) - (shared.ballots - usual)
            best[kind] = max(ratio, best.get(kind, ratio))
    by_ratio = sorted(best, key=lambda kind: -best[kind])
    return [*by_ratio, *(kind for kind in _KINDS if kind not in by_ratio)]


async def load_hold_heat_map(
    connection: AnyConnection, contest: Contest, hold: Hold
) -> HoldHeatMap:
    """Load the heat map of a hold. Reads all ballots from shortly before its first to shortly after
    its last. Raises StoreUnavailable."""
    with domain_errors():
        outline = await connection.fetchrow(QUERIES["frame"], contest.id, hold.id)
        assert outline is not None, "aggregates always are"
        candidate = next(iter(hold.evidence.candidates), outline["candidate"])
        kind, values = await _values(connection, contest, hold)
        begins, step = heat_map_span(outline["first_at"], outline["last_at"])
        frame = HeatMapFrame(candidate, kind, values, begins, step)
        rows = await connection.fetch(
            QUERIES["cells"],
            contest.id,
            hold.id,
            first_ballot_id(frame.begins),
            first_ballot_id(frame.ends),
            round(frame.begins.timestamp() * 1000),
            step // timedelta(milliseconds=1),
            kind,
            values,
            candidate,
        )
    return compose(frame, [HeatMapCell(*row) for row in rows])


async def _values(
    connection: AnyConnection, contest: Contest, hold: Hold
) -> tuple[Kind, tuple[str, ...]]:
    """Load the values of the first attribute that has any; every ballot has a platform."""
    for kind in rank_attributes(hold):
        rows = await connection.fetch(QUERIES["values"], contest.id, hold.id, kind, VALUES)
        if rows:
            return kind, tuple(row["value"] for row in rows)
    return "platform", ()


def heat_map_span(first: datetime, last: datetime) -> tuple[datetime, timedelta]:
    """Return the beginning of the map and the length of its steps, in whole minutes."""
    around = max((last - first) * _MARGIN, _LEAST_AROUND)
    begins = (first - around).astimezone(UTC).replace(second=0, microsecond=0)
    minutes = -(-(last + around - begins) // (STEPS * timedelta(minutes=1)))
    return begins, timedelta(minutes=minutes)


def compose(frame: HeatMapFrame, cells: Iterable[HeatMapCell]) -> HoldHeatMap:
    """Return the observed and expected votes of a map."""
    cells = [cell for cell in cells if 0 <= cell.step < STEPS]
    ballots: Counter[tuple[int, int]] = Counter()
    votes: Counter[tuple[int, int]] = Counter()
    for cell in cells:
        if not cell.in_hold:
            ballots[cell.platform_id, cell.step] += cell.ballots
            votes[cell.platform_id, cell.step] += cell.votes

    def usual(platform_id: int | None) -> float:
        of = [key for key in ballots if platform_id in (None, key[0])]
        cast = sum(ballots[key] for key in of)
        return sum(votes[key] for key in of) / cast if cast else 0.0

    everywhere = usual(None)
    by_platform = {p: usual(p) for p, _ in ballots}
    observed = [[0] * STEPS for _ in range(len(frame.values) + 1)]
    expected = [[0.0] * STEPS for _ in range(len(frame.values) + 1)]
    for cell in cells:
        key, row = (cell.platform_id, cell.step), cell.place - 1
        rate = by_platform.get(cell.platform_id, everywhere)
        observed[row][cell.step] += cell.votes
        expected[row][cell.step] += (
            cell.ballots * (votes[key] + _PRIOR * rate) / (ballots[key] + _PRIOR)
        )
    return HoldHeatMap(
        frame=frame,
        observed=tuple(tuple(row) for row in observed),
        expected=tuple(tuple(row) for row in expected),
        mine=sum(cell.votes for cell in cells if cell.in_hold),
    )
