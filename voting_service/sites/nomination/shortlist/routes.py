"""Every address of the shortlist."""

from __future__ import annotations

from voting_service.sites.nomination.shortlist import (
    actions,
    draft_views,
    notice_views,
    profile_views,
    views,
)

ROUTES = [
    *views.ROUTES,
    *draft_views.ROUTES,
    *actions.ROUTES,
    *profile_views.ROUTES,
    *notice_views.ROUTES,
]
