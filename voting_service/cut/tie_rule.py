"""Who goes on when the last place is tied: one of three rules, announced before the vote.

`committee`: the committee puts the tied in order. `lot`: a number drawn in public decides.
`advance_all`: all of the tied go on, more than the size of the cut. Under the first two
nothing is ever chosen silently: without a decision there is no selection.

The lot (contests/lots.py) can be checked by anybody with a pocket tool: for each tied candidate
take SHA-256 of the text `DRAWN|CONTEST|NUMBER` (decimal without leading zeros, the contest's slug,
UTF-8); the smallest digest, as hexadecimal text, comes first. Nobody can foresee the order before
the number is drawn, and everybody gets the same one after.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from voting_service.cut.ranking import Standing, Tie, in_decided_order, tie_at_line
from voting_service.errors import Fault, InvalidInput, Refused

TieRule = Literal["committee", "lot", "advance_all"]


class TieUndecided(Refused):
    """The line is tied and its rule has not been carried out."""

    def __init__(self, tie: Tie, rule: TieRule) -> None:
        numbers = ", ".join(str(number) for number in tie.numbers)
        action = (
            "record the committee's order with `decide-tie`"
            if rule == "committee"
            else "record the number drawn in public with `draw`"
        )
        action_zh = "组委会排定的次序" if rule == "committee" else "公开抽签的号码"
        super().__init__(
            f"{len(tie.numbers)} candidates with {tie.votes} votes each are tied for "
            f"{tie.places} of the last places: {numbers}; {action}, by two people",
            zh=f"{numbers} 号均为 {tie.votes} 票，争夺最后 {tie.places} 个名额："
            f"请先记录{action_zh}，由两人确认。",
        )
        self.tie = tie


class Selection(NamedTuple):
    """All standings, best first; the first `places` go on."""

    standings: tuple[Standing, ...]
    places: int

    @property
    def numbers(self) -> tuple[int, ...]:
        return tuple(standing.number for standing in self.standings[: self.places])


def check_order(order: Sequence[int], tie: Tie) -> None:
    """Raises InvalidInput unless `order` names each of the tied exactly once."""
    if tuple(sorted(order)) != tie.numbers:
        raise InvalidInput(
            Fault("order", f"must name each of {', '.join(map(str, tie.numbers))} exactly once")
        )


def select(
    standings: Sequence[Standing], size: int, rule: TieRule, order: Sequence[int] | None
) -> Selection:
    """Exactly `size` go on, or everybody when there are fewer; only `advance_all` may exceed it.

    `order` is the decided order of the tied, or None. Raises TieUndecided when it is needed
    and missing, InvalidInput when it is of other candidates.
    """
    tie = tie_at_line(standings, size)
    if tie is None:
        return Selection(tuple(standings), min(size, len(standings)))
    if rule == "advance_all":
        return Selection(tuple(standings), size - tie.places + len(tie.numbers))
    if order is None:
        raise TieUndecided(tie, rule)
    check_order(order, tie)
    return Selection(in_decided_order(standings, order), size)
