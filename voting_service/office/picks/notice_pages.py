"""The public notice and what came in against it."""

from __future__ import annotations

import asyncio
import re
from datetime import date
from typing import get_args

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from voting_service.contests.model import Text
from voting_service.contests.notices import Notice, load_notice
from voting_service.decisions.store import load_selection_decisions
from voting_service.desk.access import signed_in, visitor
from voting_service.desk.cookies import language
from voting_service.desk.forms import read_form
from voting_service.desk.rendering import page
from voting_service.desk.state import desk_of
from voting_service.errors import Fault, InvalidInput, NotFound
from voting_service.journal.record import record
from voting_service.office.asked import selection_of
from voting_service.office.model import READERS, REVIEWERS, Selection
from voting_service.office.picks.acts import numbers_of
from voting_service.office.picks.objections import (
    ObjectionNotice,
    ObjectionVerdict,
    answer_objection,
    enter_objection,
    load_objections,
)
from voting_service.office.picks.pages import deciding_values, waiting
from voting_service.office.picks.public_notices import (
    draw_of,
    end_of_period,
    fifty_notice,
    notice_slug,
    publish_fifty,
    shown_notice,
)
from voting_service.office.picks.store import (
    drawn_set,
    hand_over_blocked,
    load_picks,
    propose_replacement,
)
from voting_service.office.printing.review_list import ListedPerson, ReviewList, review_list
from voting_service.office.review.reading import load_dossiers
from voting_service.office.sealing import PersonalKeys
from voting_service.web.languages import LANGUAGES, written_moment
from voting_service.web.security_headers import SECURITY_HEADERS

NOTICE = "/selections/{slug}/notice"


@signed_in(*READERS)
async def notice_page(request: Request) -> Response:
    """What is public, what would be, and every objection with its answer."""
    desk = desk_of(request)
    keys = PersonalKeys.of(desk.settings)
    now = desk.clock()
    async with desk.connection() as connection:
        selection = await selection_of(request, connection)
        picks = await load_picks(connection, selection)
        dossiers = {d.id: d for d in await load_dossiers(connection, keys, selection)}
        objections = await load_objections(connection, keys, selection)
        decisions = await load_selection_decisions(connection, selection.id)
        shown = {
            kind: await shown_notice(connection, notice_slug(selection, kind), now)
            for kind in ("fifty", "result")
        }
        blocked = await hand_over_blocked(connection, selection) if picks else "numbers"
        await record(
            connection, visitor(request).account.name, "viewed", contest=selection.slug,
            subject="objections", details={"objections": len(objections)},
        )  # fmt: skip
    standing = {pick.recommendation_id for pick in picks if not pick.is_removed}
    chosen_ever = {pick.recommendation_id for pick in picks}
    return page(
        request,
        "picks/notice.html",
        selection=selection,
        picks=picks,
        dossiers=dossiers,
        objections=objections,
        shown=shown,
        blocked=blocked,
        is_numbered=bool(standing) and all(p.number for p in picks if not p.is_removed),
        to_replace=[
            each for each in objections
            if each.notice == "fifty" and each.verdict == "upheld"
            and each.recommendation_id in standing
        ],
        substitutes=[
            d for d in dossiers.values() if d.state == "accepted" and d.id not in chosen_ever
        ],
        waiting=waiting(decisions, "picks"),
        would_end=end_of_period(selection, now),
        now=now,
        today=now.astimezone(selection.zone).date(),
        public_url=desk.settings.public_url.rstrip("/"),
        **deciding_values(request),
    )  # fmt: skip


@signed_in(*READERS)
async def printed(request: Request) -> Response:
    """The notice as it hangs on walls: what was published, as PDF on A4."""
    desk = desk_of(request)
    async with desk.connection() as connection:
        selection = await selection_of(request, connection)
        slug = notice_slug(selection, "fifty")
        published = await load_notice(connection, slug, desk.clock())
        await record(
            connection, visitor(request).account.name, "exported", contest=selection.slug,
            subject=f"notice {slug}", details={"version": published.version},
        )  # fmt: skip
    listed = _review_list(selection, published.notice)
    pdf = await asyncio.to_thread(review_list, listed, language(request))
    headers = {
        **SECURITY_HEADERS,
        "cache-control": "no-store",
        "content-disposition": f'attachment; filename="{slug}.pdf"',
    }
    return Response(pdf, 200, headers, media_type="application/pdf")


def _review_list(selection: Selection, notice: Notice) -> ReviewList:
    until = notice.objections_until
    reader = {
        name: written_moment(until, selection.zone, name) if until else "" for name in LANGUAGES
    }
    text, how = notice.text or Text("", ""), notice.how_to_object or Text("", "")
    return ReviewList(
        selection=selection.title,
        title=notice.title,
        introduction=Text(
            zh=f"{text.zh}公示期至{reader['zh']}止。{how.zh}",
            en=f"{text.en} Objections are taken until {reader['en']}. {how.en}",
        ),
        people=tuple(
            ListedPerson(
                number=row.number,
                name=row.name,
                employer=row.employer,
                trade=row.trade,
                body=row.body,
            )
            for row in notice.rows
        ),
        issuer=_OFFICE,
        issued_on=notice.visible_from.astimezone(selection.zone).date(),
    )


