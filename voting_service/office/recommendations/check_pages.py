"""The whole form on one page: what is missing, where it stands; handed in, taken back, received."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from voting_service.desk.access import signed_in
from voting_service.desk.cookies import language
from voting_service.desk.forms import read_form
from voting_service.desk.rendering import page
from voting_service.desk.state import desk_of
from voting_service.errors import Fault, InvalidInput, NotFound, Refused
from voting_service.office.characters import count_characters
from voting_service.office.recommendations.asked import (
    ONE,
    Asked,
    asked_of,
    in_words,
    path_of,
    record_look,
    to_the_second,
)
from voting_service.office.recommendations.model import EditedMeanwhile
from voting_service.office.recommendations.reading import load_reviews, load_submissions
from voting_service.office.recommendations.steps import (
    FIELDS,
    SLOTS,
    STEPS,
    Step,
    field_of,
    step_of,
    values_of,
)
from voting_service.office.recommendations.store import submission_faults, submit, withdraw
from voting_service.office.store import places_taken
from voting_service.storage.postgres import AnyConnection
from voting_service.typesetting.glyphs import missing_glyphs

MAX_REASON_CHARACTERS = 500


class Missing(NamedTuple):
    """One thing to do before it can be handed in, and where."""

    step: Step
    name: str
    id: str
    said: str


@signed_in("recommender")
async def check(request: Request) -> Response:
    """The form as it would be, or was, handed in."""
    async with desk_of(request).connection() as connection:
        asked = await asked_of(request, connection)
        await record_look(connection, asked)
        return await _check_page(request, connection, asked)


async def _check_page(
    request: Request, connection: AnyConnection, asked: Asked, refusal: Refused | None = None
) -> Response:
    found = asked.recommendation
    reviews = await load_reviews(connection, asked.keys, found.id)
    submissions = await load_submissions(connection, asked.keys, asked.selection, found)
    taken = await places_taken(connection, asked.selection)
    wrong = submission_faults(asked.selection, found, asked.today) if found.is_editable else ()
    return page(
        request,
        "recommendations/check.html",
        status=200 if refusal is None else 409,
        selection=asked.selection,
        asked=asked,
        found=found,
        steps=STEPS,
        fields=FIELDS,
        slots=SLOTS,
        values={step: values_of(found.form, step) for step in STEPS},
        missing=_missing(request, asked, wrong),
        unprintable=missing_glyphs(found.form.name),
        places_left=asked.selection.quota(asked.body.kind) - taken.get(asked.body.id, 0),
        reviews=tuple(reversed(reviews)),
        reason=reviews[-1].reason if found.state == "returned" else "",
        submissions=submissions,
        refusal=_refusal_in_words(request, refusal),
        second=lambda moment: to_the_second(request, asked.selection, moment),
        industries=asked.selection.rules.industries,
        done=request.query_params.get("done", ""),
    )


def _missing(request: Request, asked: Asked, wrong: Iterable[Fault]) -> list[Missing]:
    reader, form = language(request), asked.recommendation.form
    found: list[Missing] = []
    for fault in wrong:
        name = field_of(fault, form)
        found.append(Missing(step_of(name), name, name.replace(".", "-"), in_words(fault, reader)))
    return found


def _refusal_in_words(request: Request, refusal: Refused | None) -> str:
    if refusal is None:
        return ""
    return refusal.zh if refusal.zh and language(request) == "zh" else str(refusal)


@signed_in("recommender")
async def hand_in(request: Request) -> Response:
    """Submits exactly what the page showed. What is refused is said on the page; the draft
    stays."""
    fields = await read_form(request)
    async with desk_of(request).connection() as connection:
        asked = await asked_of(request, connection)
        try:
            if fields.get("revision") != str(asked.recommendation.revision):
                raise EditedMeanwhile
            await submit(
                connection, asked.keys, asked.selection, asked.recommendation, asked.account,
                today=asked.today,
            )  # fmt: skip
        except InvalidInput:
            return RedirectResponse(f"{asked.path}?done=missing", 303)
        except Refused as refusal:
            again = await asked_of(request, connection)
            return await _check_page(request, connection, again, refusal)
    return RedirectResponse(f"{asked.path}/receipt", 303)


@signed_in("recommender")
async def take_back(request: Request) -> Response:
    """Withdraws what was submitted; the place is free again."""
    fields = await read_form(request)
    reason = fields.get("reason", "").strip()
    if not 1 <= count_characters(reason) <= MAX_REASON_CHARACTERS:
        raise InvalidInput(
            Fault(
                "reason",
                f"say why, in 1 to {MAX_REASON_CHARACTERS} characters",
                f"请写明撤回原因，1 至 {MAX_REASON_CHARACTERS} 个字。",
            )
        )
    async with desk_of(request).connection() as connection:
        asked = await asked_of(request, connection)
        try:
            await withdraw(
                connection, asked.keys, asked.selection, asked.recommendation.id, reason=reason,
                account=asked.account,
            )  # fmt: skip
        except Refused as refusal:
            return await _check_page(request, connection, asked, refusal)
    return RedirectResponse(f"{path_of(asked.selection, asked.recommendation.id)}?done=withdrawn",
                            303)  # fmt: skip


@signed_in("recommender")
async def receipt(request: Request) -> Response:
    """What was handed in and when, by the database's clock, to keep and to print."""
    async with desk_of(request).connection() as connection:
        asked = await asked_of(request, connection)
        submissions = await load_submissions(
            connection, asked.keys, asked.selection, asked.recommendation
        )
        if not submissions:
            raise NotFound("nothing was submitted yet", zh="尚未提交，没有回执。")
        await record_look(connection, asked, "receipt")
    return page(
        request,
        "recommendations/receipt.html",
        selection=asked.selection,
        asked=asked,
        found=asked.recommendation,
        last=submissions[-1],
        earlier=submissions[:-1],
        second=lambda moment: to_the_second(request, asked.selection, moment),
    )


ROUTES = [
    Route(ONE, check),
    Route(f"{ONE}/submit", hand_in, methods=["POST"]),
    Route(f"{ONE}/withdraw", take_back, methods=["POST"]),
    Route(f"{ONE}/receipt", receipt),
]
