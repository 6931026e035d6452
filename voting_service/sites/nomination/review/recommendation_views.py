"""One submitted recommendation: its text beside its evidence, and the way to the next one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.errors import InvalidInput, Refused
from voting_service.infrastructure.typesetting.glyph_coverage import handwritten
from voting_service.nomination.actor import SelectionActor
from voting_service.nomination.form.field_names import FIELD_PATHS
from voting_service.nomination.form.model import RecommendationForm
from voting_service.nomination.form.notes import notes
from voting_service.nomination.form.page_ranges import parse_page_ranges
from voting_service.nomination.form.text_length import count_characters
from voting_service.nomination.form.validation import STAMPED_PAGES
from voting_service.nomination.model import READERS, REVIEWERS, Selection, State
from voting_service.nomination.recommendations.model import Submission, Verdict
from voting_service.nomination.recommendations.repository import has_coarse_photo
from voting_service.nomination.repository import count_places_taken
from voting_service.nomination.review.differences import changed_files, compare_texts
from voting_service.nomination.review.service import (
    default_term,
    view_place,
    view_recommendation,
)
from voting_service.sites.nomination.context import load_texts, selection_actor
from voting_service.sites.nomination.review.filter_address import filter_query, read_filter
from voting_service.sites.nomination.review.views import RECOMMENDATION, find_done_number
from voting_service.sites.shared.signed_in.access import current_user, signed_in
from voting_service.sites.shared.signed_in.cookies import language
from voting_service.sites.shared.signed_in.rendering import page
from voting_service.sites.shared.signed_in.state import get_state

_NOT_IN_TABLE = ("photo", "evidence", "achievements.pages", *STAMPED_PAGES)
_TEXTS = ("skills", "deeds")
FormField = tuple[str, str, str]
"""Path, label and value of a field in the reader's language."""
VERDICTS: Mapping[State, tuple[Verdict, ...]] = {
    "submitted": ("accepted", "returned", "rejected"),
    "returned": ("returned", "reopened"),
    "accepted": ("reopened",),
    "rejected": ("reopened",),
}
"""The verdicts to offer in each state; the database decides what is allowed."""


@signed_in(*READERS)
async def show_recommendation(request: Request) -> Response:
    """Show form and evidence side by side, with notes, history and possible verdicts, and the way
    through the queue as the address filters it."""
    async with get_state(request).connection() as connection:
        return await recommendation_page(request, await selection_actor(request, connection))


async def recommendation_page(
    request: Request,
    actor: SelectionActor,
    filled: Mapping[str, str] | None = None,
    error: InvalidInput | Refused | None = None,
) -> Response:
    """Show a recommendation, after a refusal with its error beside the fields as they were filled
    in."""
    number = request.path_params["recommendation"]
    queue_filter = read_filter(request, actor.keys)
    since = queue_filter.since or str(int(actor.now.timestamp()))
    kept_filter = msgspec.structs.replace(queue_filter, since=since)
    reviewed = await view_recommendation(actor, number)
    submitted, selection = reviewed.submitted, actor.selection
    taken = await count_places_taken(actor.connection, selection)
    is_coarse = await has_coarse_photo(actor.connection, submitted.id)
    term = default_term(selection, actor.now).astimezone(selection.zone)
    faults = error.faults if isinstance(error, InvalidInput) else ()
    reader = language(request)
    own = next((s.score for s in reviewed.scores if s.account_id == actor.account.id), "")
    return page(
        request,
        "review/recommendation.html",
        status=200 if error is None else 422 if faults else 409,
        selection=selection,
        **reviewed._asdict(),
        place=await view_place(actor, number, queue_filter),
        query=filter_query(kept_filter, actor.keys),
        of=find_done_number(request),
        list_query=filter_query(msgspec.structs.replace(kept_filter, since=""), actor.keys),
        taken=taken.get(submitted.body.id, 0),
        fields=_arranged(_form_fields(request, selection, submitted.form)),
        changes=_changes(request, selection, reviewed.submissions[-2:]),
        form_notes=[
            note.text(reader) for note in notes(submitted.form, has_coarse_photo=is_coarse)
        ],
        by_hand=handwritten(submitted.form),
        verdicts=VERDICTS.get(submitted.state, ()),
        may_review=current_user(request).account.role in REVIEWERS,
        count_characters=count_characters,
        pages_of=lambda text: parse_page_ranges(text) or (),
        filled={"until": f"{term:%Y-%m-%dT%H:%M}", "score": own, **(filled or {})},
        faults={fault.field: fault.text(reader) for fault in faults},
        error=error.text(reader) if error and not faults else "",
        term=reviewed.history[-1].correct_until if submitted.state == "returned" else None,
        now=actor.now,
    )


def _arranged(fields: Sequence[FormField]) -> Mapping[str, Sequence[FormField]]:
    """Return the fields of the `person`, the long `texts`, and the `rest`."""
    paths = [path for path, _, _ in fields]
    start = paths.index(_TEXTS[0])
    end = start + len(_TEXTS)
    return {"person": fields[:start], "texts": fields[start:end], "rest": fields[end:]}


def _changes(
    request: Request, selection: Selection, submissions: Sequence[Submission]
) -> Mapping[str, Any]:
    """Return what the last submission changed, as `fields` (their labels with the parts of both
    texts), `files` (the slots of replaced ones) and `pages` (of evidence, before and after); empty
    for a first submission."""
    if len(submissions) < 2:
        return {}
    before, after = submissions
    old, new = (_form_fields(request, selection, submission.form) for submission in submissions)
    return {
        "fields": [
            (label, compare_texts(earlier, value))
            for (_, label, value), (_, _, earlier) in zip(new, old, strict=True)
            if value != earlier
        ],
        "files": changed_files(before, after),
        "pages": (before.evidence_pages, after.evidence_pages),
    }


def _form_fields(
    request: Request, selection: Selection, form: RecommendationForm
) -> list[FormField]:
    """Return every field of the form."""
    reader = language(request)
    texts = load_texts(request, "review")
    form_texts = load_texts(request, "recommendations")
    labels, yes_or_no = form_texts["fields"], form_texts["check"]
    industry = selection.rules.industries.get(form.industry)
    formatted: dict[str, object] = {
        "sex": texts["sexes"].get(form.sex or "", ""),
        "industry": getattr(industry, reader) if industry else form.industry,
        "is_central_unit": yes_or_no["yes" if form.is_central_unit else "no"],
        "conduct_declared": yes_or_no["declared" if form.conduct_declared else "not_declared"],
        "qualification": form_texts["qualifications"].get(form.qualification or "", ""),
        "achievements": "\n".join(
            f"{form_texts['achievements'][achievement.kind]} ({texts['pages']} {achievement.pages})"
            for achievement in form.achievements
        ),
    }
    fields = []
    for path in FIELD_PATHS:
        if path in _NOT_IN_TABLE:
            continue
        value = formatted.get(path)
        if value is None:
            value = form
            for part in path.split("."):
                value = getattr(value, part)
        fields.append((path, labels[path], "" if value is None else str(value)))
    return fields


ROUTES = [Route(RECOMMENDATION, show_recommendation)]
