"""What platforms put into their pages, on one screen."""

from __future__ import annotations

from starlette.routing import Route

from voting_service.public.embed.files import embed_file
from voting_service.public.embed.frame import frame
from voting_service.public.embed.guide import guide

GUIDE = Route("/{language}/platforms", guide)
"""Stands before the pages: a contest's list would answer at an address like this one."""

ROUTES = [
    Route("/embed/{name}", embed_file),
    Route("/embed/{slug}/frame", frame),
]
