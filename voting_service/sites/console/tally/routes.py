"""The routes of the live tally."""

from __future__ import annotations

from starlette.routing import Route

from voting_service.sites.console.tally.candidate_views import candidate_page, compare_page
from voting_service.sites.console.tally.live_views import (
    chart_json,
    contest_page,
    minutes_json,
    tally_json,
)
from voting_service.sites.console.tally.time_window_views import window_page

_CONTEST = "/contests/{slug}"

ROUTES = [
    Route(_CONTEST, contest_page),
    Route(f"{_CONTEST}/tally.json", tally_json),
    Route(f"{_CONTEST}/charts/minutes.json", minutes_json),
    Route(f"{_CONTEST}/charts/{{chart}}.json", chart_json),
    Route(f"{_CONTEST}/candidates/{{number:int}}", candidate_page),
    Route(f"{_CONTEST}/compare", compare_page),
    Route(f"{_CONTEST}/hours/{{hour}}", window_page),
    Route(f"{_CONTEST}/window", window_page),
]
