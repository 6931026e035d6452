"""Whether a person can still be recommended, said as soon as their ID number is typed.

A body learns it only of a whole, valid number, of at most forty people a day, and never which other
body recommends them; each first question is recorded in the audit log. At submission the database
decides anyway.
"""

from __future__ import annotations

from typing import NamedTuple

from voting_service.errors import Fault, InvalidInput
from voting_service.infrastructure.postgres.pool import domain_errors
from voting_service.nomination.actor import SelectionActor
from voting_service.nomination.recommendations.model import Recommendation, audit_subject
from voting_service.nomination.recommendations.repository import QUERIES

FIELD = "id_number"


class PersonCheck(NamedTuple):
    """What speaks against recommending a person, for the field of the ID number; `is_new` when the
    body sees it for the first time."""

    faults: tuple[Fault, ...]
    is_new: bool


async def check_person(actor: SelectionActor, recommendation: Recommendation) -> PersonCheck:
    """Return what speaks against the person of a draft or returned recommendation: an earlier win,
    or another recommendation of this selection. Nothing while the number is not valid."""
    try:
        person = actor.keys.person_hash(recommendation.form.id_number)
    except InvalidInput:
        return PersonCheck((), is_new=False)
    connection, selection = actor.connection, actor.selection
    with domain_errors():
        async with connection.transaction():
            answer = await connection.fetchval(
                QUERIES["take_person_lookup"], selection.id, recommendation.body_id, person
            )
            if answer == "too many":
                fault = Fault(FIELD, "nomination.recommendations.checked_at_submission")
                return PersonCheck((fault,), is_new=False)
            row = await connection.fetchrow(
                QUERIES["person_standing"],
                selection.id,
                recommendation.body_id,
                person,
                recommendation.id,
            )
            assert row is not None
            faults = []
            if row["won"]:
                faults.append(Fault(FIELD, "nomination.recommendations.earlier_winner"))
            if row["own"] is not None:
                code = "nomination.recommendations.recommended_by_yourselves"
                faults.append(Fault(FIELD, code, number=row["own"]))
            elif row["taken"]:
                faults.append(Fault(FIELD, "nomination.recommendations.recommended_elsewhere"))
            if answer == "new":
                codes = [fault.code.rpartition(".")[2] for fault in faults]
                await actor.record("person_checked", audit_subject(recommendation.id), found=codes)
    return PersonCheck(tuple(faults), is_new=answer == "new")
