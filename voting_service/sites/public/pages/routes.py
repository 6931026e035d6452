"""The routes of the public pages."""

from __future__ import annotations

from starlette.convertors import StringConvertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from voting_service.i18n.text import LANGUAGES
from voting_service.sites.public.pages import (
    ballot_views,
    contest_list_views,
    exposure_views,
    log_views,
    notice_views,
    objection_views,
    provider_sign_in_views,
    receipt_views,
    result_views,
    rules_and_cut_views,
    share_views,
    sign_in_views,
    wechat_views,
    well_known_views,
)
from voting_service.sites.public.pages.candidate_views import (
    CandidatesPage,
    CorrectionsPage,
    ProfilePage,
    static_file,
)
from voting_service.sites.public.pages.problem_views import page, published
from voting_service.sites.public.pages.standings_views import StandingsPage
from voting_service.sites.public.state import PublicState
from voting_service.sites.shared.look import view


class LanguageConvertor(StringConvertor):
    """Matches the supported languages only, so that `/static/x` is not a contest."""

    regex = "|".join(LANGUAGES)


register_url_convertor("language", LanguageConvertor())

SITE_PAGES = {
    "contests": contest_list_views.in_readers_language,
    "help": contest_list_views.voting_help,
    "notices": notice_views.notices_page,
    "objections": objection_views.objections,
    "privacy": contest_list_views.privacy,
}
"""Pages that belong to no contest; no slug is one of these names."""


class SitePageConvertor(StringConvertor):
    """Matches the names of these pages."""

    regex = "|".join(SITE_PAGES)


register_url_convertor("site_page", SitePageConvertor())


async def site_page(request: Request) -> Response:
    """Return the page that the address names."""
    return await SITE_PAGES[request.path_params["name"]](request)


def is_https(request: Request) -> bool:
    """Return whether people read the site over https."""
    state: PublicState = request.state.app_state
    return state.settings.public_url.startswith("https://")


CONTEST = "/{language:language}/{slug}"

NOTICES = "/{language:language}/notices"

READS = [
    Route("/{language:language}", contest_list_views.index),
    Route("/{language:language}/{name:site_page}", site_page),
    Route(CONTEST, CandidatesPage(), methods=["GET"]),
    Route(f"{CONTEST}/candidates/{{number:int}}", ProfilePage(), methods=["GET"]),
    Route(f"{CONTEST}/corrections", CorrectionsPage(), methods=["GET"]),
    Route(f"{CONTEST}/standings", StandingsPage(), methods=["GET"]),
]
"""Matched first: trying twenty other routes would cost as much as serving such a page."""

ROUTES = [
    Route("/", contest_list_views.in_readers_language),
    Route("/contests", contest_list_views.in_readers_language),
    Route("/wechat/signature", wechat_views.signature),
    Route("/robots.txt", well_known_views.robots),
    Route("/favicon.ico", well_known_views.favicon),
    Route("/.well-known/security.txt", well_known_views.security_contact),
    Route("/static/{name:path}", static_file),
    *view.routes(is_https),
    Route("/notices", notice_views.in_readers_language),
    Route("/notices/{slug}", notice_views.in_readers_language),
    Route(f"{NOTICES}/{{slug}}", notice_views.notice_page),
    Route(f"{CONTEST}/coming", page(contest_list_views.coming)),
    Route(f"{CONTEST}/outcome", page(contest_list_views.outcome)),
    Route(
        f"{NOTICES}/{{slug}}/objection", objection_views.notice_objection, methods=["GET", "POST"]
    ),
    Route(
        f"{CONTEST}/objection",
        page(objection_views.contest_objection),
        methods=["GET", "POST"],
    ),
    Route("/{language:language}/objections", objection_views.find_objection, methods=["POST"]),
    Route(f"{CONTEST}/rules", page(rules_and_cut_views.rules)),
    Route(
        f"{CONTEST}/share/{{number:int}}-{{digest}}.jpeg",
        page(published(share_views.share_picture)),
    ),
    Route(f"{CONTEST}/cut", page(rules_and_cut_views.cut)),
    Route(f"{CONTEST}/log", page(log_views.log)),
    Route(f"{CONTEST}/exposure", page(exposure_views.exposure)),
    Route("/enter", sign_in_views.enter_page),
    Route("/enter", sign_in_views.enter, methods=["POST"]),
    Route("/enter/{platform}", provider_sign_in_views.start),
    Route(f"{CONTEST}/leave", page(sign_in_views.leave), methods=["POST"]),
    Route(f"{CONTEST}/ballot", page(published(ballot_views.ballot))),
    Route(f"{CONTEST}/ballot", page(ballot_views.cast), methods=["POST"]),
    Route(f"{CONTEST}/ballot/review", page(published(ballot_views.review_page))),
    Route(f"{CONTEST}/ballot/review", page(published(ballot_views.review)), methods=["POST"]),
    Route(f"{CONTEST}/receipts", page(receipt_views.find_receipt)),
    Route(f"{CONTEST}/receipts/{{ballot}}", page(receipt_views.receipt)),
    Route(f"{CONTEST}/receipts/{{ballot}}/picture.svg", page(receipt_views.picture)),
    Route("/certificates/{serial}", result_views.certificate_address),
    Route(f"{CONTEST}/result", page(result_views.result)),
    Route(f"{CONTEST}/result/{{number:int}}", page(result_views.awarded)),
    Route(f"{CONTEST}/album.pdf", page(result_views.album)),
    Route(f"{CONTEST}/certificates/{{serial}}", page(result_views.certificate)),
    Route("/{language:language}/{below:path}/", contest_list_views.without_slash),
    Route("/{language:language}/", contest_list_views.in_readers_language),
    Route("/contests/", contest_list_views.in_readers_language),
    Route("/notices/", notice_views.in_readers_language),
    Route("/notices/{slug}/", notice_views.in_readers_language),
    Route("/enter/", sign_in_views.without_slash),
    Route("/{slug}", contest_list_views.contest_in_readers_language),
    Route("/{slug}/", contest_list_views.contest_in_readers_language),
]
