"""Every address of the panel."""

from __future__ import annotations

from starlette.routing import Route

from voting_service.sites.nomination.panel import (
    candidate_views,
    conflict_views,
    expert_views,
    record_files,
    rules_views,
    score_sheet_views,
    views,
)

ROUTES: list[Route] = [
    *views.ROUTES,
    *candidate_views.ROUTES,
    *conflict_views.ROUTES,
    *score_sheet_views.ROUTES,
    *rules_views.ROUTES,
    *expert_views.ROUTES,
    *record_files.ROUTES,
]
