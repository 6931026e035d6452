"""The picture of a hold: what its ballots share × time, what was cast beside what is usual.

The same picture as in the report of `forensics` (antifraud/forensics/picture.py), from stored
ballots: all votes for the hold's candidate are counted, and what is usual is what as many ballots
of the same platforms brought at the same time outside the hold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from math import log
from typing import Literal, NamedTuple, get_args

import msgspec

from voting_service.contests.model import Contest
from voting_service.rulings.model import Hold
from voting_service.storage.postgres import AnyConnection, domain_errors
from voting_service.storage.queries import Queries
from voting_service.tally.desk_figures import id_bound

QUERIES = Queries(__package__, "hold_picture.sql")
STEPS = 48
VALUES = 8
"""Rows of their own; everybody else is one more. 48 × 9 × 2 cells are drawn at most."""
_MARGIN = 0.12
"""How much of the hold's length is shown before and after it."""
_LEAST_AROUND = timedelta(minutes=30)
_PRIOR = 50.0
"""Ballots of a platform in a step from which their own tastes count more than the whole span's."""

Kind = Literal["network", "address", "device", "agent", "account", "platform"]
_KINDS: tuple[Kind, ...] = get_args(Kind)
_OF_EVIDENCE: dict[str, Kind] = {
    "prefix": "network",
    "ip": "address",
    "device": "device",
    "user_agent": "agent",
    "account_day": "account",
    "platform": "platform",
}
"""As the examination's evidence calls them (antifraud/forensics/describe.py)."""


class Cell(NamedTuple):
    """Ballots of one step, platform and place (0: everybody else), in the hold or not."""

    step: int
    platform_id: int
    place: int
    in_hold: bool
    ballots: int
    votes: int


class Frame(NamedTuple):
    """What a picture is of: a row each of `values` of `kind`, STEPS from `begins` on."""

    candidate: int
    kind: Kind
    values: tuple[str, ...]
    begins: datetime
    step: timedelta

    @property
    def ends(self) -> datetime:
        return self.begins + STEPS * self.step


class HoldPicture(msgspec.Struct, frozen=True):
    """Votes for the frame's candidate by its values (the last row: everybody else) and by step;
    `mine` are those of the hold."""

    frame: Frame
    observed: tuple[tuple[int, ...], ...]
    expected: tuple[tuple[float, ...], ...]
    mine: int


def kinds_of(hold: Hold) -> list[Kind]:
    """What to arrange the ballots by, the most telling of the evidence first (by the
    log-likelihood ratio of its count), then what is known of most ballots."""
    best: dict[Kind, float] = {}
    for shared in hold.evidence.attributes:
        kind = _OF_EVIDENCE.get(shared.name)
        if kind is not None and shared.ballots > 0:
            usual = max(shared.expected or 1.0, 0.01)
            told = shared.ballots * log(shared.ballots / usual) - (shared.ballots - usual)
            best[kind] = max(told, best.get(kind, told))
    telling = sorted(best, key=lambda kind: -best[kind])
    return [*telling, *(kind for kind in _KINDS if kind not in telling)]


async def load_hold_picture(connection: AnyConnection, contest: Contest, hold: Hold) -> HoldPicture:
    """Reads every ballot from shortly before the hold's first to shortly after its last. Raises
    StoreUnavailable."""
    with domain_errors():
        known = await connection.fetchrow(QUERIES["frame"], contest.id, hold.id)
        assert known is not None, "aggregates always are"
        candidate = next(iter(hold.evidence.candidates), known["candidate"])
        kind, values = await _values(connection, contest, hold)
        begins, step = span_of(known["first_at"], known["last_at"])
        frame = Frame(candidate, kind, values, begins, step)
        rows = await connection.fetch(
            QUERIES["cells"],
            contest.id,
            hold.id,
            id_bound(frame.begins),
            id_bound(frame.ends),
            round(frame.begins.timestamp() * 1000),
            step // timedelta(milliseconds=1),
            kind,
            values,
            candidate,
        )
    return compose(frame, [Cell(*row) for row in rows])


async def _values(
    connection: AnyConnection, contest: Contest, hold: Hold
) -> tuple[Kind, tuple[str, ...]]:
    """The first kind of which anything is known; every ballot has a platform."""
    for kind in kinds_of(hold):
        rows = await connection.fetch(QUERIES["values"], contest.id, hold.id, kind, VALUES)
        if rows:
            return kind, tuple(row["value"] for row in rows)
    return "platform", ()


def span_of(first: datetime, last: datetime) -> tuple[datetime, timedelta]:
    """Where the picture begins, and how long each of its steps is, in whole minutes."""
    around = max((last - first) * _MARGIN, _LEAST_AROUND)
    begins = (first - around).astimezone(UTC).replace(second=0, microsecond=0)
    minutes = -(-(last + around - begins) // (STEPS * timedelta(minutes=1)))
    return begins, timedelta(minutes=minutes)


def compose(frame: Frame, cells: Iterable[Cell]) -> HoldPicture:
    """The tables of a picture."""
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
    return HoldPicture(
        frame=frame,
        observed=tuple(tuple(row) for row in observed),
        expected=tuple(tuple(row) for row in expected),
        mine=sum(cell.votes for cell in cells if cell.in_hold),
    )
