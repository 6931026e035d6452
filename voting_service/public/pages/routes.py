"""The citizen's pages on one screen."""

from __future__ import annotations

from starlette.convertors import StringConvertor, register_url_convertor
from starlette.routing import Route

from voting_service.public.pages import (
    contests,
    entering,
    information,
    notices,
    receipts,
    results,
    voting,
)
from voting_service.public.pages.browsing import CandidatesPage, ProfilePage, static_file
from voting_service.public.pages.standings import StandingsPage
from voting_service.public.pages.trouble import page, published
from voting_service.web.languages import LANGUAGES


class LanguageConvertor(StringConvertor):
    """One of our languages: else `/static/x` would be a contest."""

    regex = "|".join(LANGUAGES)


register_url_convertor("language", LanguageConvertor())

CONTEST = "/{language:language}/{slug}"

NOTICES = "/{language:language}/notices"

READS = [
    Route(NOTICES, notices.notices_page),
    Route("/{language:language}/contests", contests.contests_page),
    Route(CONTEST, CandidatesPage(), methods=["GET"]),
    Route(f"{CONTEST}/candidates/{{number:int}}", ProfilePage(), methods=["GET"]),
    Route(f"{CONTEST}/standings", StandingsPage(), methods=["GET"]),
]
"""Looked through before all others: going past twenty routes costs as much as such a page."""

ROUTES = [
    Route("/", contests.home),
    Route("/{language:language}", contests.home_in_language),
    Route("/contests", notices.in_readers_language),
    Route("/static/{name:path}", static_file),
    Route("/notices", notices.in_readers_language),
    Route("/notices/{slug}", notices.in_readers_language),
    Route(f"{NOTICES}/{{slug}}", notices.notice_page),
    Route(f"{CONTEST}/coming", page(contests.coming)),
    Route(f"{CONTEST}/rules", page(information.rules)),
    Route(f"{CONTEST}/cut", page(information.cut)),
    Route("/enter", entering.enter_page),
    Route("/enter", entering.enter, methods=["POST"]),
    Route(f"{CONTEST}/leave", page(entering.leave), methods=["POST"]),
    Route(f"{CONTEST}/ballot", page(published(voting.ballot))),
    Route(f"{CONTEST}/ballot", page(voting.cast), methods=["POST"]),
    Route(f"{CONTEST}/ballot/review", page(published(voting.review_page))),
    Route(f"{CONTEST}/ballot/review", page(published(voting.review)), methods=["POST"]),
    Route(f"{CONTEST}/receipts/{{ballot}}", page(receipts.receipt)),
    Route(f"{CONTEST}/receipts/{{ballot}}/picture.svg", page(receipts.picture)),
    Route("/certificates/{serial}", results.certificate_address),
    Route(f"{CONTEST}/result", page(results.result)),
    Route(f"{CONTEST}/result/{{number:int}}", page(results.awarded)),
    Route(f"{CONTEST}/album.pdf", page(results.album)),
    Route(f"{CONTEST}/certificates/{{serial}}", page(results.certificate)),
    Route("/{language:language}/{below:path}/", contests.without_slash),
    Route("/{language:language}/", contests.home_in_language),
]
