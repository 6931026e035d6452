"""The form, step by step: shown, saved as a draft when a step is left or typed in, its files
examined. What an officer typed is never lost, neither to a fault nor to a colleague's edit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from voting_service.errors import Fault
from voting_service.infrastructure.postgres.pool import AnyConnection
from voting_service.nomination.files import photo
from voting_service.nomination.files.model import MAX_FILE_BYTES
from voting_service.nomination.files.rejections import FileRejected
from voting_service.nomination.form.model import RecommendationForm
from voting_service.nomination.form.text_length import count_characters
from voting_service.nomination.form.validation import FormRules, draft_faults
from voting_service.nomination.model import Slot
from voting_service.nomination.recommendations.file_intake import examine_upload
from voting_service.nomination.recommendations.model import EditConflict, File
from voting_service.nomination.recommendations.repository import load_reviews
from voting_service.nomination.recommendations.service import (
    StepChange,
    record_view,
    save_step,
)
from voting_service.sites.nomination.recommendations.context import (
    RECOMMENDATION,
    RecommendationContext,
    fault_sentence,
    format_to_second,
    load_context,
    requested_step,
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
from voting_service.sites.shared.signed_in.access import signed_in
from voting_service.sites.shared.signed_in.cookies import language
from voting_service.sites.shared.signed_in.rate_limits import limiter, rate
from voting_service.sites.shared.signed_in.rendering import page
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.sites.shared.signed_in.uploads import Upload, read_typed, read_upload

SEEN = "seen"
"""The fingerprint of the values that the page was loaded with."""
GO = "go"
REMOVE = "remove"


class RejectedPost(NamedTuple):
    """A posted step that needs correcting: its values, what is wrong with them, and whether the
    step was changed since the page was loaded."""

    values: Values
    faults: tuple[Fault, ...]
    has_conflict: bool


@signed_in("recommender")
async def show_step(request: Request) -> Response:
    """Show a step as it is stored."""
    step = requested_step(request)
    async with get_state(request).connection() as connection:
        context = await load_context(request, connection)
        await record_view(context.actor, context.recommendation.id)
        reason = await _return_reason(connection, context)
    if not context.recommendation.is_editable:
        return RedirectResponse(context.path, 303)
    return _step_page(request, context, step, reason)


@signed_in("recommender")
@limiter.limit(rate("upload"), error_message="sites.nomination.recommendations.too_many_uploads")
async def post_step(request: Request) -> Response:
    """Save what was typed and the files that were chosen, then go where the button leads."""
    step = requested_step(request)
    posted = await read_upload(request)
    values = posted_values(step, posted.fields)
    state = get_state(request)
    async with state.connection() as connection:
        context = await load_context(request, connection)  # NotFound before files are examined
    files, rejected = await _examine_uploads(step, posted.files)
    removed = _single(posted.fields, REMOVE)
    has_conflict = False
    async with state.connection() as connection:
        context = await load_context(request, connection)
        change = StepChange(
            _form_change(context, step, values, _single(posted.fields, SEEN)),
            next((slot for slot in SLOTS[step] if slot == removed), None),
            files,
        )
        try:
            context = await _save(context, change)
        except EditConflict:
            has_conflict = True
            context = await load_context(request, connection)
        reason = await _return_reason(connection, context)
    faults = (*_unreadable(context, step, values), *rejected)
    if has_conflict or faults:
        post = RejectedPost(values, faults, has_conflict)
        return _step_page(request, context, step, reason, post)
    return RedirectResponse(_next_path(context, step, _single(posted.fields, GO)), 303)


@signed_in("recommender")
async def save_while_typing(request: Request) -> Response:
    """Save the draft for the page's script and return what is wrong so far."""
    step = requested_step(request)
    fields = await read_typed(request)
    values = posted_values(step, fields)
    async with get_state(request).connection() as connection:
        context = await load_context(request, connection)
        change = StepChange(_form_change(context, step, values, _single(fields, SEEN)), None, {})
        context = await _save(context, change)
    stored = step_values(context.recommendation.form, step)
    return JSONResponse(
        {
            "seen": values_fingerprint(stored),
            "saved_at": format_to_second(request, context.selection, context.now),
            "faults": _faults_by_field(request, context, step, _unreadable(context, step, values)),
        },
        headers={"cache-control": "no-store"},
    )


