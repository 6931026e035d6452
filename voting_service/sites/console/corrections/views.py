"""Pages of corrections and withdrawals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.contests.candidate_changes.approval_kinds import (
    KINDS,
    PROFILE_CORRECTION,
    WITHDRAWAL,
)
from voting_service.contests.candidate_changes.descriptions import (
    ProfileChange,
    describe_change,
    describe_fields,
    describe_withdrawals,
    field_name,
)
from voting_service.contests.candidate_changes.fields import SHAPES, Shape, typed_values
from voting_service.contests.candidate_changes.model import PICTURES
from voting_service.contests.candidate_changes.service import load_shown_fields
from voting_service.contests.model import Contest, WithdrawalGround
from voting_service.contests.phases import is_published
from voting_service.contests.pictures.repository import load_file
from voting_service.contests.repository import load_contest
from voting_service.errors import InvalidInput, NotFound, VotingError
from voting_service.i18n.catalogues import load_catalogue
from voting_service.i18n.text import Language
from voting_service.infrastructure.images.model import WIDTHS
from voting_service.sites.console.contests import contest_from_path
from voting_service.sites.console.tally_reads import READERS, current_figures
from voting_service.sites.shared.signed_in.access import current_user, signed_in
from voting_service.sites.shared.signed_in.cookies import language
from voting_service.sites.shared.signed_in.rendering import PAGE_HEADERS, page
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.staff.approvals.model import DECIDERS, ApprovalRequest
from voting_service.staff.approvals.repository import load_contest_approvals
from voting_service.voting.cut.examination import load_publications
from voting_service.voting.tally.live_figures import Figures

PREFIX = "/contests/{slug}/corrections"


class ProposedCorrection(msgspec.Struct, frozen=True):
    """A proposed change; `fields` is empty for a withdrawal. `portraits` are the hashes of the
    portrait now and as proposed, where it would change; `is_stale`: it no longer fits."""

    approval: ApprovalRequest
    number: int
    title: str
    reason: str
    fields: tuple[ProfileChange, ...] = ()
    before_hidden: bool = False
    portraits: tuple[str | None, ...] = ()
    is_stale: bool = False


class Past(msgspec.Struct, frozen=True):
    """A request that was approved: what it changed, and the public reason."""

    approval: ApprovalRequest
    title: str
    reason: str
    fields: tuple[ProfileChange, ...]


@signed_in(*READERS)
async def corrections_page(request: Request) -> Response:
    """Show the candidates, the proposals that wait, and the history."""
    state, user, reader = get_state(request), current_user(request), language(request)
    async with state.connection() as connection:
        contest = await load_contest(connection, contest_from_path(request).slug)
        approvals = await load_contest_approvals(connection, contest.id)
    changes = [a for a in approvals if a.kind in KINDS and a.is_readable]
    waiting = [_waiting(contest, a, reader) for a in changes if a.state == "waiting"]
    figures = None
    if any(card.approval.kind == WITHDRAWAL.name for card in waiting):
        figures = await current_figures(state, contest)
    return page(
        request,
        "corrections/corrections.html",
        contest=contest,
        may_decide=user.account.role in DECIDERS,
        withdrawals={w.number: w for w in describe_withdrawals(contest, reader)},
        waiting=waiting,
        names={c.number: getattr(c.name, reader) for c in contest.candidates},
        figures=figures,
        moves_up={
            card.number: _moves_up(figures, card.number, contest.rules.cut.size)
            for card in waiting
            if figures and not card.fields
        },
        history=[_past(contest, a, reader) for a in reversed(changes) if a.state == "approved"],
        public_url=state.settings.public_url,
    )


def _waiting(contest: Contest, approval: ApprovalRequest, reader: Language) -> ProposedCorrection:
    title = describe_change(contest, approval, reader)
    if approval.kind == WITHDRAWAL.name:
        withdrawal = WITHDRAWAL.read(approval)
        reason = getattr(withdrawal.reason, reader)
        return ProposedCorrection(approval, withdrawal.number, title, reason)
    payload = PROFILE_CORRECTION.read(approval)
    turn = 1 + sum(c.number == payload.number for c in contest.corrections)
    now, then = (_portrait(fields) for fields in (payload.before, payload.after))
    return ProposedCorrection(
        approval,
        payload.number,
        title,
        getattr(payload.reason, reader),
        describe_fields(payload.before, payload.after, reader),
        payload.before_hidden,
        (now, then) if now != then else (),
        approval.subject != f"{payload.number}/{turn}",
    )


def _portrait(fields: Mapping[str, list[dict[str, str]]]) -> str | None:
    pictures = fields.get(PICTURES, [])
    return next((p["hash"] for p in pictures if p["caption"] is None), None)


def _past(contest: Contest, approval: ApprovalRequest, reader: Language) -> Past:
    fields: tuple[ProfileChange, ...] = ()
    if approval.kind == PROFILE_CORRECTION.name:
        payload = PROFILE_CORRECTION.read(approval)
        fields = describe_fields(payload.before, payload.after, reader)
    reason = approval.payload["reason"][reader]
    return Past(approval, describe_change(contest, approval, reader), reason, fields)


class FormField(msgspec.Struct, frozen=True):
    """The inputs of one field: a text in both languages, a list of texts, or a plain value."""

    name: str
    label: str
    shape: Shape


@signed_in(*DECIDERS, step_up=True)
async def correction_form(request: Request) -> Response:
    """Ask what should be corrected, and why."""
    return await filled_correction(request, {})


async def filled_correction(
    request: Request, filled: Mapping[str, str], error: VotingError | None = None
) -> Response:
    """Return the form as it was filled in, with what was wrong. Raises NotFound."""
    state, reader, number = get_state(request), language(request), request.path_params["number"]
    async with state.connection() as connection:
        contest = await load_contest(connection, contest_from_path(request).slug)
        shown = await load_shown_fields(connection, contest, number)
    return page(
        request,
        "corrections/correct.html",
        status=_status(error),
        contest=contest,
        candidate_number=number,
        name=shown["name"][reader],
        fields=[FormField(name, field_name(name, reader), SHAPES[name]) for name in SHAPES],
        pictures=shown[PICTURES],
        is_public=is_published(contest, state.clock()),
        values={**typed_values(shown), **filled},
        faults=_faults(error, reader),
    )


@signed_in(*DECIDERS, step_up=True)
async def withdrawal_form(request: Request) -> Response:
    """Ask why the candidate leaves, and show what it means."""
    return await filled_withdrawal(request, {})


async def filled_withdrawal(
    request: Request, filled: Mapping[str, str], error: VotingError | None = None
) -> Response:
    """Return the form as it was filled in, with what was wrong. Raises NotFound."""
    state, reader, number = get_state(request), language(request), request.path_params["number"]
    async with state.connection() as connection:
        contest = await load_contest(connection, contest_from_path(request).slug)
        shown = await load_shown_fields(connection, contest, number)
        has_result = bool(await load_publications(connection, contest.id))
    figures = await current_figures(state, contest)
    return page(
        request,
        "corrections/withdraw.html",
        status=_status(error),
        contest=contest,
        candidate_number=number,
        name=shown["name"][reader],
        grounds={
            ground: load_catalogue("candidate_changes", reader)["grounds"][ground]
            for ground in get_args(WithdrawalGround)
        },
        figures=figures,
        moves_up=_moves_up(figures, number, contest.rules.cut.size),
        is_published=has_result,
        filled=filled,
        faults=_faults(error, reader),
    )


def _moves_up(figures: Figures, number: int, size: int) -> int | None:
    """Return who would be the last of the first `size` in this candidate's place."""
    order = [listed for listed in figures.best_first() if listed not in figures.withdrawn]
    return order[size] if number in order[:size] and len(order) > size else None


def _status(error: VotingError | None) -> int:
    return 200 if error is None else 422 if isinstance(error, InvalidInput) else 409


def _faults(error: VotingError | None, reader: Language) -> list[str]:
    """Return what was wrong with a form, in the reader's language."""
    if isinstance(error, InvalidInput):
        return [
            str(fault) if reader == "en" else f"{fault.field}：{fault.zh}" for fault in error.faults
        ]
    return [error.text(reader)] if error else []


@signed_in(*READERS)
async def picture(request: Request) -> Response:
    """Return a picture of a candidate, shown or proposed, in a small size. Raises NotFound."""
    async with get_state(request).connection() as connection:
        content = await load_file(
            connection, request.path_params["hash"], WIDTHS["portrait"][1], "webp"
        )
    if content is None:
        raise NotFound("sites.console.corrections.no_such_picture")
    return Response(content, 200, PAGE_HEADERS, media_type="image/webp")


ROUTES = [
    Route(PREFIX, corrections_page),
    Route(f"{PREFIX}/{{number:int}}/correct", correction_form),
    Route(f"{PREFIX}/{{number:int}}/withdraw", withdrawal_form),
    Route(f"{PREFIX}/pictures/{{hash}}", picture),
]
