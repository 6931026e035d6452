"""The page of a step: fields and files with what is wrong with them, and what each step lacks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from voting_service.errors import Fault
from voting_service.i18n.catalogues import load_catalogue
from voting_service.i18n.text import Language
from voting_service.nomination.files import photo
from voting_service.nomination.files.model import MAX_FILE_BYTES
from voting_service.nomination.form.industries import KEY_CHAINS
from voting_service.nomination.form.notes import notes
from voting_service.nomination.form.text_length import count_characters
from voting_service.nomination.form.validation import OPTIONAL, FormRules, draft_faults
from voting_service.nomination.model import Slot
from voting_service.nomination.recommendations.form_encryption import outdated_stamps
from voting_service.nomination.recommendations.service import submission_faults
from voting_service.sites.nomination.recommendations.context import (
    RecommendationContext,
    fault_sentence,
)
from voting_service.sites.nomination.recommendations.form_steps import (
    ACHIEVEMENTS,
    FIELDS,
    QUALIFICATIONS,
    SEXES,
    SLOTS,
    STEPS,
    Step,
    Values,
    apply_values,
    page_field,
    posted_values,
    step_values,
    values_fingerprint,
)
from voting_service.sites.nomination.recommendations.open_tasks import (
    OpenTask,
    open_tasks,
    tasks_by_step,
)
from voting_service.sites.nomination.recommendations.printed_form import is_unfit_for_stamping
from voting_service.sites.shared.security_headers import content_security_policy
from voting_service.sites.shared.signed_in.cookies import language
from voting_service.sites.shared.signed_in.rendering import page

_PICTURES = ".jpg,.jpeg,.jfif,.png,.heic,.heif,.avif,.webp,.bmp,.tif,.tiff,.gif"
ACCEPTED: Mapping[Slot, str] = {
    "photo": f"image/*,{_PICTURES}",
    "evidence": f".pdf,.docx,.doc,.wps,image/*,{_PICTURES}",
    "employer_scan": f".pdf,image/*,{_PICTURES}",
    "body_scan": f".pdf,image/*,{_PICTURES}",
}
"""What the browser's file dialogue offers; files are taken by their content."""
MAX_BYTES_TOGETHER = 45 * 2**20
"""Of the files of one post; leaves room for its fields within MAX_BODY_BYTES of uploads.py."""
HINT_VALUES = {
    **photo.SIZES,
    "file_mb": MAX_FILE_BYTES // 2**20,
    "together_mb": MAX_BYTES_TOGETHER // 2**20,
}
"""What the hints of files state."""
_POLICY = content_security_policy({"img-src": ("blob:",)})
"""The script shows the chosen photo, to crop it."""


class RejectedPost(NamedTuple):
    """A posted step that needs correcting: its values, what is wrong with them, and the fields that
    were changed in another window too."""

    values: Values
    faults: tuple[Fault, ...]
    conflicts: frozenset[str]


def put_back(request: Request, context: RecommendationContext, step: Step) -> RecommendationContext:
    """Return the context with what was kept of this step since the session ended, which the page
    shows instead of what is stored."""
    for kept in getattr(request.state, "kept_posts", ()):
        if kept.path == f"{context.path}/steps/{step}":
            recommendation = context.recommendation
            values = posted_values(step, kept.fields)
            form, _ = apply_values(
                recommendation.form, step, values, context.selection.rules.industries
            )
            recommendation = msgspec.structs.replace(recommendation, form=form)
            return msgspec.structs.replace(context, recommendation=recommendation)
    return context


def faults_by_field(
    request: Request, context: RecommendationContext, step: Step, more: Iterable[Fault] = ()
) -> dict[str, list[str]]:
    """Return sentences by the field or file of this step that they belong to."""
    recommendation, reader = context.recommendation, language(request)
    names = {field.name for field in FIELDS[step]} | set(SLOTS[step])
    faults = draft_faults(
        recommendation.form,
        FormRules(context.selection.rules.industries),
        evidence_pages=recommendation.evidence_pages,
        today=context.actor.today,
    )
    sentences: dict[str, list[str]] = {}
    for fault in (*more, *faults):
        name = page_field(fault, recommendation.form)
        if name in names:
            sentences.setdefault(name, []).append(fault_sentence(fault, reader))
    return sentences


