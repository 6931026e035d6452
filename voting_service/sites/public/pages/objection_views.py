"""Objecting online to the outcome of a contest or to a public notice, and looking the answer up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Literal, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from voting_service.contests.objections.model import (
    ATTACHMENT_FILES,
    LIMITS,
    ObjectionTarget,
    SubmittedObjection,
    WrittenObjection,
    sender_hash,
)
from voting_service.contests.objections.repository import load_first_cut
from voting_service.contests.objections.service import (
    OBJECTIONS_AFTER_CUT,
    check_objection_limit,
    look_up_objection,
    submit_objection,
)
from voting_service.errors import (
    InputTooLarge,
    InvalidInput,
    MalformedInput,
    NotFound,
    Refused,
    SentFromElsewhere,
    SlowDown,
    VotingError,
)
from voting_service.i18n.text import Text
from voting_service.infrastructure.postgres.pool import acquire, acquire_confirming
from voting_service.nomination.awards.published_result import shown_result
from voting_service.nomination.notices.repository import BEIJING, load_notice
from voting_service.sites.public.pages import objection_files
from voting_service.sites.public.pages.context import PageContext
from voting_service.sites.public.pages.forms import read_form
from voting_service.sites.public.pages.objection_files import FILES
from voting_service.sites.public.pages.responses import language_of_path, rendered_response
from voting_service.sites.public.rendering import render
from voting_service.sites.public.state import PublicState
from voting_service.sites.shared.client_address import client_networks
from voting_service.sites.shared.multipart import Upload, is_multipart
from voting_service.sites.shared.problem_documents import problem_kind
from voting_service.sites.shared.same_origin import refuse_cross_site

MAX_BODY_BYTES = 64 * 1024
"""The longest objection, each character percent-encoded."""
_MAX_TYPED = 80
Closed = Literal["not_yet", "over", "erased"]


class Objectionable(NamedTuple):
    """What a form objects to: `back` is its page, below the language; `until` is when objections
    end, None if that is not known. `closed` is why none is taken now, None while they are."""

    target: ObjectionTarget
    title: Text
    below: str
    back: str
    zone: tzinfo
    until: datetime | None
    closed: Closed | None


async def contest_objection(context: PageContext) -> Response:
    """Show the form for objections to a contest's outcome, or take one."""
    return await _answer(context.request, await _of_contest(context))


async def notice_objection(request: Request) -> Response:
    """Show the form for objections to a public notice, or take one. Raises NotFound."""
    return await _answer(request, await _of_notice(request))


async def _of_contest(context: PageContext) -> Objectionable:
    contest, now = context.contest, context.now
    async with acquire(context.state.read_pool) as connection:
        shown = await shown_result(connection, contest.id, now)
        cut_at = await load_first_cut(connection, contest.id)
    until = None
    if shown is not None:
        until = datetime.fromisoformat(shown.read().objections_until)
    elif cut_at is not None and not contest.rules.cut.panel:
        until = cut_at + OBJECTIONS_AFTER_CUT
    closed: Closed | None = None
    if contest.phase(now) != "closed":
        closed = "not_yet"
    elif context.contest_state.keys.pseudonym is None:
        closed = "erased"
    elif until is not None and now >= until:
        closed = "over"
    return Objectionable(
        ObjectionTarget(contest_id=contest.id),
        contest.rules.title,
        f"/{contest.slug}/objection",
        f"/{contest.slug}/outcome",
        contest.zone,
        until,
        closed,
    )


async def _of_notice(request: Request) -> Objectionable:
    state: PublicState = request.state.app_state
    slug, now = request.path_params["slug"], state.clock()
    if "\0" in slug:
        raise NotFound("sites.public.pages.no_such_notice")
    async with acquire(state.read_pool) as connection:
        notice = (await load_notice(connection, slug, now)).notice
    until = notice.objections_until
    if until is None:
        raise NotFound("sites.public.pages.no_such_notice")
    back = f"/notices/{notice.slug}"
    return Objectionable(
        ObjectionTarget(notice=notice.slug),
        notice.title,
        f"{back}/objection",
        back,
        notice.zone,
        until,
        None if now < until else "over",
    )


async def _answer(request: Request, about: Objectionable) -> Response:
    if request.method != "POST":
        return _form(request, about, {})
    state: PublicState = request.state.app_state
    fields: Mapping[str, str] = {}
    try:
        refuse_cross_site(request, state.settings.public_url)
        sender = _sender(request)
        async with objection_files.turn(request, sender):
            typed, files = await _read(request)
            fields = {name: typed.get(name, "").replace("\r\n", "\n") for name in LIMITS}
            if about.closed is not None:
                raise Refused("sites.public.pages.objections_not_open")
            written = WrittenObjection(**{name: value.strip() for name, value in fields.items()})
            number = await _submit(
                request, SubmittedObjection(about.target, written, sender), files
            )
    except VotingError as error:
        return _form(request, about, fields, error)
    return await _state_page(request, number, is_new=True)


