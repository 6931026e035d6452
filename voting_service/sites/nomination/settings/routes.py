"""Every route of the settings and their lists."""

from __future__ import annotations

from voting_service.sites.nomination.settings import (
    body_contact_views,
    body_list_views,
    views,
    winner_list_views,
)

ROUTES = [
    *views.ROUTES,
    *body_contact_views.ROUTES,
    *winner_list_views.ROUTES,
    *body_list_views.ROUTES,
]
