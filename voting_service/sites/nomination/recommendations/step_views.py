"""The form, step by step: shown, saved as a draft when a step is left or typed in, its files
examined. What an officer typed is never lost, neither to a fault nor to a colleague's edit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from voting_service.errors import Fault, Refused
from voting_service.i18n.catalogues import load_catalogue
from voting_service.i18n.text import Language
from voting_service.infrastructure.postgres.pool import AnyConnection
from voting_service.nomination.files import photo
from voting_service.nomination.files.model import MAX_FILE_BYTES, MAX_FILES, Frame, UploadedFile
from voting_service.nomination.files.rejections import FileRejected
from voting_service.nomination.form.industries import KEY_CHAINS
from voting_service.nomination.form.model import RecommendationForm
from voting_service.nomination.form.notes import notes
from voting_service.nomination.form.text_length import count_characters
from voting_service.nomination.form.validation import FormRules, draft_faults
from voting_service.nomination.model import Slot
from voting_service.nomination.recommendations.file_intake import ExaminedFile, examine_upload
from voting_service.nomination.recommendations.model import EditConflict
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
    MergedValues,
    Step,
    Values,
    apply_values,
    find_step,
    merge_values,
    page_field,
    posted_values,
    step_values,
    values_fingerprint,
)
from voting_service.sites.shared.multipart import Upload
from voting_service.sites.shared.security_headers import content_security_policy
from voting_service.sites.shared.signed_in.access import signed_in
from voting_service.sites.shared.signed_in.cookies import language
from voting_service.sites.shared.signed_in.rate_limits import limiter, rate
from voting_service.sites.shared.signed_in.rendering import page
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.sites.shared.signed_in.uploads import (
    read_typed,
    read_upload,
)

SEEN = "seen"
"""The fingerprint of the values that the page was loaded with."""
GO = "go"
REMOVE = "remove"
PostedFields = Mapping[str, Sequence[str]]
PHOTO_FRAME = "photo_frame"
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
_POLICY = content_security_policy({"img-src": ("blob:",)})
"""The script shows the chosen photo, to crop it."""


class RejectedPost(NamedTuple):
    """A posted step that needs correcting: its values, what is wrong with them, and the fields that
    were changed in another window too."""

    values: Values
    faults: tuple[Fault, ...]
    conflicts: frozenset[str]


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
        lookup = await _look_up(context, step)
    return _step_page(request, context, step, reason, warnings=lookup.faults)


@signed_in("recommender")
@limiter.limit(rate("upload"), error_message="sites.nomination.recommendations.too_many_uploads")
async def post_step(request: Request) -> Response:
    """Save what was typed and the files that were chosen, then go where the button leads."""
    step = requested_step(request)
    posted = await read_upload(request, max_files=MAX_FILES * max(len(SLOTS[step]), 1))
    state = get_state(request)
    async with state.connection() as connection:
        context = await load_context(request, connection)  # NotFound before files are examined
    frame = _frame(posted.field(PHOTO_FRAME))
    files, rejected = await _examine_uploads(step, posted.all_files, frame)
    removed = _single(posted.fields, REMOVE)
    conflicts: frozenset[str] = frozenset()
    async with state.connection() as connection:
        context = await load_context(request, connection)
        form = StepForm(context, step, posted.fields)
        removed_slot = next((slot for slot in SLOTS[step] if slot == removed), None)
        new_files = {slot: examined.file for slot, examined in files.items()}
        try:
            context = await _save(context, StepChange(form, removed_slot, new_files))
        except EditConflict:
            context = await load_context(request, connection)
            form.merged = form.merge(context.recommendation.form)
            conflicts = form.merged.conflicts
        reason = await _return_reason(connection, context)
        lookup = await _look_up(context, step)
    faults = (*form.unreadable(context.recommendation.form), *rejected)
    # Somebody who was not shown a warning before stays here once, to read it.
    if conflicts or faults or (lookup.is_new and lookup.faults):
        post = RejectedPost(form.merged.values, faults, conflicts)
        return _step_page(request, context, step, reason, post=post, warnings=lookup.faults)
    if any(examined.is_coarse for examined in files.values()):
        return RedirectResponse(f"{context.path}/steps/{step}?done=coarse", 303)
    return RedirectResponse(_next_path(context, step, _single(posted.fields, GO)), 303)


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
            "faults": _faults_by_field(request, context, step, more),
            "notes": _notes_by_field(request, context),
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
    step: Step, uploads: Mapping[str, Sequence[Upload]], frame: Frame | None
) -> tuple[dict[Slot, ExaminedFile], list[Fault]]:
    files: dict[Slot, ExaminedFile] = {}
    rejected: list[Fault] = []
    for slot in SLOTS[step]:
        if slot in uploads:
            chosen = [UploadedFile(upload.name, upload.content) for upload in uploads[slot]]
            try:
                files[slot] = await examine_upload(slot, chosen, frame)
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


def _notes_by_field(request: Request, context: RecommendationContext) -> dict[str, list[str]]:
    sentences: dict[str, list[str]] = {}
    for note in notes(context.recommendation.form):
        sentences.setdefault(note.field, []).append(fault_sentence(note, language(request)))
    return sentences


def _lists(reader: Language) -> dict[str, list[tuple[str, str]]]:
    """Return the values that a field offers, in Chinese as the paper form has them, each with its
    name in the reader's language."""
    chinese = load_catalogue("recommendations", "zh")["lists"]
    named = load_catalogue("recommendations", reader)["lists"]
    return {name: list(zip(chinese[name], named[name], strict=True)) for name in chinese}


def _step_page(
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
    person."""
    stored = step_values(context.recommendation.form, step)
    values = post.values if post else stored
    faults = post.faults if post else ()
    conflicts = post.conflicts if post else frozenset()
    theirs = {name: stored[name] for name in stored if name in conflicts}
    place = STEPS.index(step)
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
        photo_sizes=photo.SIZES,
        values=values,
        theirs=theirs,
        conflict=bool(conflicts),
        seen=values_fingerprint(stored),
        faults=_faults_by_field(request, context, step, (*faults, *warnings)),
        notes=_notes_by_field(request, context),
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


ROUTES = [
    Route(f"{RECOMMENDATION}/steps/{{step}}.json", save_while_typing, methods=["POST"]),
    Route(f"{RECOMMENDATION}/steps/{{step}}", show_step),
    Route(f"{RECOMMENDATION}/steps/{{step}}", post_step, methods=["POST"]),
]