async def _save(context: RecommendationContext, change: StepChange) -> RecommendationContext:
    """Save a step and return the context with the recommendation exactly as this saved it: a
    colleague's later edit must not count as seen."""
    stored = await save_step(context.actor, context.body, context.recommendation.id, change)
    return msgspec.structs.replace(context, recommendation=stored)


def _form_change(
    context: RecommendationContext, step: Step, values: Values, seen: str
) -> Callable[[RecommendationForm], RecommendationForm]:
    industries = context.selection.rules.industries

    def change(form: RecommendationForm) -> RecommendationForm:
        changed, _ = apply_values(form, step, values, industries)
        if changed != form and seen != values_fingerprint(step_values(form, step)):
            raise EditConflict
        return changed

    return change


def _unreadable(context: RecommendationContext, step: Step, values: Values) -> tuple[Fault, ...]:
    """Return the faults of values that cannot be read as a month, a day or a choice."""
    industries = context.selection.rules.industries
    return apply_values(context.recommendation.form, step, values, industries)[1]


async def _examine_uploads(
    step: Step, uploads: Mapping[str, Upload]
) -> tuple[dict[Slot, File], list[Fault]]:
    files: dict[Slot, File] = {}
    rejected: list[Fault] = []
    for slot in SLOTS[step]:
        if slot in uploads:
            upload = uploads[slot]
            try:
                files[slot] = await examine_upload(slot, upload.name, upload.content)
            except FileRejected as error:
                rejected.extend(error.faults)
    return files, rejected


def _single(fields: Mapping[str, Sequence[str]], name: str) -> str:
    values = fields.get(name, ())
    return values[0] if len(values) == 1 else ""


def _next_path(context: RecommendationContext, step: Step, go: str) -> str:
    if go in STEPS:
        return f"{context.path}/steps/{go}"
    if go == "check":
        return context.path
    if go == "list":
        return f"/selections/{context.selection.slug}/recommendations?done=saved"
    return f"{context.path}/steps/{step}?done=saved"


async def _return_reason(connection: AnyConnection, context: RecommendationContext) -> str:
    """Return why the joint office returned the recommendation; empty when it is not returned."""
    if context.recommendation.state != "returned":
        return ""
    reviews = await load_reviews(connection, context.actor.keys, context.recommendation.id)
    return reviews[-1].reason


def _faults_by_field(
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


def _step_page(
    request: Request,
    context: RecommendationContext,
    step: Step,
    reason: str,
    post: RejectedPost | None = None,
) -> Response:
    """Show the posted values instead of the stored ones, and after a conflict both where they
    differ. The new fingerprint shows that the officer has seen both."""
    stored = step_values(context.recommendation.form, step)
    values = post.values if post else stored
    faults = post.faults if post else ()
    conflict = post is not None and post.has_conflict
    theirs = {name: text for name, text in stored.items() if conflict and text != values[name]}
    place = STEPS.index(step)
    options: dict[str, Any] = {
        "sexes": SEXES,
        "qualifications": QUALIFICATIONS,
        "achievements": ACHIEVEMENTS,
        "industries": context.selection.rules.industries,
    }
    return page(
        request,
        "recommendations/step.html",
        status=409 if conflict else 422 if faults else 200,
        selection=context.selection,
        context=context,
        recommendation=context.recommendation,
        step=step,
        steps=STEPS,
        before=STEPS[place - 1] if place else None,
        after=STEPS[place + 1] if place + 1 < len(STEPS) else None,
        fields=FIELDS[step],
        slots=SLOTS[step],
        photo_sizes=photo.SIZES,
        values=values,
        theirs=theirs,
        conflict=conflict,
        seen=values_fingerprint(stored),
        faults=_faults_by_field(request, context, step, faults),
        reason=reason,
        max_bytes=MAX_FILE_BYTES,
        count_characters=count_characters,
        **options,
    )


ROUTES = [
    Route(f"{RECOMMENDATION}/steps/{{step}}.json", save_while_typing, methods=["POST"]),
    Route(f"{RECOMMENDATION}/steps/{{step}}", show_step),
    Route(f"{RECOMMENDATION}/steps/{{step}}", post_step, methods=["POST"]),
]
