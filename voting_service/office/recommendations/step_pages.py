"""The form, step by step: shown, kept as a draft whenever a step is left or typed in, its files
examined. What somebody typed is never dropped: not for a fault, and not for a colleague's edit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from voting_service.accounts.sign_in import TooManyTries
from voting_service.desk.access import signed_in
from voting_service.desk.cookies import language
from voting_service.desk.limits import count_try
from voting_service.desk.rendering import page
from voting_service.desk.state import desk_of
from voting_service.desk.uploads import Upload, read_typed, read_upload
from voting_service.errors import Fault, Unavailable
from voting_service.office.characters import count_characters
from voting_service.office.files.model import MAX_FILE_BYTES
from voting_service.office.files.refusals import FileRefused
from voting_service.office.model import Slot
from voting_service.office.recommendations.asked import (
    ONE,
    PREFIX,
    Asked,
    asked_of,
    in_words,
    record_look,
    step_asked,
    to_the_second,
)
from voting_service.office.recommendations.examined import examine
from voting_service.office.recommendations.model import EditedMeanwhile, File
from voting_service.office.recommendations.reading import load_reviews
from voting_service.office.recommendations.steps import (
    ACHIEVEMENTS,
    FIELDS,
    QUALIFICATIONS,
    SEXES,
    SLOTS,
    STEPS,
    Step,
    Values,
    field_of,
    posted_values,
    read_values,
    seen_mark,
    values_of,
)
from voting_service.office.recommendations.store import attach_file, remove_file, save_form
from voting_service.office.validation import FormRules, draft_faults
from voting_service.storage.postgres import AnyConnection

SEEN = "seen"
GO = "go"
REMOVE = "remove"
TRIES = 3


class Kept(msgspec.Struct, frozen=True):
    """What became of a post: the form as it is stored now, what could not be read, and whether
    a colleague's edit of the same step keeps it from being stored."""

    asked: Asked
    unreadable: tuple[Fault, ...]
    conflict: bool


@signed_in("recommender")
async def show_step(request: Request) -> Response:
    """A step as it is stored."""
    step = step_asked(request)
    async with desk_of(request).connection() as connection:
        asked = await asked_of(request, connection)
        await record_look(connection, asked)
        reason = await _reason(connection, asked)
    if not asked.recommendation.is_editable:
        return RedirectResponse(asked.path, 303)
    return _step_page(request, asked, step, reason=reason)


@signed_in("recommender")
async def keep_step(request: Request) -> Response:
    """Keeps what was typed and the files that were chosen, then goes where the button says."""
    step = step_asked(request)
    try:
        await count_try("upload", request)
    except TooManyTries as refusal:
        raise Unavailable(
            "many files come from your network; go back and send this again in a minute",
            refusal.retry_after_seconds,
        ) from None
    posted = await read_upload(request)
    values = posted_values(step, posted.fields)
    desk = desk_of(request)
    async with desk.connection() as connection:
        asked = await asked_of(request, connection)
    files, refused = await _examined(step, posted.files)
    async with desk.connection() as connection:
        if (unwanted := _one(posted.fields, REMOVE)) in SLOTS[step]:
            await remove_file(
                connection, asked.selection, asked.recommendation.id, slot=unwanted,
                account=asked.account,
            )  # fmt: skip
        for slot, file in files.items():
            await attach_file(
                connection, asked.keys, asked.selection, asked.recommendation.id, slot=slot,
                file=file, account=asked.account,
            )  # fmt: skip
        kept = await _keep(request, connection, step, values, _one(posted.fields, SEEN))
        reason = await _reason(connection, kept.asked)
    faults = (*kept.unreadable, *refused)
    if kept.conflict or faults:
        return _step_page(
            request,
            kept.asked,
            step,
            typed=values,
            faults=faults,
            conflict=kept.conflict,
            reason=reason,
        )
    return RedirectResponse(_next(asked, step, _one(posted.fields, GO)), 303)


@signed_in("recommender")
async def keep_while_typing(request: Request) -> Response:
    """The same for the page's script: keeps the draft and says what is wrong so far."""
    step = step_asked(request)
    fields = await read_typed(request)
    values = posted_values(step, fields)
    async with desk_of(request).connection() as connection:
        kept = await _keep(request, connection, step, values, _one(fields, SEEN))
    if kept.conflict:
        raise EditedMeanwhile
    asked = kept.asked
    stored = values_of(asked.recommendation.form, step)
    return JSONResponse(
        {
            "seen": seen_mark(stored),
            "saved_at": to_the_second(request, asked.selection, asked.now),
            "faults": _by_field(request, asked, step, kept.unreadable),
        },
        headers={"cache-control": "no-store"},
    )


