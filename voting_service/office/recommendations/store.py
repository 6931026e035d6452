"""Recommendations in Postgres: drafted, saved, submitted, withdrawn.

Forms, files and reasons go in sealed and come out opened. Places, deadline, persons and states
are the database's to keep (migrations/sql/0012_office.sql); what it refuses comes back as a
domain error.
"""

from __future__ import annotations

from datetime import date

import asyncpg

from voting_service.accounts.model import Account
from voting_service.errors import Fault, InvalidInput, Refused
from voting_service.journal.record import record
from voting_service.office.form import Form
from voting_service.office.model import Body, Selection, Slot
from voting_service.office.recommendations.model import (
    MAX_DRAFTS,
    EditedMeanwhile,
    File,
    Recommendation,
    RecommendedAlready,
    Verdict,
    subject_of,
)
from voting_service.office.recommendations.sealed_form import (
    file_label,
    review_label,
    seal_form,
    sealed_sha256,
)
from voting_service.office.sealing import PersonalKeys
from voting_service.office.validation import FormRules, faults
from voting_service.storage.postgres import AnyConnection, domain_errors
from voting_service.storage.queries import Queries

QUERIES = Queries(__package__)
PERSON_ONCE = "recommendations_person_once"


# Drafts


async def create_draft(
    connection: AnyConnection,
    keys: PersonalKeys,
    selection: Selection,
    *,
    body: Body,
    account: Account,
    form: Form | None = None,
) -> int:
    """The number of a new draft, empty unless `form` is given. Raises Refused when the body has
    too many."""
    sealed = seal_form(keys, body.id, selection.slug, form or Form())
    with domain_errors():
        async with connection.transaction():
            made: int | None = await connection.fetchval(
                QUERIES["insert_draft"], selection.id, body.id, sealed, account.id, MAX_DRAFTS
            )
            if made is None:
                raise Refused(
                    f"{MAX_DRAFTS} drafts are open already: go on with one of them",
                    zh=f"未提交的草稿已有{MAX_DRAFTS}份，请在现有草稿上填写。",
                )
            await record(
                connection, account.name, "recommendation_begun", contest=selection.slug,
                subject=subject_of(made), details={"body": body.slug},
            )  # fmt: skip
    return made


async def save_form(
    connection: AnyConnection,
    keys: PersonalKeys,
    selection: Selection,
    recommendation: Recommendation,
    *,
    form: Form,
    account: Account,
) -> int:
    """Puts `form` in the place of the one that was loaded; the new revision.

    Raises EditedMeanwhile when somebody else did since, Refused for what was submitted.
    """
    sealed = seal_form(keys, recommendation.body_id, selection.slug, form)
    with domain_errors():
        revision: int | None = await connection.fetchval(
            QUERIES["save_form"], recommendation.id, recommendation.revision, sealed, account.id
        )
    if revision is None:
        raise EditedMeanwhile
    return revision


async def attach_file(
    connection: AnyConnection,
    keys: PersonalKeys,
    selection: Selection,
    recommendation_id: int,
    *,
    slot: Slot,
    file: File,
    account: Account,
) -> None:
    """Puts an examined file into the slot, in the place of what was there. Raises Refused for
    what was submitted."""
    sealed = keys.seal(file_label(slot, recommendation_id), file.content)
    with domain_errors():
        async with connection.transaction():
            await connection.fetchrow(QUERIES["lock_recommendation"], recommendation_id)
            await connection.execute(QUERIES["replace_file"], recommendation_id, slot)
            await connection.execute(
                QUERIES["insert_file"], recommendation_id, slot, file.sha256, file.media_type,
                file.pages, sealed, account.id,
            )  # fmt: skip
            await record(
                connection, account.name, "file_attached", contest=selection.slug,
                subject=subject_of(recommendation_id),
                details={"slot": slot, "pages": file.pages, "sha256": file.sha256.hex()},
            )  # fmt: skip


async def remove_file(
    connection: AnyConnection,
    selection: Selection,
    recommendation_id: int,
    *,
    slot: Slot,
    account: Account,
) -> None:
    """Empties the slot, where something is in it. Raises Refused for what was submitted."""
    with domain_errors():
        async with connection.transaction():
            removed = await connection.fetchval(QUERIES["replace_file"], recommendation_id, slot)
            if removed is not None:
                await record(
                    connection, account.name, "file_removed", contest=selection.slug,
                    subject=subject_of(recommendation_id), details={"slot": slot},
                )  # fmt: skip


