"""What experts see of the candidates.

Experts see what is public, and from the recommendation the skills and deeds with personal data
masked, the qualification, and which pages of the evidence prove what. The evidence itself stays
with the joint office, which examined it: scanned certificates hold ID numbers that no program can
mask with certainty.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec

from voting_service.contests.model import Candidate
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.nomination.form.model import (
    Achievement,
    Qualification,
    RecommendationForm,
)
from voting_service.nomination.panel.model import (
    Panel,
)
from voting_service.nomination.panel.repository import QUERIES
from voting_service.nomination.privacy.disclosure import mask_personal_data
from voting_service.nomination.privacy.encryption import PersonalKeys
from voting_service.nomination.recommendations.model import Recommendation
from voting_service.nomination.recommendations.repository import load_recommendations


class ExpertCandidateView(Candidate, frozen=True):
    """A candidate as experts see them: no personal data beyond what is public."""

    skills: str = ""
    deeds: str = ""
    qualification: Qualification | None = None
    qualification_pages: str = ""
    achievements: tuple[Achievement, ...] = ()


async def load_recommended(
    connection: AnyConnection,
    keys: PersonalKeys,
    panel: Panel,
    only: Collection[int] | None = None,
) -> Mapping[int, Recommendation]:
    """Load the recommendations of the candidates in the cut, or of `only` these, by number.
    Candidates without a recommendation are left out."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["numbered_recommendations"], panel.selection.id)
    numbers_to_load = frozenset(panel.cut if only is None else only) & frozenset(panel.cut)
    numbers = {
        row["recommendation_id"]: row["number"] for row in rows if row["number"] in numbers_to_load
    }
    if not numbers:
        return {}
    recommended = await load_recommendations(connection, keys, panel.selection, ids=list(numbers))
    return {numbers[recommendation.id]: recommendation for recommendation in recommended}


def candidate_views(
    panel: Panel, recommended: Mapping[int, Recommendation]
) -> tuple[ExpertCandidateView, ...]:
    """Return every candidate of the cut, by number."""
    candidates = {} if panel.contest is None else {c.number: c for c in panel.contest.candidates}
    return tuple(_view(candidates[number], recommended.get(number)) for number in sorted(panel.cut))


def _view(candidate: Candidate, recommendation: Recommendation | None) -> ExpertCandidateView:
    form = RecommendationForm() if recommendation is None else recommendation.form
    return ExpertCandidateView(
        **msgspec.structs.asdict(candidate),
        skills=mask_personal_data(form.skills, form),
        deeds=mask_personal_data(form.deeds, form),
        qualification=form.qualification,
        qualification_pages=form.qualification_pages,
        achievements=form.achievements,
    )
