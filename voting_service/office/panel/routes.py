"""The addresses of the panel."""

from __future__ import annotations

from starlette.routing import Route

from voting_service.office.panel import deciding_pages, expert_pages, pages, sheet_pages

ROUTES: list[Route] = [
    *pages.ROUTES,
    *sheet_pages.ROUTES,
    *deciding_pages.ROUTES,
    *expert_pages.ROUTES,
]
