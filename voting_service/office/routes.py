"""Every address of the office on one screen, and the ways between them."""

from __future__ import annotations

from starlette.routing import Route

from voting_service.accounts.model import STAFF
from voting_service.desk.face import Way
from voting_service.office import bodies_pages, home
from voting_service.office.announcement import routes as announcement
from voting_service.office.model import READERS
from voting_service.office.panel import routes as panel
from voting_service.office.picks import routes as picks
from voting_service.office.recommendations import routes as recommendations
from voting_service.office.review import routes as review

AREAS = [
    home.ROUTES,
    bodies_pages.ROUTES,
    recommendations.ROUTES,
    review.ROUTES,
    picks.ROUTES,
    panel.ROUTES,
    announcement.ROUTES,
]

ROUTES: list[Route] = [route for area in AREAS for route in area]

WAYS = (
    Way("/selections", "office.nav.selections"),
    Way("/selections/{slug}/recommendations", "office.nav.recommendations", ("recommender",)),
    Way("/selections/{slug}/late", "office.nav.late", READERS),
    Way("/selections/{slug}/review", "office.nav.review", READERS),
    Way("/selections/{slug}/picks", "office.nav.picks", READERS),
    Way("/selections/{slug}/notice", "office.nav.notice", READERS),
    Way("/selections/{slug}/experts", "office.nav.experts", STAFF),
    Way("/selections/{slug}/panel", "office.nav.panel", (*READERS, "expert")),
    Way("/selections/{slug}/result", "office.nav.result", READERS),
    Way("/selections/{slug}/papers", "office.nav.papers", READERS),
    Way("/bodies", "office.nav.bodies", STAFF),
)
"""The navigation; an entry shows as soon as its address is one of ROUTES."""
