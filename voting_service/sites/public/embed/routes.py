"""The routes of the embeds and of the guide."""

from __future__ import annotations

from starlette.routing import Route

from voting_service.sites.public.embed.files import embed_file
from voting_service.sites.public.embed.frame import frame
from voting_service.sites.public.embed.guide import guide

GUIDE = Route("/{language}/platforms", guide)
"""Must precede the routes of the pages: their contest route would match this address."""

ROUTES = [
    Route("/embed/{name}", embed_file),
    Route("/embed/{slug}/frame", frame),
]
