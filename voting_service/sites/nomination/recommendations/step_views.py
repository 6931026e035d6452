"""The form, step by step: shown, saved as a draft when a step is left or typed in, its files
examined. What an officer typed is never lost, neither to a fault nor to a colleague's edit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from voting_service.errors import Fault, Refused
from voting_service.infrastructure.postgres.pool import AnyConnection
from voting_service.nomination.files.model import MAX_FILES, Frame, UploadedFile
from voting_service.nomination.files.rejections import FileRejected
from voting_service.nomination.form.model import RecommendationForm
from voting_service.nomination.model import Slot
from voting_service.nomination.recommendations.file_intake import examine_upload
from voting_service.nomination.recommendations.model import EditConflict, File
from voting_service.nomination.recommendations.person_check import FIELD as PERSON_FIELD
from voting_service.nomination.recommendations.person_check import PersonCheck, check_person
from voting_service.nomination.recommendations.repository import load_reviews
from voting_service.nomination.recommendations.service import (
    StepChange,
    record_view,
    save_step,
)
from voting_service.sites.nomination.recommendations.context import (
    RECOMMENDATION,
    RecommendationContext,
    format_to_second,
    load_context,
    requested_step,
)
from voting_service.sites.nomination.recommendations.file_placing import (
    PLACING,
    load_earlier_pages,
    overtaken,
    unasked,
)
from voting_service.sites.nomination.recommendations.form_steps import (
    SLOTS,
    STEPS,
    MergedValues,
    Step,
    apply_values,
    find_step,
    merge_values,
    posted_values,
    step_values,
    values_fingerprint,
)
from voting_service.sites.nomination.recommendations.step_page import (
    RejectedPost,
    faults_by_field,
    lacking_words,
    notes_by_field,
    put_back,
    step_page,
)
from voting_service.sites.shared.multipart import Upload
from voting_service.sites.shared.signed_in.access import signed_in
from voting_service.sites.shared.signed_in.cookies import language
from voting_service.sites.shared.signed_in.rate_limits import limiter, rate
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.sites.shared.signed_in.uploads import (
    read_typed,
    read_upload,
)

SEEN = "seen"
"""The fingerprint of the values that the page was loaded with."""
MARKED = "marked"
"""The names of the fields that the page marked as wrong."""
GO = "go"
REMOVE = "remove"
PostedFields = Mapping[str, Sequence[str]]
PHOTO_FRAME = "photo_frame"


class StepForm:
    """A posted step, to be put into the stored form: `merged` is how, the last time. Raises
    EditConflict for a field that was changed in another window since the page was loaded."""

    def __init__(self, context: RecommendationContext, step: Step, fields: PostedFields) -> None:
        self.step = step
        self.posted = posted_values(step, fields)
        self.seen = _single(fields, SEEN)
        self.industries = context.selection.rules.industries
        self.merged = self.merge(context.recommendation.form)

    def merge(self, form: RecommendationForm) -> MergedValues:
        """Return the step as this page and other windows changed it."""
        return merge_values(step_values(form, self.step), self.posted, self.seen)

    def __call__(self, form: RecommendationForm) -> RecommendationForm:
        self.merged = self.merge(form)
        if self.merged.conflicts:
            raise EditConflict
        return apply_values(form, self.step, self.merged.values, self.industries)[0]

    def unreadable(self, form: RecommendationForm) -> tuple[Fault, ...]:
        """Return the faults of values that cannot be read as a month, a day or a choice."""
        return apply_values(form, self.step, self.merged.values, self.industries)[1]


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
        lookup = await _look_up(put_back(request, context, step), step)
    return step_page(request, context, step, reason, warnings=lookup.faults)


@signed_in("recommender")
@limiter.limit(rate("upload"), error_message="sites.nomination.recommendations.too_many_uploads")
async def post_step(request: Request) -> Response:
    """Save what was typed and the files that were chosen, then go where the button leads."""
    step = requested_step(request)
    posted = await read_upload(request, max_files=MAX_FILES * max(len(SLOTS[step]), 1))
    state = get_state(request)
    async with state.connection() as connection:
        context = await load_context(request, connection)  # NotFound before files are examined
        before = context.recommendation
        kept = [
            slot
            for slot in SLOTS[step]
            if slot in posted.all_files and _single(posted.fields, PLACING + slot) != "replace"
        ]
        rejected = unasked(before, kept)
        added = [slot for slot in kept if slot == "evidence"]
        earlier = await load_earlier_pages(connection, context, added)
    refused = {fault.field for fault in rejected}
    uploads = {slot: files for slot, files in posted.all_files.items() if slot not in refused}
    files, faulty = await _examine_uploads(
        step, uploads, earlier, _frame(posted.field(PHOTO_FRAME))
    )
    rejected += faulty
    removed = _single(posted.fields, REMOVE)
    conflicts: frozenset[str] = frozenset()
    async with state.connection() as connection:
        context = await load_context(request, connection)
        late = overtaken(before, context.recommendation, files)
        files = {slot: file for slot, file in files.items() if slot not in {f.field for f in late}}
        rejected += late
        form = StepForm(context, step, posted.fields)
        removed_slot = next((slot for slot in SLOTS[step] if slot == removed), None)
        try:
            context = await _save(context, StepChange(form, removed_slot, files))
        except EditConflict:
            context = await load_context(request, connection)
            form.merged = form.merge(context.recommendation.form)
            conflicts = form.merged.conflicts
        reason = await _return_reason(connection, context)
        lookup = await _look_up(context, step)
    faults = (*form.unreadable(context.recommendation.form), *rejected)
    go = _single(posted.fields, GO)
    # Somebody who was not shown a warning or a fault before stays here once, to read it.
    is_new = lookup.is_new and lookup.faults
    unmarked = (
        faults_by_field(request, context, step).keys() - _single(posted.fields, MARKED).split()
    )
    if not conflicts:  # saved with the step, or refused with their own words
        request.state.lost_files = ()
    if conflicts or faults or is_new or (unmarked and go not in {step, "stay", ""}):
        post = RejectedPost(form.merged.values, faults, conflicts)
        return step_page(request, context, step, reason, post=post, warnings=lookup.faults)
    if any(file.is_coarse for file in files.values()):
        return RedirectResponse(f"{context.path}/steps/{step}?done=coarse", 303)
    if removed_slot is not None:
        return RedirectResponse(f"{context.path}/steps/{step}?done={removed_slot}", 303)
    return RedirectResponse(_next_path(context, step, go), 303)


@signed_in("recommender")
async def save_while_typing(request: Request) -> Response:
    """Save the draft for the page's script and return what is wrong so far, and what was changed in
    another window. A refusal is answered in the reader's words."""
    step = requested_step(request)
    fields = await read_typed(request)
    async with get_state(request).connection() as connection:
        context = await load_context(request, connection)
        form = StepForm(context, step, fields)
        try:
            context = await _save(context, StepChange(form, None, {}))
        except EditConflict:
            return _unstored({"conflict": True}, 409)
        except Refused as error:
            return _unstored({"refused": error.text(language(request))}, 409)
        lookup = await _look_up(context, step)
    stored = step_values(context.recommendation.form, step)
    theirs = {name: stored[name] for name in stored if name in form.merged.theirs}
    more = (*form.unreadable(context.recommendation.form), *lookup.faults)
    return _unstored(
        {
            "seen": values_fingerprint(stored),
            "saved_at": format_to_second(request, context.selection, context.now),
            "faults": faults_by_field(request, context, step, more),
            "notes": notes_by_field(request, context),
            "lacking": lacking_words(request, context),
            "filled": {
                name: stored[name]
                for name, text in form.posted.items()
                if stored[name] and not text
            },
            "theirs": theirs,
        }
    )


