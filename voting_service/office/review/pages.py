"""The queue, and one recommendation with its evidence beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.desk.access import signed_in, visitor
from voting_service.desk.cookies import language
from voting_service.desk.forms import read_form
from voting_service.desk.rendering import page
from voting_service.desk.state import desk_of
from voting_service.journal.record import record
from voting_service.office.asked import selection_of, texts_of
from voting_service.office.characters import count_characters
from voting_service.office.field_names import FIELD_NAMES
from voting_service.office.form import Form
from voting_service.office.model import READERS, REVIEWERS, Selection
from voting_service.office.recommendations.model import subject_of
from voting_service.office.review.coverage import coverage, label_of
from voting_service.office.review.filtering import Filter, filtered
from voting_service.office.review.reading import (
    Dossier,
    conflicting_bodies,
    files_there_are,
    load_dossier,
    load_dossiers,
    load_history,
    load_notes,
    load_reviewers,
)
from voting_service.office.sealing import PersonalKeys

REVIEW = "/selections/{slug}/review"
ONE = f"{REVIEW}/{{recommendation:int}}"
QUEUED = ("submitted", "returned", "accepted", "rejected")


@signed_in(*READERS)
async def queue(request: Request) -> Response:
    """Everything that was submitted, filtered; how people spread; whose task is what. Words are
    looked for by `find` alone: an address is kept in too many places to hold a name."""
    query = {name: text for name, text in request.query_params.items() if name != "words"}
    return await _queue_page(request, Filter.of(query))


@signed_in(*READERS)
async def find(request: Request) -> Response:
    """The queue with what was looked for."""
    return await _queue_page(request, Filter.of(await read_form(request)))


async def _queue_page(request: Request, asked: Filter) -> Response:
    desk = desk_of(request)
    async with desk.connection() as connection:
        selection = await selection_of(request, connection)
        everything = await load_dossiers(connection, PersonalKeys.of(desk.settings), selection)
        reviewers = await load_reviewers(connection)
        shown = filtered(everything, asked)
        await record(
            connection, visitor(request).account.name, "viewed", contest=selection.slug,
            subject="review queue", details={"recommendations": len(shown)},
        )  # fmt: skip
    present = [dossier for dossier in everything if dossier.state != "withdrawn"]
    today = desk.clock().astimezone(selection.zone).date()
    return page(
        request,
        "review/queue.html",
        selection=selection,
        asked=asked,
        shown=shown,
        reviewers=reviewers,
        states={
            state: sum(dossier.state == state for dossier in everything)
            for state in (*QUEUED, "withdrawn")
        },
        bodies=sorted({d.body for d in everything}, key=lambda body: body.id),
        chains=sorted({d.form.chain for d in everything} - {""}),
        may_review=visitor(request).account.role in REVIEWERS,
        done=request.query_params.get("done", ""),
        **coverage_values(request, selection, present, today),
    )


def coverage_values(
    request: Request, selection: Selection, people: Iterable[Dossier], today: date
) -> dict[str, Any]:
    """What `review/coverage.html` shows."""
    people = list(people)
    reader = language(request)
    texts = texts_of(request, "review")
    names = {dossier.body.slug: str(getattr(dossier.body.name, reader)) for dossier in people}
    words: Mapping[str, Mapping[str, str]] = {
        "sex": texts["sexes"],
        "qualification": texts["qualifications"],
        "front_line": texts["front_line"],
        "age": texts["ages"],
        "unsaid": {"unsaid": texts["unsaid"]},
    }
    return {
        "coverage": coverage(people, selection, today),
        "coverage_label": label_of(selection, names, words, reader),
    }


@signed_in(*READERS)
async def one(request: Request) -> Response:
    """Form and evidence side by side, notes, history, and what may be done."""
    desk = desk_of(request)
    keys = PersonalKeys.of(desk.settings)
    number = request.path_params["recommendation"]
    async with desk.connection() as connection, connection.transaction():
        selection = await selection_of(request, connection)
        dossier = await load_dossier(connection, keys, selection, number)
        await record(
            connection, visitor(request).account.name, "viewed", contest=selection.slug,
            subject=subject_of(dossier.id), details={"what": "form"},
        )  # fmt: skip
        values: dict[str, Any] = {
            "files": await files_there_are(connection, dossier.id),
            "notes": await load_notes(connection, keys, dossier.id),
            "history": await load_history(connection, keys, dossier.id),
            "reviewers": await load_reviewers(connection),
            "conflicts": await conflicting_bodies(connection, dossier.id),
        }
    return page(
        request,
        "review/one.html",
        selection=selection,
        dossier=dossier,
        fields=_fields(request, selection, dossier.form),
        verdicts=_verdicts(selection, dossier, desk.clock()),
        may_review=visitor(request).account.role in REVIEWERS,
        done=request.query_params.get("done", ""),
        count_characters=count_characters,
        **values,
    )


def _verdicts(selection: Selection, dossier: Dossier, now: datetime) -> tuple[str, ...]:
    """What may become of it; the database decides."""
    if dossier.state == "submitted":
        before = now < selection.closes_at
        return ("accepted", "returned", "rejected") if before else ("accepted", "rejected")
    return ("reopened",) if dossier.state in ("accepted", "rejected") else ()


def _fields(request: Request, selection: Selection, form: Form) -> list[tuple[str, str, str]]:
    """Path, name and value of every field of the form, as people read them."""
    reader = language(request)
    texts = texts_of(request, "review")
    industry = selection.rules.industries.get(form.industry)
    said: dict[str, object] = {
        "sex": texts["sexes"].get(form.sex or "", ""),
        "industry": getattr(industry, reader) if industry else form.industry,
        "qualification": texts["qualifications"].get(form.qualification or "", ""),
        "achievements": "\n".join(
            f"{texts['achievements'][each.kind]} ({texts['pages']} {each.pages})"
            for each in form.achievements
        ),
    }
    found = []
    for path, name in FIELD_NAMES.items():
        if path in ("photo", "evidence", "achievements.pages"):
            continue
        value = said.get(path)
        if value is None:
            value = form
            for part in path.split("."):
                value = getattr(value, part)
        found.append((path, str(getattr(name, reader)), "" if value is None else str(value)))
    return found


ROUTES = [Route(REVIEW, queue), Route(REVIEW, find, methods=["POST"]), Route(ONE, one)]
