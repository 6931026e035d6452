"""Every address of the staff's face on one screen, and the ways between them."""

from __future__ import annotations

from starlette.routing import Route

from voting_service.accounts.invitations import APPROVERS
from voting_service.accounts.model import STAFF
from voting_service.desk.face import Way
from voting_service.staff import (
    accounts_pages,
    alarms,
    home,
    invitation_pages,
    journal,
    openid_pages,
    publication,
    rulings,
    sessions_pages,
    settings,
    sign_in_pages,
)
from voting_service.staff.exports import pages as exports
from voting_service.staff.tally import routes as tally
from voting_service.staff.tally.reading import READERS

AREAS = [
    sign_in_pages.ROUTES,
    openid_pages.ROUTES,
    home.ROUTES,
    sessions_pages.ROUTES,
    accounts_pages.ROUTES,
    invitation_pages.ROUTES,
    publication.ROUTES,
    rulings.ROUTES,
    tally.ROUTES,
    alarms.ROUTES,
    exports.ROUTES,
    journal.ROUTES,
    settings.ROUTES,
]

ROUTES: list[Route] = [route for area in AREAS for route in area]

WAYS = (
    Way("/contests/{slug}", "staff.nav.tally", READERS),
    Way("/contests/{slug}/alarms", "staff.nav.alarms", READERS),
    Way("/contests/{slug}/holds", "staff.nav.holds", READERS),
    Way("/contests/{slug}/decisions", "staff.nav.decisions", READERS),
    Way("/contests/{slug}/publication", "staff.nav.publication", READERS),
    Way("/contests/{slug}/settings", "staff.nav.settings", READERS),
    Way("/contests/{slug}/exports", "staff.nav.exports", READERS),
    Way("/journal", "staff.nav.journal", STAFF),
    Way("/accounts", "staff.nav.accounts", APPROVERS),
)
"""The navigation; an entry shows as soon as its address is one of ROUTES."""