def _unstored(content: Mapping[str, Any], status: int = 200) -> Response:
    return JSONResponse(content, status, headers={"cache-control": "no-store"})


async def _look_up(context: RecommendationContext, step: Step) -> PersonCheck:
    """Return what speaks against the person, for the step that has the ID number."""
    if step != find_step(PERSON_FIELD):
        return PersonCheck((), is_new=False)
    return await check_person(context.actor, context.recommendation)


async def _save(context: RecommendationContext, change: StepChange) -> RecommendationContext:
    """Save a step and return the context with the recommendation exactly as this saved it: a
    colleague's later edit must not count as seen."""
    stored = await save_step(context.actor, context.body, context.recommendation.id, change)
    return msgspec.structs.replace(context, recommendation=stored)


async def _examine_uploads(
    step: Step,
    uploads: Mapping[str, Sequence[Upload]],
    earlier: Mapping[Slot, File],
    frame: Frame | None,
) -> tuple[dict[Slot, File], list[Fault]]:
    files: dict[Slot, File] = {}
    rejected: list[Fault] = []
    for slot in SLOTS[step]:
        if slot in uploads:
            chosen = [UploadedFile(upload.name, upload.content) for upload in uploads[slot]]
            try:
                files[slot] = await examine_upload(slot, chosen, frame, earlier.get(slot))
            except FileRejected as error:
                rejected.extend(error.faults)
    return files, rejected


def _frame(text: str) -> Frame | None:
    """Return the frame that the page's script posted as four fractions; None for anything else,
    as of a page without script."""
    try:
        left, top, width, height = (float(part) for part in text.split())
    except ValueError:
        return None
    frame = Frame(left, top, width, height)
    return frame if frame.is_inside else None


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


ROUTES = [
    Route(f"{RECOMMENDATION}/steps/{{step}}.json", save_while_typing, methods=["POST"]),
    Route(f"{RECOMMENDATION}/steps/{{step}}", show_step),
    Route(f"{RECOMMENDATION}/steps/{{step}}", post_step, methods=["POST"]),
]
