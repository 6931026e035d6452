"""The form as PDF, for officers and for the joint office."""

from __future__ import annotations

from functools import partial

from voting_service.infrastructure.typesetting.compiler import in_background
from voting_service.nomination.actor import SelectionActor
from voting_service.nomination.documents.recommendation_form import (
    RecommendationSheet,
    SubmissionReceipt,
    render_recommendation_form,
)
from voting_service.nomination.form.validation import STAMPED_PAGES, FormRules, draft_faults
from voting_service.nomination.model import RecommendingBody
from voting_service.nomination.recommendations.model import (
    Recommendation,
    Submission,
    audit_subject,
)
from voting_service.nomination.recommendations.repository import load_submissions
from voting_service.nomination.recommendations.service import export_form, submission_faults
from voting_service.nomination.review.joint_office_opinions import load_joint_office_opinion
from voting_service.nomination.review.repository import (
    SubmittedRecommendation,
    load_submitted_file,
)

_OPINIONS = ("employer_opinion", "body_opinion", *STAMPED_PAGES)


async def load_sheet(
    actor: SelectionActor, body: RecommendingBody, recommendation: Recommendation
) -> RecommendationSheet:
    """Return what is printed, and record the export: a draft as it is now, otherwise the form as it
    was last submitted, with its receipt and the joint office's opinion."""
    photo, submissions = await export_form(actor, recommendation)
    is_editable = recommendation.is_editable
    return RecommendationSheet(
        rules=actor.selection.rules,
        form=recommendation.form if is_editable else submissions[-1].form,
        body=body.name.zh,
        photo=photo.content if photo else None,
        receipt=None if is_editable else _receipt(actor, submissions[-1]),
        is_incomplete=is_unfit_for_stamping(actor, recommendation),
        is_withdrawn=recommendation.state == "withdrawn",
        joint_office_opinion=await load_joint_office_opinion(actor, recommendation.id),
    )


async def load_submitted_sheet(
    actor: SelectionActor, submitted: SubmittedRecommendation
) -> RecommendationSheet:
    """Return what is printed for the joint office, which sees what was last submitted and no draft
    of a correction, and record the export."""
    submissions = await load_submissions(actor.connection, actor.keys, actor.selection, submitted)
    photo = await load_submitted_file(actor.connection, actor.keys, submitted.id, "photo")
    await actor.record("exported", audit_subject(submitted.id), what="printed form")
    return RecommendationSheet(
        rules=actor.selection.rules,
        form=submitted.form,
        body=submitted.body.name.zh,
        photo=photo.content,
        receipt=_receipt(actor, submissions[-1]),
        is_withdrawn=submitted.state == "withdrawn",
        joint_office_opinion=await load_joint_office_opinion(actor, submitted.id),
    )


def is_unfit_for_stamping(actor: SelectionActor, recommendation: Recommendation) -> bool:
    """Return whether a draft should not be stamped yet: something is wrong, or lacks other than the
    opinions, for which it is printed and which come with the stamps."""
    if not recommendation.is_editable:
        return False
    wrong = draft_faults(
        recommendation.form,
        FormRules(actor.selection.rules.industries),
        evidence_pages=recommendation.evidence_pages,
        today=actor.today,
    )
    faults = submission_faults(actor.selection, recommendation, actor.today)
    return bool(wrong) or any(not fault.field.startswith(_OPINIONS) for fault in faults)


def _receipt(actor: SelectionActor, last: Submission) -> SubmissionReceipt:
    return SubmissionReceipt(
        number=last.number(actor.selection.slug),
        received_at=last.submitted_at,
        sha256=last.form_sha256.hex(),
    )


async def print_sheet(sheet: RecommendationSheet) -> bytes:
    """Return the PDF. Raises MissingGlyphs."""
    return await in_background(partial(render_recommendation_form, sheet))