async def _read(request: Request) -> tuple[Mapping[str, str], Sequence[Upload]]:
    """Return what was typed and the files; a form without files comes either way."""
    if not is_multipart(request):
        return (await read_form(request, tuple(LIMITS), MAX_BODY_BYTES)).fields, ()
    posted = await objection_files.read_form(request)
    return {name: posted.field(name) for name in LIMITS}, posted.all_files.get(FILES, ())


def _sender(request: Request) -> bytes:
    state: PublicState = request.state.app_state
    settings, key = state.settings, state.settings.master_key.get_secret_value()
    peer = request.client.host if request.client else ""
    forwarded_for = ", ".join(request.headers.getlist("x-forwarded-for"))
    network = ("nowhere", *client_networks(peer, forwarded_for, settings.trusted_proxies))[-1]
    return sender_hash(key, network, state.clock().date())


async def _submit(request: Request, sent: SubmittedObjection, files: Sequence[Upload]) -> str:
    state: PublicState = request.state.app_state
    key = state.settings.master_key.get_secret_value()
    sent.written.check()
    if files:
        async with acquire(state.read_pool) as connection:
            await check_objection_limit(connection, sent.sender)
        sent = sent._replace(attachment=await objection_files.examine(files))
    async with acquire_confirming(state.read_pool) as connection:
        return await submit_objection(connection, key, sent)


def _form(
    request: Request,
    about: Objectionable,
    fields: Mapping[str, str],
    error: VotingError | None = None,
) -> Response:
    """Return the form as it was filled in, with what is wrong at each field."""
    state: PublicState = request.state.app_state
    language = language_of_path(request)
    faults = (
        {fault.field: fault.text(language) for fault in error.faults}
        if isinstance(error, InvalidInput)
        else {}
    )
    body = render(
        "objection.html",
        language=language,
        path=about.below,
        title=None,
        about=about,
        fields=fields,
        limits=LIMITS,
        most_files=ATTACHMENT_FILES,
        file_types=objection_files.ACCEPTED,
        faults=faults,
        kind=None if error is None else _kind(error),
        public_url=state.settings.public_url.rstrip("/"),
    )
    response = rendered_response(body, 200 if error is None else problem_kind(error).status)
    if isinstance(error, SlowDown):
        response.headers["retry-after"] = str(error.retry_after_seconds)
    return response


_KINDS: Mapping[type[VotingError], str] = {
    MalformedInput: "malformed",
    InvalidInput: "invalid",
    InputTooLarge: "too_large",
    SlowDown: "slow_down",
    SentFromElsewhere: "elsewhere",
    Refused: "not_open",
}
"""The name of an error's text under `objection.fault`; the first that fits."""


def _kind(error: VotingError) -> str:
    return next((name for kind, name in _KINDS.items() if isinstance(error, kind)), "busy")


async def objections(request: Request) -> Response:
    """Show the form for an objection's number."""
    return await _state_page(request, "")


async def find_objection(request: Request) -> Response:
    """Show the state of an objection and the answer. Its number is posted: its holder reads the
    answer, so it stands in no address and no log. Raises as `read_form`."""
    form = await read_form(request, ("number",), MAX_BODY_BYTES)
    typed = form.fields.get("number", "").strip()[:_MAX_TYPED].replace("\0", "?")
    return await _state_page(request, typed)


async def _state_page(request: Request, typed: str, *, is_new: bool = False) -> Response:
    state: PublicState = request.state.app_state
    language = language_of_path(request)
    shown, error = None, None
    if typed:
        try:
            async with acquire(state.read_pool) as connection:
                key = state.settings.master_key.get_secret_value()
                shown = await look_up_objection(connection, key, typed)
        except (NotFound, Refused) as refusal:
            error = refusal
    contest = None
    if shown is not None and shown.target.contest_id is not None:
        contests = {contest.id: contest for contest in state.contests()}
        contest = contests.get(shown.target.contest_id)
    body = render(
        "objections.html",
        language=language,
        path="/objections",
        title=None,
        typed=typed,
        is_new=is_new,
        shown=shown,
        contest=contest,
        zone=contest.zone if contest else BEIJING,
        fault=None if error is None else error.text(language),
        public_url=state.settings.public_url.rstrip("/"),
    )
    status = 404 if isinstance(error, NotFound) else 422 if error else 200
    return rendered_response(body, status)
