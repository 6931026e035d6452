"""The result as it is signed and published. A pure function of what the panel decided: whoever
approves it computes it again and must get the same bytes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from voting_service.contests.awards import (
    FORMAT,
    Awarded,
    LeftOut,
    ResultDocument,
    Weighed,
)
from voting_service.contests.awards import Panel as PanelFacts
from voting_service.contests.model import Candidate
from voting_service.errors import Refused
from voting_service.office.panel.model import Panel
from voting_service.office.panel.outcome import Outcome, winners_and_nominees


def moment(value: datetime) -> str:
    """ISO 8601 in UTC."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def objections_end(panel: Panel, shown_from: datetime) -> datetime:
    """The end of the notice period, to the second."""
    whole = shown_from.replace(microsecond=0)
    return whole + timedelta(days=panel.selection.rules.notice_days)


def result_document(
    panel: Panel,
    outcome: Outcome | None,
    *,
    version: int,
    cut_sha256: str,
    objections_until: str,
    left_out: tuple[LeftOut, ...] = (),
) -> ResultDocument:
    """Raises Refused while the panel has not finished."""
    if outcome is None or outcome.order is None or panel.contest is None or panel.rules is None:
        raise Refused(
            "the panel has not finished scoring, or a tie is open; a result comes after",
            zh="评审尚未结束，或并列尚未表决，不能确定结果。",
        )
    gone = frozenset(number for one in left_out for number in one.numbers)
    winners, nominees = winners_and_nominees(panel, outcome.order, gone)
    candidates = {one.number: one for one in panel.contest.candidates}
    return ResultDocument(
        format=FORMAT,
        version=version,
        contest=panel.contest.slug,
        title=panel.selection.title,
        cut_sha256=cut_sha256,
        panel=PanelFacts(
            criteria=tuple(Weighed(c.name, c.weight, c.max_points) for c in panel.rules.criteria),
            method=panel.rules.method,
            trim=panel.rules.trim,
            experts=len(outcome.present),
        ),
        winners=_awarded(candidates[number] for number in winners),
        nominees=_awarded(candidates[number] for number in nominees),
        objections_until=objections_until,
        left_out=left_out,
    )


def _awarded(candidates: Iterable[Candidate]) -> tuple[Awarded, ...]:
    return tuple(Awarded(c.number, c.name, c.trade, c.district) for c in candidates)
