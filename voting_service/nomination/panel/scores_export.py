"""Everything that the standings are computed from, for anybody who recomputes them.

Points are given by candidate, sorted, so that no expert's sheet can be put together: a whole
sheet would reveal its expert by the candidates that a conflict of interest leaves out.
"""

from __future__ import annotations

from typing import Any

import msgspec

from voting_service.errors import Refused
from voting_service.infrastructure.postgres.pool import AnyConnection
from voting_service.nomination.panel.aggregation import PanelStanding
from voting_service.nomination.panel.model import DISCUSSION, SCORING, Panel, score_text
from voting_service.nomination.panel.outcome import (
    Sheets,
    final_sheets,
    final_standings,
    load_panel_outcome,
)
from voting_service.nomination.panel.repository import read_sheets
from voting_service.staff.actor import Actor


async def export_scores(actor: Actor, panel: Panel) -> dict[str, Any]:
    """Return the export for JSON; round 2 includes the experts who did not revise. Raises Refused
    while the first round is secret."""
    async with actor.connection.transaction():
        outcome = await load_panel_outcome(actor.connection, panel)
        if outcome is None or panel.rules is None:
            raise Refused("nomination.panel.scores_secret")
        rounds = {
            str(round_number): points_by_candidate(
                panel, await counted_sheets(actor.connection, panel, round_number)
            )
            for round_number in sorted(panel.ends)
        }
        await actor.record("exported", panel.selection.slug, "scores of the panel")
    return {
        "selection": panel.selection.slug,
        "cut": panel.cut,
        "rules": panel.rules,
        "rounds": rounds,
        "standings": [_standing(standing) for standing in final_standings(outcome)],
        "ties": [
            {
                "numbers": tie.tie.numbers,
                "ballots": tie.ballots,
                "order": tie.order,
                "by_public_vote": tie.by_public_vote,
            }
            for tie in outcome.resolved_ties
        ],
    }


async def counted_sheets(connection: AnyConnection, panel: Panel, round_number: int) -> Sheets:
    """Load the sheets that count after a round: in the second, also those not revised."""
    sheets = await read_sheets(connection, panel.selection, round_number)
    if round_number != DISCUSSION:
        return sheets
    return final_sheets(await read_sheets(connection, panel.selection, SCORING), sheets)


def points_by_candidate(panel: Panel, sheets: Sheets) -> dict[str, list[Any]]:
    """Return the points of each candidate, every list in an order of its own."""
    points: dict[str, list[Any]] = {}
    for account_id, content in sheets.items():
        for number, row in content.items():
            if int(number) not in panel.excluded(account_id):
                points.setdefault(number, []).append(row)
    return {
        number: sorted(points[number], key=lambda row: msgspec.json.encode(row, order="sorted"))
        for number in sorted(points, key=int)
    }


def _standing(standing: PanelStanding) -> dict[str, Any]:
    """The score as an exact fraction and rounded."""
    return {
        "place": standing.place,
        "number": standing.number,
        "score": str(standing.score),
        "rounded": score_text(standing.score),
        "judges": standing.judges,
    }
