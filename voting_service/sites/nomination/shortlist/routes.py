"""Every address of the shortlist."""

from __future__ import annotations

from voting_service.sites.nomination.shortlist import (
    actions,
    notice_views,
    profile_views,
    views,
)

ROUTES = [*views.ROUTES, *actions.ROUTES, *profile_views.ROUTES, *notice_views.ROUTES]