# What is handed in


async def submit(
    connection: AnyConnection,
    keys: PersonalKeys,
    selection: Selection,
    recommendation: Recommendation,
    account: Account,
    *,
    today: date,
) -> None:
    """Hands in what was loaded. `today` is the day in the selection's zone.

    Raises InvalidInput with everything that is missing or wrong, EditedMeanwhile, Refused for
    what the database refuses: deadline, places, earlier winners; RecommendedAlready when another
    recommendation holds the person, which both bodies see from then on.
    """
    wrong = submission_faults(selection, recommendation, today)
    if wrong:
        raise InvalidInput(*wrong)
    person_hash = keys.person_hash(recommendation.form.id_number)
    photo, evidence = recommendation.files["photo"], recommendation.files["evidence"]
    try:
        with domain_errors():
            async with connection.transaction():
                now = await connection.fetchrow(QUERIES["lock_recommendation"], recommendation.id)
                if now is None or now["revision"] != recommendation.revision:
                    raise EditedMeanwhile
                digest = sealed_sha256(keys, recommendation.body_id, selection.slug, now["form"])
                await connection.fetchval(
                    QUERIES["insert_submission"], recommendation.id, person_hash, digest,
                    photo.sha256, evidence.sha256, evidence.pages, account.id,
                )  # fmt: skip
                await record(
                    connection, account.name, "recommendation_submitted", contest=selection.slug,
                    subject=subject_of(recommendation.id),
                )  # fmt: skip
    except Refused as refusal:
        if _constraint_of(refusal) == PERSON_ONCE:
            await _note_conflict(connection, selection, recommendation, person_hash, account)
        raise


def submission_faults(
    selection: Selection, recommendation: Recommendation, today: date
) -> tuple[Fault, ...]:
    """Everything that keeps it from being submitted, in the form's order."""
    return faults(
        recommendation.form,
        FormRules(selection.rules.industries),
        evidence_pages=recommendation.evidence_pages,
        has_photo="photo" in recommendation.files,
        today=today,
    )


def _constraint_of(refusal: Refused) -> str | None:
    cause = refusal.__cause__
    return cause.constraint_name if isinstance(cause, asyncpg.PostgresError) else None


async def _note_conflict(
    connection: AnyConnection,
    selection: Selection,
    recommendation: Recommendation,
    person_hash: bytes,
    account: Account,
) -> None:
    """Raises RecommendedAlready, unless the other one let go of the person this moment."""
    with domain_errors():
        async with connection.transaction():
            holder = await connection.fetchrow(QUERIES["holder"], selection.id, person_hash)
            if holder is None:
                return
            is_new = await connection.fetchval(
                QUERIES["insert_conflict"], recommendation.id, holder["id"]
            )
            if is_new is not None:
                await record(
                    connection, account.name, "person_conflict", contest=selection.slug,
                    subject=subject_of(recommendation.id),
                    details={"held_by": subject_of(holder["id"])},
                )  # fmt: skip
    raise RecommendedAlready(holder["id"], holder["name"]["zh"], holder["name"]["en"])


async def review(
    connection: AnyConnection,
    keys: PersonalKeys,
    recommendation_id: int,
    *,
    verdict: Verdict,
    reason: str,
    account: Account,
) -> None:
    """Writes what becomes of a recommendation; the caller records it in the journal, in the same
    transaction. Raises Refused for what its state or the deadline does not allow."""
    sealed = keys.seal(review_label(recommendation_id), reason.encode())
    with domain_errors():
        await connection.execute(
            QUERIES["insert_review"], recommendation_id, verdict, sealed, account.id
        )


async def withdraw(
    connection: AnyConnection,
    keys: PersonalKeys,
    selection: Selection,
    recommendation_id: int,
    *,
    reason: str,
    account: Account,
) -> None:
    """Takes a submitted recommendation back; its place, and its person, are free again. Raises
    Refused after the deadline."""
    with domain_errors():
        async with connection.transaction():
            await review(
                connection,
                keys,
                recommendation_id,
                verdict="withdrawn",
                reason=reason,
                account=account,
            )
            await record(
                connection, account.name, "recommendation_withdrawn", contest=selection.slug,
                subject=subject_of(recommendation_id),
            )  # fmt: skip
