"""Every route of recommending."""

from __future__ import annotations

from starlette.routing import Route

from voting_service.sites.nomination.recommendations import (
    file_views,
    late_exception_views,
    list_views,
    step_views,
    submission_views,
)

ROUTES: list[Route] = [
    *list_views.ROUTES,
    *step_views.ROUTES,
    *submission_views.ROUTES,
    *file_views.ROUTES,
    *late_exception_views.ROUTES,
]
