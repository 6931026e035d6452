"""The public notice of the shortlist, and the objections to notices."""

from __future__ import annotations

import asyncio
import re
from datetime import date, timedelta
from typing import get_args

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.errors import Fault, InvalidInput
from voting_service.i18n.catalogues import load_catalogue, load_text
from voting_service.i18n.text import Text
from voting_service.infrastructure.typesetting.glyph_coverage import handwritten
from voting_service.nomination.documents.formatting import day_text
from voting_service.nomination.documents.notice_list import (
    NoticeGroup,
    NoticeList,
    NoticeListRow,
    render_notice_list,
)
from voting_service.nomination.model import READERS, REVIEWERS, Selection
from voting_service.nomination.notices.repository import Notice, NoticeRow
from voting_service.nomination.shortlist.model import Replacement, waiting_approvals
from voting_service.nomination.shortlist.objections import (
    NewObjection,
    ObjectionAnswer,
    ObjectionNotice,
    ObjectionVerdict,
    answer_objection,
    enter_objection,
)
from voting_service.nomination.shortlist.pages import load_notice_page
from voting_service.nomination.shortlist.public_notices import end_of_notice_period
from voting_service.nomination.shortlist.service import (
    export_shortlist_notice,
    propose_replacement,
    publish_shortlist_notice,
)
from voting_service.sites.nomination.context import selection_actor
from voting_service.sites.nomination.shortlist.context import (
    NOTICE,
    decision_values,
    read_numbers,
)
from voting_service.sites.shared.downloads import content_disposition
from voting_service.sites.shared.security_headers import SECURITY_HEADERS
from voting_service.sites.shared.signed_in.access import signed_in
from voting_service.sites.shared.signed_in.cookies import language
from voting_service.sites.shared.signed_in.forms import read_form
from voting_service.sites.shared.signed_in.rendering import page, redirect_done
from voting_service.sites.shared.signed_in.state import get_state


@signed_in(*READERS)
async def notice_page(request: Request) -> Response:
    """The published notices, the next one, and every objection with its answer."""
    state = get_state(request)
    async with state.connection() as connection:
        actor = await selection_actor(request, connection)
        shown = await load_notice_page(actor)
    selection = actor.selection
    return page(
        request,
        "shortlist/notice.html",
        selection=selection,
        entries=shown.entries,
        people=shown.people,
        by_hand=handwritten([person.form.name for person in shown.people.values()]),
        objections=shown.objections,
        notices=shown.notices,
        blocker=shown.blocker,
        is_numbered=shown.is_numbered,
        to_replace=shown.to_replace,
        substitutes=shown.substitutes,
        waiting=waiting_approvals(shown.approvals, ("shortlist",)),
        would_end=end_of_notice_period(selection, actor.now),
        now=actor.now,
        today=actor.today,
        public_url=state.settings.public_url.rstrip("/"),
        **decision_values(request),
    )


@signed_in(*READERS)
async def print_notice(request: Request) -> Response:
    """The published notice of the shortlist as PDF on A4."""
    async with get_state(request).connection() as connection:
        actor = await selection_actor(request, connection)
        published = await export_shortlist_notice(actor)
    listed = _notice_list(actor.selection, published.notice)
    pdf = await asyncio.to_thread(render_notice_list, listed, language(request))
    texts = load_catalogue("recommendations", language(request))["file_names"]
    name = f"{texts['notice']}-{published.notice.slug}.pdf"
    headers = {
        **SECURITY_HEADERS,
        "cache-control": "no-store",
        "content-disposition": content_disposition(name),
    }
    return Response(pdf, 200, headers, media_type="application/pdf")


