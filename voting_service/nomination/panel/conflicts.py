"""Conflicts of interest: found by comparison, or declared by the expert.

An expert does not score the candidates with whom there is a conflict; the database refuses it.
"""

from __future__ import annotations

from collections.abc import Mapping

from voting_service.errors import Fault, InvalidInput
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.nomination.model import Selection
from voting_service.nomination.panel.model import ConflictGround, Expert, Panel, same_employer
from voting_service.nomination.panel.repository import QUERIES
from voting_service.nomination.privacy.encryption import PersonalKeys
from voting_service.nomination.recommendations.model import Recommendation

MAX_REASON_CHARACTERS = 200


def find_conflicts(
    expert: Expert, recommended: Mapping[int, Recommendation]
) -> Mapping[int, ConflictGround]:
    """Return the candidates whom an expert may not judge, because the employer or the
    recommending body is the same."""
    conflicts: dict[int, ConflictGround] = {}
    for number, recommendation in recommended.items():
        if expert.body_id is not None and expert.body_id == recommendation.body_id:
            conflicts[number] = "body"
        elif same_employer(expert.employer, recommendation.form.employer):
            conflicts[number] = "employer"
    return conflicts


def reason_label(account_id: int, number: int) -> str:
    """Return the label of the reason of a conflict."""
    return f"conflict of expert {account_id} with candidate {number}"


def encrypt_reason(keys: PersonalKeys, account_id: int, number: int, reason: str) -> bytes:
    """Encrypt why an expert does not judge a candidate. Raises InvalidInput for its length."""
    reason = reason.strip()
    if len(reason) > MAX_REASON_CHARACTERS or not reason.isprintable():
        raise InvalidInput(
            Fault("reason", "nomination.panel.reason_length", limit=MAX_REASON_CHARACTERS)
        )
    return keys.encrypt(reason_label(account_id, number), reason.encode())


def decrypt_reasons(keys: PersonalKeys, panel: Panel, account_id: int) -> Mapping[int, str]:
    """Return the reasons that an expert declared, by the candidate's number."""
    return {
        conflict.number: keys.decrypt(
            reason_label(account_id, conflict.number), conflict.reason
        ).decode()
        for conflict in panel.conflicts
        if conflict.account_id == account_id and conflict.reason is not None
    }


async def insert_detected_conflicts(
    connection: AnyConnection, expert: Expert, conflicts: Mapping[int, ConflictGround]
) -> None:
    """Store conflicts found by comparison; known ones stay as they are."""
    with domain_errors():
        await connection.execute(
            QUERIES["insert_detected_conflicts"],
            expert.account_id,
            list(conflicts),
            list(conflicts.values()),
        )


async def insert_declared_conflict(
    connection: AnyConnection, token: str, selection: Selection, number: int, reason: bytes | None
) -> None:
    """Store a conflict declared by the expert of the session `token`, with its encrypted reason.
    Raises Refused once the scores are open or for a number that is no candidate."""
    with domain_errors():
        await connection.execute(QUERIES["declare_conflict"], token, selection.id, number, reason)


async def end_declared_conflict(
    connection: AnyConnection, token: str, selection: Selection, number: int
) -> None:
    """End a conflict that the expert of the session `token` declared. Raises Refused once the
    scores are open or the sheet is submitted, and where the expert declared none."""
    with domain_errors():
        await connection.execute(QUERIES["withdraw_conflict"], token, selection.id, number)
