"""What reviewers do: return, accept, reject, reopen, write notes, take on tasks."""

from __future__ import annotations

import re
from typing import get_args

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from voting_service.desk.access import signed_in, visitor
from voting_service.desk.forms import read_form, read_form_lists
from voting_service.desk.state import desk_of
from voting_service.errors import Fault, InvalidInput, NotFound
from voting_service.journal.record import record
from voting_service.office.asked import selection_of
from voting_service.office.model import REVIEWERS
from voting_service.office.recommendations.model import Verdict, subject_of
from voting_service.office.recommendations.store import review
from voting_service.office.review.pages import ONE, REVIEW
from voting_service.office.review.reading import (
    QUERIES,
    load_dossier,
    load_reviewers,
    note_label,
)
from voting_service.office.sealing import PersonalKeys
from voting_service.storage.postgres import domain_errors

MAX_CHARACTERS = 2000
GIVEN: tuple[Verdict, ...] = tuple(v for v in get_args(Verdict) if v != "withdrawn")
_NUMBER = re.compile(r"[0-9]{1,9}")


def _words(form: dict[str, str], field: str, *, may_be_empty: bool = False) -> str:
    text = form.get(field, "").strip()
    if len(text) > MAX_CHARACTERS or not (text or may_be_empty):
        raise InvalidInput(
            Fault(
                field,
                f"write 1 to {MAX_CHARACTERS} characters; whoever recommended reads the reason",
                f"请填写，1 至 {MAX_CHARACTERS} 个字。",
            )
        )
    return text


@signed_in(*REVIEWERS)
async def give_verdict(request: Request) -> Response:
    """What becomes of one recommendation; all but accepting takes a reason."""
    form = await read_form(request)
    verdict = next((each for each in GIVEN if each == form.get("verdict")), None)
    if verdict is None:
        raise InvalidInput(Fault("verdict", "choose what becomes of it", "请选择审核结论。"))
    reason = _words(form, "reason", may_be_empty=verdict == "accepted")
    desk, account = desk_of(request), visitor(request).account
    keys = PersonalKeys.of(desk.settings)
    async with desk.connection() as connection, connection.transaction():
        selection = await selection_of(request, connection)
        dossier = await load_dossier(
            connection, keys, selection, request.path_params["recommendation"]
        )
        await review(connection, keys, dossier.id, verdict=verdict, reason=reason, account=account)
        await record(
            connection, account.name, "reviewed", contest=selection.slug,
            subject=subject_of(dossier.id), details={"verdict": verdict},
        )  # fmt: skip
    return RedirectResponse(f"{request.url.path.removesuffix('/verdict')}?done={verdict}", 303)


@signed_in(*REVIEWERS)
async def add_note(request: Request) -> Response:
    """A note for other reviewers; whoever recommended never sees it."""
    form = await read_form(request)
    words = _words(form, "note")
    desk, account = desk_of(request), visitor(request).account
    keys = PersonalKeys.of(desk.settings)
    async with desk.connection() as connection, connection.transaction():
        selection = await selection_of(request, connection)
        dossier = await load_dossier(
            connection, keys, selection, request.path_params["recommendation"]
        )
        sealed = keys.seal(note_label(dossier.id), words.encode())
        with domain_errors():
            await connection.execute(QUERIES["insert_note"], dossier.id, sealed, account.id)
        await record(
            connection, account.name, "note_added", contest=selection.slug,
            subject=subject_of(dossier.id),
        )  # fmt: skip
    return RedirectResponse(f"{request.url.path.removesuffix('/notes')}?done=noted", 303)


@signed_in(*REVIEWERS)
async def assign(request: Request) -> Response:
    """Makes recommendations somebody's task, or nobody's."""
    fields = await read_form_lists(request)
    wanted = fields.get("recommendation", [])
    if not wanted or not all(_NUMBER.fullmatch(text) for text in wanted):
        raise InvalidInput(
            Fault("recommendation", "choose at least one from the list", "请至少选择一份推荐。")
        )
    to = (fields.get("assignee") or [""])[0]
    desk, account = desk_of(request), visitor(request).account
    async with desk.connection() as connection, connection.transaction():
        selection = await selection_of(request, connection)
        reviewers = dict(await load_reviewers(connection))
        assignee = int(to) if _NUMBER.fullmatch(to) else None
        if assignee is not None and assignee not in reviewers:
            raise NotFound("nobody of that number reviews", zh="没有这位审核人。")
        with domain_errors():
            rows = await connection.fetch(
                QUERIES["assign"], selection.id, [int(text) for text in wanted], assignee
            )
        for row in rows:
            await record(
                connection, account.name, "assigned", contest=selection.slug,
                subject=subject_of(row["id"]),
                details={"to": reviewers[assignee] if assignee is not None else None},
            )  # fmt: skip
    return RedirectResponse(f"{request.url.path.removesuffix('/assign')}?done=assigned", 303)


ROUTES = [
    Route(f"{REVIEW}/assign", assign, methods=["POST"]),
    Route(f"{ONE}/verdict", give_verdict, methods=["POST"]),
    Route(f"{ONE}/notes", add_note, methods=["POST"]),
]