def _notice_list(selection: Selection, notice: Notice) -> NoticeList:
    first_day = notice.visible_from.astimezone(selection.zone).date()
    ends_at = notice.objections_until or notice.visible_from
    # The period ends at midnight: its last day is the one before.
    last_day = (ends_at.astimezone(selection.zone) - timedelta(microseconds=1)).date()
    empty = Text("", "")
    rules = selection.rules
    return NoticeList(
        title=notice.title,
        introduction=load_text(
            "shortlist",
            "public_notice.printed",
            text=notice.text or empty,
            first_day=day_text(first_day),
            last_day=day_text(last_day),
            how_to_object=notice.how_to_object or empty,
        ),
        groups=(NoticeGroup(empty, tuple(map(_row, notice.rows))),),
        issuer=rules.office,
        issued_on=first_day,
        year=selection.year,
        document_code=rules.document_code,
        contact_person=rules.contact_person,
        telephone=rules.telephone,
    )


def _row(row: NoticeRow) -> NoticeListRow:
    """A row as it was published: in Chinese alone, for nothing is translated by then."""
    return NoticeListRow(
        number=row.number,
        name=Text(row.name, row.name),
        employer=Text(row.employer, row.employer),
        trade=Text(row.trade, row.trade),
        body=row.body,
    )


@signed_in(*REVIEWERS, step_up=True)
async def publish(request: Request) -> Response:
    """Publish the notice of the shortlist, visible at once."""
    await read_form(request)
    async with get_state(request).connection() as connection:
        await publish_shortlist_notice(await selection_actor(request, connection))
    return redirect_done(request, NOTICE, "published")


@signed_in(*REVIEWERS)
async def enter(request: Request) -> Response:
    """Enter an objection that was received."""
    form = await read_form(request)
    notice: ObjectionNotice | None = next(
        (kind for kind in get_args(ObjectionNotice) if kind == form.get("notice")), None
    )
    if notice is None:
        raise InvalidInput(Fault("notice", "sites.nomination.shortlist.choose_notice"))
    subject = form.get("about", "")
    objection = NewObjection(
        notice=notice,
        recommendation_id=read_numbers([subject], "about")[0] if subject else None,
        received_on=_read_day(form.get("received_on", "")),
        sender=form.get("sender", ""),
        content=form.get("content", ""),
    )
    async with get_state(request).connection() as connection:
        await enter_objection(await selection_actor(request, connection), objection)
    return redirect_done(request, NOTICE, "entered")


def _read_day(text: str) -> date:
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            pass
    raise InvalidInput(Fault("received_on", "sites.nomination.shortlist.enter_day"))


@signed_in(*REVIEWERS, step_up=True)
async def answer(request: Request) -> Response:
    """Answer an objection, in the name of the signed-in person."""
    form = await read_form(request)
    verdict: ObjectionVerdict | None = next(
        (option for option in get_args(ObjectionVerdict) if option == form.get("verdict")), None
    )
    if verdict is None:
        raise InvalidInput(Fault("verdict", "sites.nomination.shortlist.choose_outcome"))
    async with get_state(request).connection() as connection:
        await answer_objection(
            await selection_actor(request, connection),
            request.path_params["objection"],
            ObjectionAnswer(verdict, form.get("answer", "")),
        )
    return redirect_done(request, NOTICE, "answered")


@signed_in(*REVIEWERS)
async def replace(request: Request) -> Response:
    """Propose a replacement; a second person approves it on the shortlist page."""
    form = await read_form(request)
    remove, add = read_numbers([form.get("remove", ""), form.get("add", "")], "add")
    replacement = Replacement(request.path_params["objection"], remove, add)
    async with get_state(request).connection() as connection:
        await propose_replacement(await selection_actor(request, connection), replacement)
    return redirect_done(request, NOTICE, "proposed")


ROUTES = [
    Route(NOTICE, notice_page),
    Route(f"{NOTICE}/list.pdf", print_notice),
    Route(f"{NOTICE}/publish", publish, methods=["POST"]),
    Route(f"{NOTICE}/objections", enter, methods=["POST"]),
    Route(f"{NOTICE}/objections/{{objection:int}}/answer", answer, methods=["POST"]),
    Route(f"{NOTICE}/objections/{{objection:int}}/replace", replace, methods=["POST"]),
]
