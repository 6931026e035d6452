"""Certificates and their numbers; album, report and minutes as PDF; every fetch in the journal."""

from __future__ import annotations

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from voting_service.contests.awards import (
    album_languages,
    load_certificates,
    load_results,
    number_certificates,
    show_album,
)
from voting_service.contests.model import Language
from voting_service.desk.access import signed_in, visitor
from voting_service.desk.cookies import language as language_of
from voting_service.desk.forms import read_form
from voting_service.desk.rendering import page
from voting_service.desk.state import desk_of
from voting_service.errors import Fault, InvalidInput, NotFound, Refused
from voting_service.journal.record import record
from voting_service.office.announcement.gathering import gather_minutes, newest_result
from voting_service.office.announcement.papers import (
    KINDS,
    ask_for,
    load_paper,
    load_papers,
    make,
)
from voting_service.office.asked import selection_of
from voting_service.office.model import READERS, REVIEWERS
from voting_service.office.panel.outcome import load_outcome
from voting_service.office.panel.pages import names_of
from voting_service.office.panel.reading import panel_of
from voting_service.office.printing.minutes import panel_minutes
from voting_service.typesetting.compile import in_background
from voting_service.web.languages import LANGUAGES

PREFIX = "/selections/{slug}/papers"
MAX_FIELD_CHARACTERS = 60


def _back(request: Request, task: BackgroundTask | None = None) -> Response:
    address = PREFIX.replace("{slug}", request.path_params["slug"])
    return RedirectResponse(address, 303, background=task)


def _pdf(content: bytes, name: str) -> Response:
    headers = {
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "content-disposition": f'attachment; filename="{name}"',
    }
    return Response(content, 200, headers, media_type="application/pdf")


@signed_in(*READERS)
async def papers_page(request: Request) -> Response:
    """Certificates with their numbers, and what was made or is being made."""
    desk = desk_of(request)
    async with desk.connection() as connection:
        panel = await panel_of(request, connection)
        papers = await load_papers(connection, panel.selection)
        results = await load_results(connection, panel.contest.id) if panel.contest else ()
        certificates = (
            await load_certificates(connection, panel.contest.id) if panel.contest else ()
        )
        shown = [one.version for one in results if one.visible_at <= desk.clock()]
        albums = (
            await album_languages(connection, panel.contest.id, shown[-1])
            if panel.contest and shown
            else frozenset()
        )
    document = results[-1].read() if results else None
    numbered = {(one.number, one.award) for one in certificates}
    return page(
        request,
        "announcement/papers.html",
        selection=panel.selection,
        document=document,
        certificates=certificates,
        all_numbered=document is not None
        and all(
            (one.number, document.award_of(one.number)) in numbered for one in document.awarded
        ),
        names=names_of(panel),
        papers=[(one, one.state(desk.clock())) for one in papers],
        kinds=list(KINDS),
        albums=albums,
        may_make=visitor(request).account.role in REVIEWERS,
        public_url=desk.settings.public_url.rstrip("/"),
    )


@signed_in(*READERS)
async def progress(request: Request) -> Response:
    """How far the papers are, for the page's script."""
    desk = desk_of(request)
    async with desk.connection() as connection:
        selection = await selection_of(request, connection)
        papers = await load_papers(connection, selection)
    states = {str(one.id): [one.state(desk.clock()), one.steps_done] for one in papers}
    return JSONResponse(states, headers={"cache-control": "no-store"})


@signed_in(*REVIEWERS, step_up=True)
async def number(request: Request) -> Response:
    """Gives everybody whom the result names a certificate's number and code."""
    await read_form(request)
    desk = desk_of(request)
    async with desk.connection() as connection, connection.transaction():
        panel = await panel_of(request, connection)
        contest, result, document = await newest_result(connection, panel)
        awarded = [
            (one.number, award)
            for one in document.awarded
            if (award := document.award_of(one.number)) is not None
        ]
        year = result.visible_at.astimezone(panel.selection.zone).year
        made = await number_certificates(connection, contest.id, awarded, year, desk.clock())
        await record(
            connection,
            visitor(request).account.name,
            "certificates_issued",
            contest=panel.selection.slug,
            subject=f"{len(made)} certificates",
            details={"serials": [one.serial for one in made]},
        )
    return _back(request)


