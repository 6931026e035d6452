"""What officers do with recommendations: create, save, attach files, submit, withdraw.

Quota, deadline, "each person once" and the allowed states are enforced by the database
(migrations/schema/nomination/recommendations.sql); a violation is raised as a domain error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import NamedTuple

import asyncpg
import msgspec

from voting_service.errors import Fault, InvalidInput, NotFound, Refused
from voting_service.infrastructure.postgres.pool import domain_errors
from voting_service.nomination.actor import SelectionActor
from voting_service.nomination.form.model import RecommendationForm
from voting_service.nomination.form.text_length import count_characters
from voting_service.nomination.form.validation import STAMPED_PAGES, FormRules, faults
from voting_service.nomination.model import RecommendingBody, Selection, Slot
from voting_service.nomination.recommendations.form_encryption import (
    decrypt_form,
    encrypted_form_sha256,
    printed_sha256,
)
from voting_service.nomination.recommendations.model import (
    MAX_DRAFTS,
    AlreadyRecommended,
    EditConflict,
    File,
    Recommendation,
    Submission,
    audit_subject,
)
from voting_service.nomination.recommendations.repository import (
    clear_slot,
    delete_draft_rows,
    find_holder,
    insert_conflict,
    insert_draft,
    insert_file,
    insert_review,
    insert_submission,
    load_drafts,
    load_recommendation,
    load_recommendations,
    load_submissions,
    load_submitted_file,
    lock_recommendation,
    update_form,
)

MAX_REASON_CHARACTERS = 500
MAX_SAVE_ATTEMPTS = 3
PERSON_ONCE = "recommendations_person_once"
"""The constraint that a person is recommended once."""


class StepChange(NamedTuple):
    """What an officer posted of one step of the form. `change` returns the form with the step's
    values and raises EditConflict when the step was changed since its page was loaded."""

    change: Callable[[RecommendationForm], RecommendationForm]
    removed_file: Slot | None
    new_files: Mapping[Slot, File]


# Viewing


async def view_recommendations(
    actor: SelectionActor, body: RecommendingBody
) -> tuple[Recommendation, ...]:
    """Return every recommendation of a body, newest last, and record that they were viewed."""
    recommendations = await load_recommendations(
        actor.connection, actor.keys, actor.selection, body=body
    )
    if recommendations:
        await actor.record("viewed", f"recommendations of {body.slug}")
    return recommendations


async def record_view(actor: SelectionActor, recommendation_id: int, what: str = "form") -> None:
    """Record that a form or a file was viewed."""
    await actor.record("viewed", audit_subject(recommendation_id), what=what)


async def view_file(actor: SelectionActor, recommendation_id: int, slot: Slot) -> File:
    """Return an attached file and record that it was viewed. Raises NotFound."""
    file = await load_submitted_file(actor.connection, actor.keys, recommendation_id, slot)
    await record_view(actor, recommendation_id, slot)
    return file


async def view_receipt(
    actor: SelectionActor, recommendation: Recommendation
) -> tuple[Submission, ...]:
    """Return every submission, oldest first, and record the view. Raises NotFound before the
    first submission."""
    submissions = await load_submissions(
        actor.connection, actor.keys, actor.selection, recommendation
    )
    if not submissions:
        raise NotFound("nomination.recommendations.no_receipt")
    await record_view(actor, recommendation.id, "receipt")
    return submissions


async def export_form(
    actor: SelectionActor, recommendation: Recommendation
) -> tuple[File | None, tuple[Submission, ...]]:
    """Return what the printed form needs, photo and submissions, and record the export."""
    submissions = await load_submissions(
        actor.connection, actor.keys, actor.selection, recommendation
    )
    photo = None
    if "photo" in recommendation.files:
        photo = await load_submitted_file(actor.connection, actor.keys, recommendation.id, "photo")
    await actor.record("exported", audit_subject(recommendation.id), what="printed form")
    return photo, submissions


# Drafts


async def create_draft(
    actor: SelectionActor, body: RecommendingBody, form: RecommendationForm | None = None
) -> int:
    """Create a draft, empty unless `form` is given, and return its number. Raises Refused when
    the body has MAX_DRAFTS drafts."""
    with domain_errors():
        async with actor.connection.transaction():
            number = await insert_draft(actor, body, form or RecommendationForm())
            if number is None:
                raise Refused("nomination.recommendations.too_many_drafts", max_drafts=MAX_DRAFTS)
            await actor.record("recommendation_begun", audit_subject(number), body=body.slug)
    return number


async def delete_draft(actor: SelectionActor, recommendation_id: int) -> None:
    """Delete a draft, its form and its files for good. Raises Refused for what was submitted: that
    is withdrawn."""
    with domain_errors():
        async with actor.connection.transaction():
            await delete_draft_rows(actor, recommendation_id)
            await actor.record("recommendation_deleted", audit_subject(recommendation_id))


async def copy_withdrawn(
    actor: SelectionActor, body: RecommendingBody, withdrawn: Recommendation
) -> int:
    """Create a draft with the form and the files of a withdrawn recommendation and return its
    number. Raises Refused for any other, and when the body has MAX_DRAFTS drafts."""
    if withdrawn.state != "withdrawn":
        raise Refused("nomination.recommendations.only_withdrawn_are_copied")
    with domain_errors():
        async with actor.connection.transaction():
            number = await create_draft(actor, body, withdrawn.form)
            for slot in withdrawn.files:
                file = await load_submitted_file(actor.connection, actor.keys, withdrawn.id, slot)
                await insert_file(actor, number, slot, file)
            await record_view(actor, withdrawn.id, "copied")
    return number


async def save_step(
    actor: SelectionActor, body: RecommendingBody, recommendation_id: int, step: StepChange
) -> Recommendation:
    """Save one step of a form and its files, and return the recommendation as stored.

    When another step is saved at the same time, the change is applied to the newer form. Raises
    EditConflict after the files are saved, Refused for a submitted recommendation, NotFound.
    """
    if step.removed_file is not None:
        await remove_file(actor, recommendation_id, step.removed_file)
    for slot, file in step.new_files.items():
        await attach_file(actor, recommendation_id, slot, file)
    for _ in range(MAX_SAVE_ATTEMPTS):
        recommendation = await load_recommendation(
            actor.connection, actor.keys, actor.selection, recommendation_id, body=body
        )
        form = step.change(recommendation.form)
        if form == recommendation.form:
            return recommendation
        revision = await update_form(actor, recommendation, form)
        if revision is not None:
            return msgspec.structs.replace(recommendation, form=form, revision=revision)
    raise EditConflict


async def save_form(
    actor: SelectionActor, recommendation: Recommendation, form: RecommendationForm
) -> int:
    """Replace the form that was loaded and return the new revision. Raises EditConflict when it
    was saved since, Refused for a submitted recommendation."""
    revision = await update_form(actor, recommendation, form)
    if revision is None:
        raise EditConflict
    return revision


async def attach_file(
    actor: SelectionActor, recommendation_id: int, slot: Slot, file: File
) -> None:
    """Store an examined file in its slot, replacing the one there. Raises Refused for a submitted
    recommendation."""
    with domain_errors():
        async with actor.connection.transaction():
            stored = await lock_recommendation(actor.connection, recommendation_id)
            await clear_slot(actor.connection, recommendation_id, slot)
            printed = None
            if stored is not None and slot in STAMPED_PAGES:
                form = decrypt_form(actor.keys, stored.body_id, actor.selection.slug, stored.form)
                printed = printed_sha256(form)
            await insert_file(actor, recommendation_id, slot, file, printed)
            await actor.record(
                "file_attached",
                audit_subject(recommendation_id),
                slot=slot,
                pages=file.pages,
                sha256=file.sha256.hex(),
            )


async def remove_file(actor: SelectionActor, recommendation_id: int, slot: Slot) -> None:
    """Empty a slot. Raises Refused for a submitted recommendation."""
    with domain_errors():
        async with actor.connection.transaction():
            if await clear_slot(actor.connection, recommendation_id, slot):
                await actor.record("file_removed", audit_subject(recommendation_id), slot=slot)


# Submissions


async def submit(actor: SelectionActor, recommendation: Recommendation) -> None:
    """Submit the form and files that were loaded.

    Raises InvalidInput with everything missing or wrong, EditConflict, Refused for what the
    database refuses (deadline, quota, earlier winners), and AlreadyRecommended when another
    recommendation has the person; both bodies see that conflict from then on.
    """
    wrong = submission_faults(actor.selection, recommendation, actor.today)
    if wrong:
        raise InvalidInput(*wrong)
    person_hash = actor.keys.person_hash(recommendation.form.id_number)
    try:
        with domain_errors():
            async with actor.connection.transaction():
                stored = await lock_recommendation(actor.connection, recommendation.id)
                if stored is None or stored.revision != recommendation.revision:
                    raise EditConflict
                form_sha256 = encrypted_form_sha256(
                    actor.keys, recommendation.body_id, actor.selection.slug, stored.form
                )
                await insert_submission(actor, recommendation, person_hash, form_sha256)
                await actor.record("recommendation_submitted", audit_subject(recommendation.id))
    except Refused as error:
        if _constraint_name(error) == PERSON_ONCE:
            await _report_conflict(actor, recommendation, person_hash)
        raise


def submission_faults(
    selection: Selection, recommendation: Recommendation, today: date
) -> tuple[Fault, ...]:
    """Return every fault that prevents submission, in the form's order."""
    return faults(
        recommendation.form,
        FormRules(selection.rules.industries),
        evidence_pages=recommendation.evidence_pages,
        attached=recommendation.files,
        today=today,
    )


