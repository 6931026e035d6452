"""The public pages of a draft, rendered by the public site's own code on the staff's origin.

Nothing of it is public: every page is behind the sign-in. Links stay inside the preview, and what
needs voters (ballots, standings, receipts) is named instead of shown.
"""

from __future__ import annotations

import re
from functools import partial

from markupsafe import escape
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from voting_service.contests.drafts.model import ContestDraft, DraftPicture
from voting_service.contests.drafts.repository import load_draft_logo, load_draft_pictures
from voting_service.contests.drafts.service import examine_draft
from voting_service.contests.model import Contest
from voting_service.contests.phases import published_at
from voting_service.contests.pictures.model import Picture
from voting_service.errors import NotFound
from voting_service.i18n.text import LANGUAGES, Language
from voting_service.sites.console.contests import contest_cache
from voting_service.sites.console.drafts.views import (
    DRAFT,
    PREFIX,
    READERS,
    draft_from_path,
    drafts_texts,
)
from voting_service.sites.public.caches.pages import PageCache
from voting_service.sites.public.caches.share_pictures import WHOLE_CONTEST
from voting_service.sites.shared.signed_in.access import current_actor, signed_in
from voting_service.sites.shared.signed_in.rendering import PAGE_HEADERS, page
from voting_service.sites.shared.signed_in.state import get_state

_TAG = re.compile(r"<[a-z][^>]*>")
_ADDRESS = re.compile(r'(?<=["\' ])/(?!/)[^"\' ]*')


class _PreviewPages(PageCache):
    """The pages without the picture that messengers show, which only the public site draws."""

    def named_picture(self, language: Language, number: int = WHOLE_CONTEST) -> None:
        return None


@signed_in(*READERS)
async def preview(request: Request) -> Response:
    """Show a page of the draft: the list, a profile, the rules, or the page before publication."""
    reader, below = _language(request), request.path_params.get("below", "").strip("/")
    state = get_state(request)
    async with state.connection() as connection:
        draft = await draft_from_path(request, connection)
        checked = await examine_draft(current_actor(request, connection), draft)
        pictures = await load_draft_pictures(connection, draft.id)
        logo = await load_draft_logo(connection, draft.id)
    if checked.contest is None:
        return RedirectResponse(f"{PREFIX}/{draft.id}", 303)
    contest = Contest(
        id=0,
        slug=checked.contest.slug,
        rules=checked.contest.rules,
        opens_at=checked.contest.opens_at,
        closes_at=checked.contest.closes_at,
        revision=draft.revision,
        candidates=checked.contest.candidates,
        logo=logo,
    )
    moment = published_at(contest) if below == "coming" else contest.opens_at
    pages = _PreviewPages(contest, moment, state.settings.public_url, _by_number(pictures))
    body = _render(request, pages, reader, below)
    if body is None:
        return page(request, "drafts/preview_elsewhere.html", draft=draft, reader=reader)
    return Response(
        _framed(request, draft, reader, body.decode()), 200, PAGE_HEADERS, media_type="text/html"
    )


def _language(request: Request) -> Language:
    for language in LANGUAGES:
        if language == request.path_params["language"]:
            return language
    raise NotFound("sites.console.drafts.no_such_page")


def _by_number(pictures: tuple[DraftPicture, ...]) -> dict[int, list[Picture]]:
    shown: dict[int, list[Picture]] = {}
    for named in pictures:
        shown.setdefault(named.number, []).append(named.picture)
    return shown


def _render(request: Request, pages: PageCache, reader: Language, below: str) -> bytes | None:
    """Return a page; None for one that needs voters."""
    if below == "":
        return pages.candidates(reader, 0).body
    if below == "rules":
        return pages.rules(reader, contest_cache(request).platforms.values()).body
    if below == "coming":
        return pages.coming(reader).body
    number = below.removeprefix("candidates/")
    if number != below and number.isascii() and number.isdigit() and len(number) < 5:
        return pages.profile(reader, int(number)).body
    return None


def _framed(request: Request, draft: ContestDraft, reader: Language, body: str) -> str:
    """Return the page under a bar that names it a preview, with links that stay in it."""
    base = f"{PREFIX}/{draft.id}/preview"
    texts = drafts_texts(request)
    links = " · ".join(
        f'<a href="{base}/{reader}{path}">{escape(texts["preview_pages"][name])}</a>'
        for name, path in (("list", ""), ("rules", "/rules"), ("coming", "/coming"))
    )
    bar = (
        f'<aside class="preview-bar" lang="{"zh-Hans" if texts["code"] == "zh" else "en"}">'
        f"<strong>{escape(texts['preview_bar'])}</strong> {links} · "
        f'<a href="{PREFIX}/{draft.id}">{escape(texts["preview_back"])}</a></aside>'
    )
    sheet = get_state(request).theme.static_url("preview.css")
    kept = _TAG.sub(lambda tag: _ADDRESS.sub(partial(_in_preview, draft, base), tag[0]), body)
    linked = kept.replace("</head>", f'<link rel="stylesheet" href="{sheet}">\n</head>', 1)
    before, header, rest = linked.partition("<header")  # after the link that skips to the content
    return f"{before}{bar}\n{header}{rest}"


def _in_preview(draft: ContestDraft, base: str, address: re.Match[str]) -> str:
    """Return where an address of the public site leads in the preview."""
    path = address[0]
    if path.startswith(("/static/", "/view?")) or path == "/view.css":
        return path
    if path.startswith("/pictures/"):
        return f"{PREFIX}/{draft.id}{path}"
    for language in LANGUAGES:
        start = f"/{language}/{draft.slug}"
        if path == start or path.startswith((f"{start}/", f"{start}?", f"{start}#")):
            return f"{base}/{language}{path.removeprefix(start)}"
    return f"{base}/{LANGUAGES[0]}/elsewhere"


ROUTES = [
    Route(f"{DRAFT}/preview/{{language}}", preview, methods=["GET", "POST"]),
    Route(f"{DRAFT}/preview/{{language}}/{{below:path}}", preview, methods=["GET", "POST"]),
]
"""A form of a public page posts to the preview too; nothing of it is read."""
