"""The routes of the embeds and of the guide."""

from __future__ import annotations

from starlette.routing import Route

from voting_service.sites.public.embed.api_reference import api_reference
from voting_service.sites.public.embed.files import embed_file
from voting_service.sites.public.embed.frame import frame
from voting_service.sites.public.embed.guide import guide
from voting_service.sites.public.embed.token_checker import check_token, token_checker
from voting_service.sites.public.pages.standings_views import StandingsChart

GUIDE = [
    Route("/{language}/platforms", guide),
    Route("/{language}/platforms/check", token_checker),
    Route("/{language}/platforms/check", check_token, methods=["POST"]),
    Route("/{language}/platforms/api", api_reference),
]
"""Must precede the routes of the pages: their contest route would match these addresses."""

ROUTES = [
    Route("/embed/{name}", embed_file),
    Route("/embed/{slug}/frame", frame),
    Route("/embed/{slug}/standings.svg", StandingsChart(), methods=["GET"]),
]
