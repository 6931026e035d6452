"""Every route of the nomination site, and its navigation."""

from __future__ import annotations

from starlette.routing import Route

from voting_service.nomination.model import READERS
from voting_service.sites.nomination import home_views
from voting_service.sites.nomination.awards import routes as awards
from voting_service.sites.nomination.bodies import views as bodies
from voting_service.sites.nomination.messages import views as messages
from voting_service.sites.nomination.panel import routes as panel
from voting_service.sites.nomination.recommendations import routes as recommendations
from voting_service.sites.nomination.review import routes as review
from voting_service.sites.nomination.settings import routes as settings
from voting_service.sites.nomination.shortlist import routes as shortlist
from voting_service.sites.shared.signed_in.theme import NavItem
from voting_service.staff.accounts.model import STAFF

AREAS = [
    home_views.ROUTES,
    bodies.ROUTES,
    recommendations.ROUTES,
    messages.ROUTES,
    review.ROUTES,
    settings.ROUTES,
    shortlist.ROUTES,
    panel.ROUTES,
    awards.ROUTES,
]

ROUTES: list[Route] = [route for area in AREAS for route in area]

NAVIGATION = (
    NavItem("/selections", "nomination.nav.selections"),
    NavItem(
        "/selections/{slug}/recommendations", "nomination.nav.recommendations", ("recommender",)
    ),
    NavItem("/selections/{slug}/late", "nomination.nav.late", READERS),
    NavItem("/selections/{slug}/review", "nomination.nav.review", READERS),
    NavItem("/selections/{slug}/opinion", "nomination.nav.opinion", READERS),
    NavItem("/selections/{slug}/shortlist", "nomination.nav.shortlist", READERS),
    NavItem("/selections/{slug}/notice", "nomination.nav.notice", READERS),
    NavItem("/selections/{slug}/experts", "nomination.nav.experts", STAFF),
    NavItem("/selections/{slug}/panel", "nomination.nav.panel", (*READERS, "expert")),
    NavItem("/selections/{slug}/result", "nomination.nav.result", READERS),
    NavItem("/selections/{slug}/documents", "nomination.nav.documents", READERS),
    NavItem("/selections/{slug}/settings", "nomination.nav.settings", READERS),
    NavItem("/selections/{slug}/messages", "messages.nav.wording", READERS),
    NavItem("/bodies", "nomination.nav.bodies", STAFF),
)
"""The navigation; an entry is shown when its address is one of ROUTES."""
