"""What experts see of those they judge, and whom they may not judge.

They see what citizens see, and from the recommendation the skills and deeds with every trace of
personal data masked, the qualification, and which pages of the evidence show what. The evidence
itself stays with the joint office, which examined it: scanned certificates carry ID numbers that
no program can mask with certainty.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from voting_service.contests.model import Candidate, Text
from voting_service.office.disclosure import masked
from voting_service.office.form import Achievement, Form, Qualification
from voting_service.office.panel.model import Expert, Ground, Panel, same_employer
from voting_service.office.panel.store import QUERIES
from voting_service.office.recommendations.model import Recommendation
from voting_service.office.recommendations.reading import load_recommendations
from voting_service.office.sealing import PersonalKeys
from voting_service.storage.postgres import AnyConnection, domain_errors


class Judged(msgspec.Struct, frozen=True):
    """A candidate in an expert's eyes; no part of it is personal data beyond what is public."""

    number: int
    name: Text
    trade: Text
    district: Text
    summary: Text
    story: Text
    skills: str = ""
    deeds: str = ""
    qualification: Qualification | None = None
    qualification_pages: str = ""
    achievements: tuple[Achievement, ...] = ()


async def load_recommended(
    connection: AnyConnection, keys: PersonalKeys, panel: Panel
) -> Mapping[int, Recommendation]:
    """The recommendations behind the candidates of the cut, by number; nobody is in it who came
    into the vote by another way."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["picked"], panel.selection.id)
    numbers = {row["recommendation_id"]: row["number"] for row in rows}
    if not numbers:
        return {}
    return {
        numbers[one.id]: one
        for one in await load_recommendations(connection, keys, panel.selection)
        if numbers.get(one.id) in panel.cut
    }


def judged(panel: Panel, recommended: Mapping[int, Recommendation]) -> tuple[Judged, ...]:
    """Everybody of the cut, by number."""
    candidates = {} if panel.contest is None else {c.number: c for c in panel.contest.candidates}
    return tuple(
        _judged(candidates[number], recommended.get(number)) for number in sorted(panel.cut)
    )


def _judged(candidate: Candidate, found: Recommendation | None) -> Judged:
    form = Form() if found is None else found.form
    return Judged(
        number=candidate.number,
        name=candidate.name,
        trade=candidate.trade,
        district=candidate.district,
        summary=candidate.summary,
        story=candidate.story,
        skills=masked(form.skills, form),
        deeds=masked(form.deeds, form),
        qualification=form.qualification,
        qualification_pages=form.qualification_pages,
        achievements=form.achievements,
    )


def matches(expert: Expert, recommended: Mapping[int, Recommendation]) -> Mapping[int, Ground]:
    """Whom an expert may not judge, because the employer or the recommending body is the
    same."""
    found: dict[int, Ground] = {}
    for number, one in recommended.items():
        if expert.body_id is not None and expert.body_id == one.body_id:
            found[number] = "body"
        elif same_employer(expert.employer, one.form.employer):
            found[number] = "employer"
    return found
