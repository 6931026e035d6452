"""Every route of the review."""

from __future__ import annotations

from voting_service.sites.nomination.review import (
    actions,
    bulk_views,
    coverage_views,
    download_views,
    file_views,
    opinion_views,
    recommendation_views,
    views,
)

ROUTES = [
    *views.ROUTES,
    *recommendation_views.ROUTES,
    *actions.ROUTES,
    *bulk_views.ROUTES,
    *coverage_views.ROUTES,
    *download_views.ROUTES,
    *file_views.ROUTES,
    *opinion_views.ROUTES,
]
