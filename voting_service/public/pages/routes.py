"""The citizen's pages on one screen."""

from __future__ import annotations

from starlette.routing import Route

from voting_service.public.pages.browsing import candidates, home, profile, static_file

CONTEST = "/{language}/{slug}"

ROUTES = [
    Route("/", home),
    Route("/static/{name}", static_file),
    Route(CONTEST, candidates),
    Route(f"{CONTEST}/candidates/{{number:int}}", profile),
]