_OFFICE = Text(zh="市高技办", en="The joint office")


@signed_in(*REVIEWERS, step_up=True)
async def publish(request: Request) -> Response:
    """Shows the fifty to everybody, from now on."""
    await read_form(request)
    desk = desk_of(request)
    keys = PersonalKeys.of(desk.settings)
    async with desk.connection() as connection:
        selection = await selection_of(request, connection)
        picks = await load_picks(connection, selection)
        numbers = {p.recommendation_id: p.number for p in picks if not p.is_removed}
        ever = [pick.recommendation_id for pick in picks]
        dossiers = {d.id: d for d in await load_dossiers(connection, keys, selection, ever)}
        decisions = await load_selection_decisions(connection, selection.id)
        drawn = [dossiers[number].form_sha256.hex() for number in drawn_set(picks)]
        draw = draw_of(selection, decisions, drawn)
        notice = fifty_notice(selection, dossiers, numbers, draw, desk.clock())
        await publish_fifty(connection, selection, visitor(request).account, notice, numbers)
    return _done(selection, "published")


@signed_in(*REVIEWERS)
async def enter(request: Request) -> Response:
    """Writes down an objection that came in."""
    form = await read_form(request)
    notice: ObjectionNotice | None = next(
        (kind for kind in get_args(ObjectionNotice) if kind == form.get("notice")), None
    )
    if notice is None:
        raise InvalidInput(Fault("notice", "say to which notice", "请选择针对哪一次公示。"))
    about = form.get("about", "")
    desk = desk_of(request)
    async with desk.connection() as connection:
        selection = await selection_of(request, connection)
        await enter_objection(
            connection,
            PersonalKeys.of(desk.settings),
            selection,
            visitor(request).account,
            notice=notice,
            about=numbers_of([about], "about")[0] if about else None,
            received_on=_day(form.get("received_on", "")),
            sender=form.get("sender", ""),
            content=form.get("content", ""),
        )
    return _done(selection, "entered")


def _day(text: str) -> date:
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise InvalidInput(Fault("received_on", "give the day", "请填写收到日期。"))
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidInput(Fault("received_on", "give the day", "请填写收到日期。")) from None


@signed_in(*REVIEWERS, step_up=True)
async def answer(request: Request) -> Response:
    """Answers an objection, under the name of who does."""
    form = await read_form(request)
    verdict: ObjectionVerdict | None = next(
        (each for each in get_args(ObjectionVerdict) if each == form.get("verdict")), None
    )
    if verdict is None:
        raise InvalidInput(Fault("verdict", "choose one", "请选择处理结论。"))
    desk = desk_of(request)
    async with desk.connection() as connection:
        selection = await selection_of(request, connection)
        await answer_objection(
            connection,
            PersonalKeys.of(desk.settings),
            selection,
            visitor(request).account,
            request.path_params["objection"],
            verdict=verdict,
            answer=form.get("answer", ""),
        )
    return _done(selection, "answered")


@signed_in(*REVIEWERS)
async def replace(request: Request) -> Response:
    """Proposes who comes instead; a second person approves on the page of the fifty."""
    form = await read_form(request)
    remove, add = numbers_of([form.get("remove", ""), form.get("add", "")], "add")
    desk = desk_of(request)
    async with desk.connection() as connection:
        selection = await selection_of(request, connection)
        objections = await load_objections(connection, PersonalKeys.of(desk.settings), selection)
        number = request.path_params["objection"]
        if (number, remove) not in {(each.id, each.recommendation_id) for each in objections}:
            raise NotFound("there is no such objection", zh="没有这条异议。")
        await propose_replacement(
            connection,
            selection,
            visitor(request).account,
            objection=number,
            remove=remove,
            add=add,
            now=desk.clock(),
        )
    return _done(selection, "proposed")


def _done(selection: Selection, what: str) -> Response:
    return RedirectResponse(f"/selections/{selection.slug}/notice?done={what}", 303)


ROUTES = [
    Route(NOTICE, notice_page),
    Route(f"{NOTICE}/list.pdf", printed),
    Route(f"{NOTICE}/publish", publish, methods=["POST"]),
    Route(f"{NOTICE}/objections", enter, methods=["POST"]),
    Route(f"{NOTICE}/objections/{{objection:int}}/answer", answer, methods=["POST"]),
    Route(f"{NOTICE}/objections/{{objection:int}}/replace", replace, methods=["POST"]),
]
