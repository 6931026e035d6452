"""What the sheets say together, once they may be read: standings, ties, winners and nominees."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec

from voting_service.errors import Refused
from voting_service.office.panel.aggregation import (
    PanelRules,
    Standing,
    Tie,
    in_order,
    standings,
    tie_order,
    ties_at,
)
from voting_service.office.panel.model import (
    BALLOT,
    DISCUSSION,
    SCORING,
    Panel,
    ballot_of,
    totals_of,
)
from voting_service.office.panel.store import read_sheets
from voting_service.storage.postgres import AnyConnection

Sheets = Mapping[int, Mapping[str, Any]]


class SettledTie(msgspec.Struct, frozen=True):
    """A tie and the order that `ballots` rank ballots, and the cut behind them, gave it."""

    tie: Tie
    ballots: int
    order: tuple[int, ...]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """`first` are the standings after round 1, `last` those that decide (None while they are
    sealed); `order` is everybody, best first, once no tie is open."""

    first: tuple[Standing, ...]
    last: tuple[Standing, ...] | None = None
    ties: tuple[Tie, ...] = ()
    settled: tuple[SettledTie, ...] = ()
    order: tuple[int, ...] | None = None
    present: frozenset[int] = frozenset()


def final_sheets(first: Sheets, revised: Sheets) -> Sheets:
    """Whoever did not revise is counted as in the first round."""
    return {account: revised.get(account, content) for account, content in first.items()}


def outcome(panel: Panel, first: Sheets, revised: Sheets | None, ballots: Sheets | None) -> Outcome:
    """From the sheets of the rounds that are over; None for one that is not. Pure."""
    assert panel.rules is not None
    opening = _standings(panel, panel.rules, first)
    present = frozenset(first)
    if not panel.scored:
        return Outcome(first=opening, present=present)
    last = _standings(panel, panel.rules, final_sheets(first, revised or {}))
    ties = ties_at(last, panel.lines)
    if ties and ballots is None:
        return Outcome(first=opening, last=last, ties=ties, present=present)
    settled = tuple(_settle(panel, tie, ballots or {}) for tie in ties)
    order = in_order(last, {frozenset(one.order): one.order for one in settled})
    return Outcome(
        first=opening, last=last, ties=ties, settled=settled, order=order, present=present
    )


def _standings(panel: Panel, rules: PanelRules, sheets: Sheets) -> tuple[Standing, ...]:
    totals = [
        totals_of(rules, content, panel.excluded(account)) for account, content in sheets.items()
    ]
    cut = frozenset(panel.cut)
    return standings(rules, [{n: v for n, v in sheet.items() if n in cut} for sheet in totals])


def _settle(panel: Panel, tie: Tie, ballots: Sheets) -> SettledTie:
    """By the ballots of those who judge every one of the tied."""
    orders = [
        order
        for account, ranks in ballots.items()
        if not panel.excluded(account) & set(tie.numbers)
        and (order := ballot_of(tie.numbers, ranks)) is not None
    ]
    return SettledTie(tie, len(orders), tie_order(tie.numbers, orders, panel.cut))


async def load_outcome(connection: AnyConnection, panel: Panel) -> Outcome | None:
    """None while the first round is sealed."""
    if panel.rules is None or SCORING not in panel.ends:
        return None
    first = await read_sheets(connection, panel.selection, SCORING)
    revised = ballots = None
    if DISCUSSION in panel.ends:
        revised = await read_sheets(connection, panel.selection, DISCUSSION)
    if BALLOT in panel.ends:
        ballots = await read_sheets(connection, panel.selection, BALLOT)
    return outcome(panel, first, revised, ballots)


def winners_and_nominees(
    panel: Panel, order: Sequence[int], left_out: Collection[int] = ()
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """By number, as they are announced; `left_out` are those whom an upheld objection removed.
    Raises Refused when too few were judged."""
    winners, last = panel.lines
    ranked = [number for number in order if number not in left_out]
    if len(ranked) < last:
        raise Refused(
            f"only {len(ranked)} candidates were judged, {last} are to be named: appoint experts "
            "without a conflict of interest for the others",
            zh=f"只有 {len(ranked)} 名候选人有评分，而应确定 {last} 名：请另聘无须回避的专家评审。",
        )
    return tuple(sorted(ranked[:winners])), tuple(sorted(ranked[winners:last]))


def open_ties(found: Outcome | None) -> tuple[tuple[int, ...], ...]:
    """The groups that the ballot asks about, each once."""
    if found is None or found.order is not None:
        return ()
    return tuple(dict.fromkeys(tie.numbers for tie in found.ties))
