"""The routes of the public pages."""

from __future__ import annotations

from starlette.convertors import StringConvertor, register_url_convertor
from starlette.routing import Route

from voting_service.i18n.text import LANGUAGES
from voting_service.sites.public.pages import (
    ballot_views,
    contest_list_views,
    notice_views,
    receipt_views,
    result_views,
    rules_and_cut_views,
    sign_in_views,
)
from voting_service.sites.public.pages.candidate_views import (
    CandidatesPage,
    ProfilePage,
    static_file,
)
from voting_service.sites.public.pages.problem_views import page, published
from voting_service.sites.public.pages.standings_views import StandingsPage


class LanguageConvertor(StringConvertor):
    """Matches the supported languages only, so that `/static/x` is not a contest."""

    regex = "|".join(LANGUAGES)


register_url_convertor("language", LanguageConvertor())

CONTEST = "/{language:language}/{slug}"

NOTICES = "/{language:language}/notices"

READS = [
    Route(NOTICES, notice_views.notices_page),
    Route("/{language:language}/contests", contest_list_views.contests_page),
    Route(CONTEST, CandidatesPage(), methods=["GET"]),
    Route(f"{CONTEST}/candidates/{{number:int}}", ProfilePage(), methods=["GET"]),
    Route(f"{CONTEST}/standings", StandingsPage(), methods=["GET"]),
]
"""Matched first: trying twenty other routes would cost as much as serving such a page."""

ROUTES = [
    Route("/", contest_list_views.home),
    Route("/{language:language}", contest_list_views.home_in_language),
    Route("/contests", notice_views.in_readers_language),
    Route("/static/{name:path}", static_file),
    Route("/notices", notice_views.in_readers_language),
    Route("/notices/{slug}", notice_views.in_readers_language),
    Route(f"{NOTICES}/{{slug}}", notice_views.notice_page),
    Route(f"{CONTEST}/coming", page(contest_list_views.coming)),
    Route(f"{CONTEST}/rules", page(rules_and_cut_views.rules)),
    Route(f"{CONTEST}/cut", page(rules_and_cut_views.cut)),
    Route("/enter", sign_in_views.enter_page),
    Route("/enter", sign_in_views.enter, methods=["POST"]),
    Route(f"{CONTEST}/leave", page(sign_in_views.leave), methods=["POST"]),
    Route(f"{CONTEST}/ballot", page(published(ballot_views.ballot))),
    Route(f"{CONTEST}/ballot", page(ballot_views.cast), methods=["POST"]),
    Route(f"{CONTEST}/ballot/review", page(published(ballot_views.review_page))),
    Route(f"{CONTEST}/ballot/review", page(published(ballot_views.review)), methods=["POST"]),
    Route(f"{CONTEST}/receipts/{{ballot}}", page(receipt_views.receipt)),
    Route(f"{CONTEST}/receipts/{{ballot}}/picture.svg", page(receipt_views.picture)),
    Route("/certificates/{serial}", result_views.certificate_address),
    Route(f"{CONTEST}/result", page(result_views.result)),
    Route(f"{CONTEST}/result/{{number:int}}", page(result_views.awarded)),
    Route(f"{CONTEST}/album.pdf", page(result_views.album)),
    Route(f"{CONTEST}/certificates/{{serial}}", page(result_views.certificate)),
    Route("/{language:language}/{below:path}/", contest_list_views.without_slash),
    Route("/{language:language}/", contest_list_views.home_in_language),
]