def lacking(request: Request, context: RecommendationContext) -> dict[Step, list[OpenTask]]:
    """Return what is still to be done in each step."""
    recommendation = context.recommendation
    faults = submission_faults(context.selection, recommendation, context.actor.today)
    return tasks_by_step(open_tasks(faults, recommendation.form, language(request)))


def lacking_words(request: Request, context: RecommendationContext) -> dict[Step, str]:
    """Return the same in the words of the step bar."""
    words = load_catalogue("recommendations", language(request))["step"]
    return {
        step: words["lacks"].format(count=len(tasks)) if tasks else words["whole"]
        for step, tasks in lacking(request, context).items()
    }


def notes_by_field(request: Request, context: RecommendationContext) -> dict[str, list[str]]:
    sentences: dict[str, list[str]] = {}
    recommendation = context.recommendation
    for note in notes(recommendation.form, has_coarse_photo=recommendation.has_coarse_photo):
        sentences.setdefault(note.field, []).append(fault_sentence(note, language(request)))
    return sentences


def _lists(reader: Language) -> dict[str, list[tuple[str, str]]]:
    """Return the values that a field offers, in Chinese as the paper form has them, each with its
    name in the reader's language."""
    chinese = load_catalogue("recommendations", "zh")["lists"]
    named = load_catalogue("recommendations", reader)["lists"]
    return {name: list(zip(chinese[name], named[name], strict=True)) for name in chinese}


def step_page(
    request: Request,
    context: RecommendationContext,
    step: Step,
    reason: str,
    *,
    post: RejectedPost | None = None,
    warnings: Iterable[Fault] = (),
) -> Response:
    """Show the posted values instead of the stored ones, and after a conflict both. The new
    fingerprint shows that the officer has seen both. `warnings` are what speaks against the
    person. The fields that are marked as wrong are posted again as `marked`."""
    stored = step_values(context.recommendation.form, step)
    values = post.values if post else stored
    faults = post.faults if post else ()
    conflicts = post.conflicts if post else frozenset()
    theirs = {name: stored[name] for name in stored if name in conflicts}
    place = STEPS.index(step)
    shown = context if post else put_back(request, context, step)
    options: dict[str, Any] = {
        "sexes": SEXES,
        "qualifications": QUALIFICATIONS,
        "achievements": ACHIEVEMENTS,
        "industries": context.selection.rules.industries,
        "chains": KEY_CHAINS,
    }
    response = page(
        request,
        "recommendations/step.html",
        status=409 if conflicts else 422 if post else 200,
        selection=context.selection,
        context=context,
        recommendation=context.recommendation,
        step=step,
        steps=STEPS,
        before=STEPS[place - 1] if place else None,
        after=STEPS[place + 1] if place + 1 < len(STEPS) else None,
        fields=FIELDS[step],
        slots=SLOTS[step],
        hint_values=HINT_VALUES,
        values=values,
        theirs=theirs,
        conflict=bool(conflicts),
        seen=values_fingerprint(stored),
        faults=faults_by_field(request, shown, step, (*faults, *warnings)),
        is_put_back=shown is not context,
        is_unreadable=bool(faults),
        lacking=lacking_words(request, context),
        is_unfit=is_unfit_for_stamping(context.actor, context.recommendation),
        outdated=outdated_stamps(context.recommendation),
        optional=OPTIONAL,
        notes=notes_by_field(request, shown),
        lists=_lists(language(request)),
        reason=reason,
        max_bytes=MAX_FILE_BYTES,
        max_bytes_together=MAX_BYTES_TOGETHER,
        accepted=ACCEPTED,
        count_characters=count_characters,
        **options,
    )
    if "photo" in SLOTS[step]:
        response.headers["content-security-policy"] = _POLICY
    return response