async def check_drafts(actor: SelectionActor) -> Mapping[int, list[bool]]:
    """Return of every draft whether it could be submitted, by body; nobody sees what is in it."""
    drafts: dict[int, list[bool]] = {}
    for draft in await load_drafts(actor.connection, actor.keys, actor.selection):
        is_complete = not submission_faults(actor.selection, draft, actor.today)
        drafts.setdefault(draft.body_id, []).append(is_complete)
    return drafts


def _constraint_name(error: Refused) -> str | None:
    cause = error.__cause__
    return cause.constraint_name if isinstance(cause, asyncpg.PostgresError) else None


async def _report_conflict(
    actor: SelectionActor, recommendation: Recommendation, person_hash: bytes
) -> None:
    """Store the conflict and raise AlreadyRecommended, unless the other recommendation has just
    been withdrawn."""
    with domain_errors():
        async with actor.connection.transaction():
            holder = await find_holder(actor.connection, actor.selection, person_hash)
            if holder is None:
                return
            if await insert_conflict(actor.connection, recommendation.id, holder.id):
                await actor.record(
                    "person_conflict",
                    audit_subject(recommendation.id),
                    held_by=audit_subject(holder.id),
                )
    raise AlreadyRecommended(holder.id, holder.body)


async def withdraw(actor: SelectionActor, recommendation_id: int, reason: str) -> None:
    """Withdraw a submitted recommendation; its place and its person are free again. Raises
    InvalidInput without a reason, Refused after the deadline."""
    reason = reason.strip()
    if not 1 <= count_characters(reason) <= MAX_REASON_CHARACTERS:
        raise InvalidInput(
            Fault(
                "reason",
                "nomination.recommendations.withdrawal_reason_length",
                limit=MAX_REASON_CHARACTERS,
            )
        )
    with domain_errors():
        async with actor.connection.transaction():
            await insert_review(actor, recommendation_id, "withdrawn", reason)
            await actor.record("recommendation_withdrawn", audit_subject(recommendation_id))
