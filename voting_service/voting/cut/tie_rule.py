"""Who advances when the last place is tied: one of three rules, announced before the vote.

`committee`: the committee decides the order of the tied. `lot`: a number drawn in public decides.
`advance_all`: all tied candidates advance, exceeding the size of the cut. Under the first two there
is no selection without a decision.

Anyone can check the draw (infrastructure/crypto/public_draw.py): for each tied candidate take
SHA-256 of the text `DRAWN|CONTEST|NUMBER` (decimal without leading zeros, the slug of the contest,
UTF-8); the smallest digest, as hexadecimal text, comes first. The order cannot be predicted before
the draw, and is the same for everyone after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from voting_service.errors import (
    Fault,
    InvalidInput,
    Refused,
)
from voting_service.voting.cut.ranking import (
    Standing,
    Tie,
    in_decided_order,
    tie_at_line,
)

TieRule = Literal["committee", "lot", "advance_all"]


class TieUndecided(Refused):
    """The last place is tied, and the tie is not decided yet."""

    def __init__(self, tie: Tie, rule: TieRule) -> None:
        numbers = [str(number) for number in tie.numbers]
        super().__init__(
            "voting.cut.tie_by_committee" if rule == "committee" else "voting.cut.tie_by_lot",
            tied_count=len(tie.numbers),
            votes=tie.votes,
            places=tie.places,
            numbers=", ".join(numbers),
            zh_numbers="、".join(numbers),
        )
        self.tie = tie


class RankedSelection(NamedTuple):
    """All standings, best first; the first `places` advance."""

    standings: tuple[Standing, ...]
    places: int

    @property
    def numbers(self) -> tuple[int, ...]:
        return tuple(standing.number for standing in self.standings[: self.places])


def check_order(order: Sequence[int], tie: Tie) -> None:
    """Check that `order` names each tied candidate exactly once. Raises InvalidInput."""
    if tuple(sorted(order)) != tie.numbers:
        raise InvalidInput(
            Fault("order", "voting.cut.order_incomplete", numbers=", ".join(map(str, tie.numbers)))
        )


def select(
    standings: Sequence[Standing], size: int, rule: TieRule, order: Sequence[int] | None
) -> RankedSelection:
    """Return who advances: `size` candidates, or all when there are fewer; `advance_all` may exceed
    it.

    `order` is the decided order of the tied, or None. Raises TieUndecided when it is missing,
    InvalidInput when it names other candidates.
    """
    tie = tie_at_line(standings, size)
    if tie is None:
        return RankedSelection(tuple(standings), min(size, len(standings)))
    if rule == "advance_all":
        return RankedSelection(tuple(standings), size - tie.places + len(tie.numbers))
    if order is None:
        raise TieUndecided(tie, rule)
    check_order(order, tie)
    return RankedSelection(in_decided_order(standings, order), size)
