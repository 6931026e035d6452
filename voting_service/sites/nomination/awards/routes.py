"""Every address of the result, its publicity and its documents."""

from __future__ import annotations

from starlette.routing import Route

from voting_service.sites.nomination.awards import (
    document_views,
    publicity_views,
    report_views,
    result_views,
)

ROUTES: list[Route] = [
    *result_views.ROUTES,
    *publicity_views.ROUTES,
    *document_views.ROUTES,
    *report_views.ROUTES,
]
