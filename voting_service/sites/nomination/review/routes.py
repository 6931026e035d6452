"""Every route of the review."""

from __future__ import annotations

from voting_service.sites.nomination.review import (
    actions,
    file_views,
    opinion_views,
    recommendation_views,
    views,
)

ROUTES = [
    *views.ROUTES,
    *recommendation_views.ROUTES,
    *actions.ROUTES,
    *file_views.ROUTES,
    *opinion_views.ROUTES,
]
