"""The panel's outcome once the sheets are open: standings, ties, winners and nominees."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec

from voting_service.errors import Refused
from voting_service.infrastructure.postgres.pool import AnyConnection
from voting_service.nomination.panel.aggregation import (
    PanelRules,
    PanelStanding,
    PanelTie,
    equal_rank_sums,
    in_order,
    standings,
    tie_order,
    ties_at,
)
from voting_service.nomination.panel.model import (
    BALLOT,
    DISCUSSION,
    SCORING,
    Panel,
    ballot_order,
    sheet_totals,
)
from voting_service.nomination.panel.repository import read_sheets

Sheets = Mapping[int, Mapping[str, Any]]


class ResolvedTie(msgspec.Struct, frozen=True):
    """A tie and the order that its rank ballots gave it; those of `by_public_vote`, in groups with
    equal sums of ranks, follow the cut."""

    tie: PanelTie
    ballots: int
    order: tuple[int, ...]
    by_public_vote: tuple[tuple[int, ...], ...]


class PanelOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """`first` are the standings after round 1, `last` those that decide (None while secret).
    `order` holds every number, best first, once no tie is open. `present` are the accounts that
    submitted round 1."""

    first: tuple[PanelStanding, ...]
    last: tuple[PanelStanding, ...] | None = None
    ties: tuple[PanelTie, ...] = ()
    resolved_ties: tuple[ResolvedTie, ...] = ()
    order: tuple[int, ...] | None = None
    present: frozenset[int] = frozenset()


def final_sheets(first: Sheets, revised: Sheets) -> Sheets:
    """Return the sheets that count: those not revised as in the first round."""
    return {account: revised.get(account, content) for account, content in first.items()}


def compute_outcome(
    panel: Panel, first: Sheets, revised: Sheets | None, ballots: Sheets | None
) -> PanelOutcome:
    """Return the outcome of the rounds that are over; a round that is not is None. Pure."""
    assert panel.rules is not None
    opening = _standings(panel, panel.rules, first)
    present = frozenset(first)
    if not panel.scored:
        return PanelOutcome(first=opening, present=present)
    last = _standings(panel, panel.rules, final_sheets(first, revised or {}))
    ties = ties_at(last, panel.lines)
    if ties and ballots is None:
        return PanelOutcome(first=opening, last=last, ties=ties, present=present)
    resolved = tuple(_resolve(panel, tie, ballots or {}) for tie in ties)
    order = in_order(last, {frozenset(tie.order): tie.order for tie in resolved})
    return PanelOutcome(
        first=opening,
        last=last,
        ties=ties,
        resolved_ties=resolved,
        order=order,
        present=present,
    )


def _standings(panel: Panel, rules: PanelRules, sheets: Sheets) -> tuple[PanelStanding, ...]:
    totals = [
        sheet_totals(rules, content, panel.excluded(account)) for account, content in sheets.items()
    ]
    cut = frozenset(panel.cut)
    return standings(rules, [{n: v for n, v in sheet.items() if n in cut} for sheet in totals])


def _resolve(panel: Panel, tie: PanelTie, ballots: Sheets) -> ResolvedTie:
    """Return the order by the ballots of the experts who judge all of the tied."""
    orders = [
        order
        for account, ranks in ballots.items()
        if not panel.excluded(account) & set(tie.numbers)
        and (order := ballot_order(tie.numbers, ranks)) is not None
    ]
    order = tie_order(tie.numbers, orders, panel.cut)
    return ResolvedTie(tie, len(orders), order, equal_rank_sums(order, orders))


async def load_panel_outcome(connection: AnyConnection, panel: Panel) -> PanelOutcome | None:
    """Load the outcome so far; None while the first round is secret."""
    if panel.rules is None or SCORING not in panel.ends:
        return None
    first = await read_sheets(connection, panel.selection, SCORING)
    revised = ballots = None
    if DISCUSSION in panel.ends:
        revised = await read_sheets(connection, panel.selection, DISCUSSION)
    if BALLOT in panel.ends:
        ballots = await read_sheets(connection, panel.selection, BALLOT)
    return compute_outcome(panel, first, revised, ballots)


def winners_and_nominees(
    panel: Panel, order: Sequence[int], left_out: Collection[int] = ()
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return winners and nominees, each by number; `left_out` were removed by an upheld objection.
    Raises Refused when too few candidates were judged."""
    winners, last = panel.lines
    ranked = [number for number in order if number not in left_out]
    if len(ranked) < last:
        raise Refused(
            "nomination.panel.too_few_judged",
            judged=len(ranked),
            required=last,
        )
    return tuple(sorted(ranked[:winners])), tuple(sorted(ranked[winners:last]))


def final_standings(outcome: PanelOutcome) -> tuple[PanelStanding, ...]:
    """Return the standings in the order decided so far, best first. Equals share a place unless a
    ballot ordered them. Every page and document takes its places from here."""
    shown = outcome.last or outcome.first
    if outcome.order is None:
        return shown
    by_number = {standing.number: standing for standing in shown}
    by_ballot = {
        number: by_number[number].place + behind
        for resolved in outcome.resolved_ties
        for behind, number in enumerate(resolved.order)
    }
    return tuple(
        by_number[number]._replace(place=by_ballot.get(number, by_number[number].place))
        for number in outcome.order
    )


def open_ties(outcome: PanelOutcome | None) -> tuple[tuple[int, ...], ...]:
    """Return the groups of tied candidates that the tie-break ballot asks about."""
    if outcome is None or outcome.order is not None:
        return ()
    return tuple(dict.fromkeys(tie.numbers for tie in outcome.ties))


def current_round(panel: Panel, outcome: PanelOutcome | None) -> int | None:
    """Return the round that accepts sheets now; the tie-break ballot only with open ties."""
    round_number = panel.open_round
    return None if round_number == BALLOT and not open_ties(outcome) else round_number
