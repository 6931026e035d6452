"""The result as it is signed and published: a pure function of the panel's outcome, so that the
approval can compute it again and compare the bytes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from voting_service.contests.model import Candidate
from voting_service.errors import Refused
from voting_service.nomination.awards.published_result import (
    FORMAT,
    PanelSummary,
    PublishedAward,
    PublishedCriterion,
    Removal,
    ResultDocument,
)
from voting_service.nomination.panel.model import Panel
from voting_service.nomination.panel.outcome import PanelOutcome, winners_and_nominees


def iso_utc(value: datetime) -> str:
    """Return a time as ISO 8601 in UTC."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def objections_end(panel: Panel, shown_from: datetime) -> datetime:
    """Return the end of the notice period, to the second."""
    whole = shown_from.replace(microsecond=0)
    return whole + timedelta(days=panel.selection.rules.notice_days)


class ResultVersion(NamedTuple):
    """What a version of the result holds besides the panel's outcome."""

    number: int
    cut_sha256: str
    objections_until: str
    removals: tuple[Removal, ...] = ()


def build_result(
    panel: Panel, outcome: PanelOutcome | None, version: ResultVersion
) -> ResultDocument:
    """Return the document of a version. Raises Refused before the panel has finished."""
    if outcome is None or outcome.order is None or panel.contest is None or panel.rules is None:
        raise Refused("nomination.awards.panel_not_finished")
    removed = frozenset(number for removal in version.removals for number in removal.numbers)
    winners, nominees = winners_and_nominees(panel, outcome.order, removed)
    candidates = {candidate.number: candidate for candidate in panel.contest.candidates}
    return ResultDocument(
        format=FORMAT,
        version=version.number,
        contest=panel.contest.slug,
        title=panel.selection.title,
        cut_sha256=version.cut_sha256,
        panel=PanelSummary(
            criteria=tuple(
                PublishedCriterion(c.name, c.weight, c.max_points) for c in panel.rules.criteria
            ),
            method=panel.rules.method,
            trim=panel.rules.trim,
            experts=len(outcome.present),
        ),
        winners=_awarded(candidates[number] for number in winners),
        nominees=_awarded(candidates[number] for number in nominees),
        objections_until=version.objections_until,
        left_out=version.removals,
        award=panel.selection.rules.award,
        year=panel.selection.year,
    )


def _awarded(candidates: Iterable[Candidate]) -> tuple[PublishedAward, ...]:
    return tuple(PublishedAward(c.number, c.name, c.trade, c.district) for c in candidates)
