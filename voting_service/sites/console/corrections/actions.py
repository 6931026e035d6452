"""Propose, approve and decline corrections and withdrawals.

Proposals and approvals need a recently confirmed identity. A refused form is shown again as it was
filled in; only the file has to be chosen again.
"""

from __future__ import annotations

from typing import get_args

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.contests.candidate_changes.fields import read_fields
from voting_service.contests.candidate_changes.service import (
    CorrectionDraft,
    approve_candidate_change,
    decline_candidate_change,
    load_shown_fields,
    propose_correction,
    propose_withdrawal,
)
from voting_service.contests.model import WithdrawalGround
from voting_service.contests.repository import load_contest
from voting_service.errors import Fault, InvalidInput, Refused
from voting_service.i18n.text import Text, in_both
from voting_service.infrastructure.images.uploads import encode_upload
from voting_service.sites.console.contests import contest_from_path
from voting_service.sites.console.corrections.views import (
    PREFIX,
    filled_correction,
    filled_withdrawal,
)
from voting_service.sites.console.declining import decline_from_form
from voting_service.sites.shared.multipart import Upload
from voting_service.sites.shared.signed_in.access import current_actor, signed_in
from voting_service.sites.shared.signed_in.forms import read_form
from voting_service.sites.shared.signed_in.rate_limits import limiter, rate
from voting_service.sites.shared.signed_in.rendering import redirect_done
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.sites.shared.signed_in.uploads import encoding_turn, read_upload
from voting_service.staff.approvals.model import DECIDERS


@signed_in(*DECIDERS, step_up=True)
@limiter.limit(rate("upload"))
async def correct(request: Request) -> Response:
    """Propose a correction."""
    posted = await read_upload(request)
    form = {name: values[0] for name, values in posted.fields.items()}
    try:
        await _propose_correction(request, form, posted.files.get("portrait"))
    except (Refused, InvalidInput) as error:
        return await filled_correction(request, form, error)
    return redirect_done(request, PREFIX, "proposed")


async def _propose_correction(
    request: Request, form: dict[str, str], upload: Upload | None
) -> None:
    number: int = request.path_params["number"]
    portrait = None
    if upload is not None:
        async with encoding_turn():
            portrait = await encode_upload(
                upload.content, upload.name, "portrait", field="portrait"
            )
    async with get_state(request).connection() as connection:
        contest = await load_contest(connection, contest_from_path(request).slug)
        shown = await load_shown_fields(connection, contest, number)
        draft = CorrectionDraft(
            read_fields(form, shown), portrait, "hide_before" in form, _reason(form)
        )
        await propose_correction(current_actor(request, connection), contest, number, draft)


@signed_in(*DECIDERS, step_up=True)
async def withdraw(request: Request) -> Response:
    """Propose that a candidate leaves the contest."""
    form = await read_form(request)
    try:
        ground = _ground(form)
        async with get_state(request).connection() as connection:
            contest = await load_contest(connection, contest_from_path(request).slug)
            actor, number = current_actor(request, connection), request.path_params["number"]
            await propose_withdrawal(actor, contest, number, ground, _reason(form))
    except (Refused, InvalidInput) as error:
        return await filled_withdrawal(request, form, error)
    return redirect_done(request, PREFIX, "proposed")


def _ground(form: dict[str, str]) -> WithdrawalGround:
    for ground in get_args(WithdrawalGround):
        if ground == form.get("ground"):
            return ground  # type: ignore[no-any-return]
    raise InvalidInput(Fault("ground", "sites.console.corrections.choose_ground"))


def _reason(form: dict[str, str]) -> Text:
    return in_both(form.get("reason_zh", ""), form.get("reason_en", ""))


@signed_in(*DECIDERS, step_up=True)
async def approve(request: Request) -> Response:
    """Approve a change, which takes effect."""
    await read_form(request)
    async with get_state(request).connection() as connection:
        contest = await load_contest(connection, contest_from_path(request).slug)
        actor, approval = current_actor(request, connection), request.path_params["approval"]
        await approve_candidate_change(actor, contest, approval)
    return redirect_done(request, PREFIX, "approved")


@signed_in(*DECIDERS)
async def reject(request: Request) -> Response:
    """Decline a change, or withdraw one's own."""
    await decline_from_form(request, decline_candidate_change)
    return redirect_done(request, PREFIX, "declined")


ROUTES = [
    Route(f"{PREFIX}/{{number:int}}/correct", correct, methods=["POST"]),
    Route(f"{PREFIX}/{{number:int}}/withdraw", withdraw, methods=["POST"]),
    Route(f"{PREFIX}/approvals/{{approval:int}}/approve", approve, methods=["POST"]),
    Route(f"{PREFIX}/approvals/{{approval:int}}/decline", reject, methods=["POST"]),
]
