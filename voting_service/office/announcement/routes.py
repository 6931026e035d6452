"""The addresses of the result and of what follows it."""

from __future__ import annotations

from starlette.routing import Route

from voting_service.office.announcement import papers_pages, publicity_pages, result_pages

ROUTES: list[Route] = [*result_pages.ROUTES, *publicity_pages.ROUTES, *papers_pages.ROUTES]