async def _keep(
    request: Request, connection: AnyConnection, step: Step, values: Values, seen: str
) -> Kept:
    for _ in range(TRIES):
        asked = await asked_of(request, connection)
        found = asked.recommendation
        form, unreadable = read_values(found.form, step, values, asked.selection.rules.industries)
        if form == found.form:
            return Kept(asked, unreadable, conflict=False)
        if seen != seen_mark(values_of(found.form, step)):
            return Kept(asked, unreadable, conflict=True)
        try:
            revision = await save_form(
                connection, asked.keys, asked.selection, found, form=form, account=asked.account
            )
        except EditedMeanwhile:
            continue  # perhaps another step: look again
        stored = msgspec.structs.replace(found, form=form, revision=revision)
        return Kept(
            msgspec.structs.replace(asked, recommendation=stored), unreadable, conflict=False
        )
    raise EditedMeanwhile


async def _examined(
    step: Step, uploads: Mapping[str, Upload]
) -> tuple[dict[Slot, File], list[Fault]]:
    files: dict[Slot, File] = {}
    refused: list[Fault] = []
    for slot in SLOTS[step]:
        if slot in uploads:
            try:
                files[slot] = await examine(slot, uploads[slot].name, uploads[slot].content)
            except FileRefused as refusal:
                refused.extend(refusal.faults)
    return files, refused


def _one(fields: Mapping[str, Sequence[str]], name: str) -> str:
    given = fields.get(name, ())
    return given[0] if len(given) == 1 else ""


def _next(asked: Asked, step: Step, go: str) -> str:
    if go in STEPS:
        return f"{asked.path}/steps/{go}"
    if go == "check":
        return asked.path
    if go == "list":
        return f"{PREFIX.replace('{slug}', asked.selection.slug)}?done=saved"
    return f"{asked.path}/steps/{step}?done=saved"


async def _reason(connection: AnyConnection, asked: Asked) -> str:
    """Why the joint office sent it back, while it is."""
    if asked.recommendation.state != "returned":
        return ""
    reviews = await load_reviews(connection, asked.keys, asked.recommendation.id)
    return reviews[-1].reason


def _by_field(
    request: Request, asked: Asked, step: Step, more: Iterable[Fault] = ()
) -> dict[str, list[str]]:
    """Sentences by the name of the field or file they belong to: of this step alone."""
    found, reader = asked.recommendation, language(request)
    known = {field.name for field in FIELDS[step]} | set(SLOTS[step])
    wrong = draft_faults(
        found.form,
        FormRules(asked.selection.rules.industries),
        evidence_pages=found.evidence_pages,
        today=asked.today,
    )
    said: dict[str, list[str]] = {}
    for fault in (*more, *wrong):
        name = field_of(fault, found.form)
        if name in known:
            said.setdefault(name, []).append(in_words(fault, reader))
    return said


def _step_page(
    request: Request,
    asked: Asked,
    step: Step,
    *,
    typed: Values | None = None,
    faults: Iterable[Fault] = (),
    conflict: bool = False,
    reason: str,
) -> Response:
    """`typed` is shown in the place of what is stored, and beside it where they differ after a
    conflict. The new mark says that both were seen."""
    stored = values_of(asked.recommendation.form, step)
    values = typed or stored
    theirs = {name: text for name, text in stored.items() if conflict and text != values[name]}
    place = STEPS.index(step)
    more: dict[str, Any] = {
        "sexes": SEXES,
        "qualifications": QUALIFICATIONS,
        "achievements": ACHIEVEMENTS,
        "industries": asked.selection.rules.industries,
    }
    return page(
        request,
        "recommendations/step.html",
        status=409 if conflict else 422 if faults else 200,
        selection=asked.selection,
        asked=asked,
        found=asked.recommendation,
        step=step,
        steps=STEPS,
        before=STEPS[place - 1] if place else None,
        after=STEPS[place + 1] if place + 1 < len(STEPS) else None,
        fields=FIELDS[step],
        slots=SLOTS[step],
        values=values,
        theirs=theirs,
        conflict=conflict,
        seen=seen_mark(stored),
        faults=_by_field(request, asked, step, faults),
        reason=reason,
        max_bytes=MAX_FILE_BYTES,
        count_characters=count_characters,
        done=request.query_params.get("done", ""),
        **more,
    )


ROUTES = [
    Route(f"{ONE}/steps/{{step}}.json", keep_while_typing, methods=["POST"]),
    Route(f"{ONE}/steps/{{step}}", show_step),
    Route(f"{ONE}/steps/{{step}}", keep_step, methods=["POST"]),
]