@signed_in(*REVIEWERS)
async def start(request: Request) -> Response:
    """Has a paper made in the background."""
    form = await read_form(request)
    kind, language = KINDS.get(form.get("kind", "")), _language(form.get("language", ""))
    if kind is None:
        raise InvalidInput(Fault("kind", "choose a paper", "请选择要制作的文件。"))
    desk = desk_of(request)
    async with desk.connection() as connection:
        selection = await selection_of(request, connection)
        account = visitor(request).account
        now = desk.clock()
        paper_id = await ask_for(
            connection, selection, account, kind=kind, language=language, now=now
        )
    return _back(request, BackgroundTask(make, desk, selection, paper_id, kind, language))


def _language(text: str) -> Language:
    for one in LANGUAGES:
        if one == text:
            return one
    raise InvalidInput(Fault("language", "choose a language", "请选择语言。"))


@signed_in(*READERS)
async def fetch(request: Request) -> Response:
    """A finished paper; who took it stands in the journal."""
    paper_id = request.path_params["paper"]
    async with desk_of(request).connection() as connection, connection.transaction():
        selection = await selection_of(request, connection)
        kind, language, content, _ = await load_paper(connection, selection, paper_id)
        await record(
            connection,
            visitor(request).account.name,
            "exported",
            contest=selection.slug,
            subject=f"paper {paper_id}: {kind}, {language}",
        )
    return _pdf(content, f"{selection.slug}-{kind}-{language}.pdf")


@signed_in(*REVIEWERS, step_up=True)
async def publish_album(request: Request) -> Response:
    """Puts an album for the web on the public site, as soon and as long as citizens see the result
    that it was made from."""
    await read_form(request)
    desk, paper_id = desk_of(request), request.path_params["paper"]
    async with desk.connection() as connection, connection.transaction():
        panel = await panel_of(request, connection)
        contest, _, _ = await newest_result(connection, panel)
        kind, language, content, version = await load_paper(connection, panel.selection, paper_id)
        if kind != "album_web" or version is None:
            raise NotFound("this is no album for the web", zh="这不是网络版画册。")
        await show_album(
            connection, contest.id, language, version=version, content=content, now=desk.clock()
        )
        await record(
            connection,
            visitor(request).account.name,
            "published",
            contest=panel.selection.slug,
            subject=f"album, {language}",
        )
    return _back(request)


@signed_in(*REVIEWERS)
async def minutes(request: Request) -> Response:
    """The minutes of the panel, with place, chair and secretary as they are given."""
    form = await read_form(request)
    said = {name: form.get(name, "").strip() for name in ("place", "chair", "secretary")}
    faults = [
        Fault(
            name,
            f"fill this in, up to {MAX_FIELD_CHARACTERS} characters",
            f"请填写，最多 {MAX_FIELD_CHARACTERS} 个字。",
        )
        for name, text in said.items()
        if not 1 <= len(text) <= MAX_FIELD_CHARACTERS or not text.isprintable()
    ]
    if faults:
        raise InvalidInput(*faults)
    desk, language = desk_of(request), language_of(request)
    async with desk.connection() as connection, connection.transaction():
        panel = await panel_of(request, connection)
        outcome = await load_outcome(connection, panel)
        if outcome is None or outcome.order is None:
            raise Refused(
                "the panel has not finished; its minutes come after",
                zh="评审尚未结束，不能制作会议纪要。",
            )
        contents = gather_minutes(panel, outcome, language=language, **said)
        await record(
            connection,
            visitor(request).account.name,
            "exported",
            contest=panel.selection.slug,
            subject="minutes of the panel",
        )
    content = await in_background(lambda: panel_minutes(contents, language))
    return _pdf(content, f"{panel.selection.slug}-minutes-{language}.pdf")


ROUTES = [
    Route(PREFIX, papers_page),
    Route(PREFIX, start, methods=["POST"]),
    Route(f"{PREFIX}/progress.json", progress),
    Route(f"{PREFIX}/certificates", number, methods=["POST"]),
    Route(f"{PREFIX}/minutes", minutes, methods=["POST"]),
    Route(f"{PREFIX}/{{paper:int}}.pdf", fetch),
    Route(f"{PREFIX}/{{paper:int}}/online", publish_album, methods=["POST"]),
]
