"""Every route of recommending."""

from __future__ import annotations

from starlette.routing import Route

from voting_service.sites.nomination.recommendations import (
    file_views,
    import_views,
    late_exception_views,
    list_views,
    overview_views,
    step_views,
    submission_views,
)

ROUTES: list[Route] = [
    *list_views.ROUTES,
    *import_views.ROUTES,
    *overview_views.ROUTES,
    *step_views.ROUTES,
    *submission_views.ROUTES,
    *file_views.ROUTES,
    *late_exception_views.ROUTES,
]
