"""An expert's own score sheet: which round is open to them, what is saved, what is submitted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from voting_service.errors import Fault, Refused
from voting_service.infrastructure.postgres.pool import AnyConnection
from voting_service.nomination.panel.aggregation import Criterion, PanelRules
from voting_service.nomination.panel.model import (
    BALLOT,
    DISCUSSION,
    SCORING,
    Expert,
    Panel,
    SheetState,
    points_field,
    read_points,
    read_ranks,
    score_text,
    sheet_totals,
)
from voting_service.nomination.panel.outcome import current_round, load_panel_outcome, open_ties
from voting_service.nomination.panel.repository import SheetAccess, load_own_sheet, save_sheet
from voting_service.staff.actor import Actor


class OpenSheet(NamedTuple):
    """The sheet that is open to an expert; `ties` are those of the tie-break ballot in which the
    expert takes part."""

    panel: Panel
    expert: Expert
    round: int
    rules: PanelRules
    ties: tuple[tuple[int, ...], ...]

    @property
    def criteria(self) -> tuple[Criterion, ...]:
        """The criteria of the panel's rules."""
        return self.rules.criteria

    @property
    def judged(self) -> tuple[int, ...]:
        """The candidates whom the expert judges, by number."""
        return self.panel.judged_by(self.expert.account_id)

    @property
    def state(self) -> SheetState | None:
        """What of the sheet is not secret; None before it is first saved."""
        return self.panel.sheet(self.round, self.expert.account_id)

    @property
    def is_submitted(self) -> bool:
        """Whether the sheet is submitted, and no longer changes."""
        return self.state is not None and self.state.submitted_at is not None

    def scored(self, fields: Mapping[str, str]) -> frozenset[int]:
        """Return the candidates for whom a form's fields have points for every criterion."""
        content, _, _ = read_points(self.criteria, self.judged, fields)
        return frozenset(int(n) for n, row in content.items() if len(row) == len(self.criteria))

    def totals(self, fields: Mapping[str, str]) -> Mapping[int, str]:
        """Return the totals of the candidates with all their points, as they are read."""
        content, _, _ = read_points(self.criteria, self.judged, fields)
        whole = {number: content[str(number)] for number in self.scored(fields)}
        totals = sheet_totals(self.rules, {str(n): row for n, row in whole.items()}, ())
        return {number: score_text(value) for number, value in totals.items()}

    def access(self, token: str) -> SheetAccess:
        """Return the access to this sheet by the expert's session."""
        return SheetAccess(token, self.panel.selection, self.round)


def require_expert(panel: Panel, account_id: int) -> Expert:
    """Return the expert with this account. Raises Refused for an expert of another panel."""
    expert = panel.expert(account_id)
    if expert is None:
        raise Refused("nomination.panel.expert_of_another_selection")
    return expert


async def load_open_sheet(connection: AnyConnection, panel: Panel, account_id: int) -> OpenSheet:
    """Load which sheet is open to an expert. Raises Refused when none is."""
    sheet = await find_open_sheet(connection, panel, account_id)
    if sheet is None:
        raise Refused("nomination.panel.no_open_round")
    return sheet


async def find_open_sheet(
    connection: AnyConnection, panel: Panel, account_id: int
) -> OpenSheet | None:
    """Load which sheet is open to an expert; None when none is. Raises Refused for an expert of
    another panel."""
    outcome = await load_panel_outcome(connection, panel)
    round_number = current_round(panel, outcome)
    if round_number is None or panel.rules is None:
        return None
    expert = require_expert(panel, account_id)
    excluded = panel.excluded(account_id)
    ties = tuple(tie for tie in open_ties(outcome) if not excluded & set(tie))
    return OpenSheet(panel, expert, round_number, panel.rules, ties)


async def load_fields(connection: AnyConnection, sheet: OpenSheet, token: str) -> dict[str, str]:
    """Load the saved content as the form's fields. The second round starts with the points of the
    first."""
    access = sheet.access(token)
    content = await load_own_sheet(connection, access)
    if content is None and sheet.round == DISCUSSION:
        content = await load_own_sheet(connection, access._replace(round=SCORING))
    if sheet.round == BALLOT:
        return {f"rank-{number}": str(rank) for number, rank in (content or {}).items()}
    return {
        points_field(int(number), key): points
        for number, row in (content or {}).items()
        for key, points in row.items()
    }


def read_sheet(
    sheet: OpenSheet, fields: Mapping[str, str], *, submit: bool
) -> tuple[dict[str, Any], tuple[Fault, ...]]:
    """Return the content of a form and its faults; missing points are faults when the sheet is to
    be submitted."""
    if sheet.round == BALLOT:
        ranks, faults = read_ranks(sheet.ties, fields)
        return dict(ranks), faults
    content, wrong, missing = read_points(sheet.criteria, sheet.judged, fields)
    return dict(content), (*wrong, *missing) if submit else wrong


async def save_scores(
    actor: Actor, access: SheetAccess, content: Mapping[str, Any], *, submit: bool
) -> datetime:
    """Save a draft, or submit the sheet; returns when it was saved. Candidates who are not in
    `content` keep their points. Only a submission is recorded in the audit log. Raises Refused."""
    async with actor.connection.transaction():
        saved_at = await save_sheet(actor.connection, access, content, submit=submit)
        if submit:
            await actor.record(
                "scores_submitted", access.selection.slug, f"panel, round {access.round}"
            )
    return saved_at
