"""Every address of recommending."""

from __future__ import annotations

from starlette.routing import Route

from voting_service.office.recommendations import (
    check_pages,
    file_pages,
    late_pages,
    list_pages,
    step_pages,
)

ROUTES: list[Route] = [
    *list_pages.ROUTES,
    *step_pages.ROUTES,
    *check_pages.ROUTES,
    *file_pages.ROUTES,
    *late_pages.ROUTES,
]
