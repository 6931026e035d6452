"""All routes and the navigation of the console."""

from __future__ import annotations

from starlette.routing import Route

from voting_service.contests.objections.service import READERS as OBJECTION_READERS
from voting_service.sites.console import (
    alarms,
    audit_log,
    components,
    corrections,
    drafts,
    jobs,
    messages,
    objections,
    publication,
    rulings,
    settings,
)
from voting_service.sites.console.accounts import views
from voting_service.sites.console.exports import views as exports
from voting_service.sites.console.tally import routes as tally
from voting_service.sites.console.tally_reads import READERS
from voting_service.sites.shared.sign_in import (
    contact_views,
    invitation_views,
    openid_views,
    own_account_views,
    passkey_views,
    sign_in_views,
)
from voting_service.sites.shared.signed_in.theme import NavItem
from voting_service.staff.accounts.invitations import APPROVERS
from voting_service.staff.accounts.model import STAFF

AREAS = [
    sign_in_views.ROUTES,
    openid_views.ROUTES,
    passkey_views.ROUTES,
    own_account_views.ROUTES,
    contact_views.ROUTES,
    views.ROUTES,
    invitation_views.ROUTES,
    publication.ROUTES,
    rulings.ROUTES,
    tally.ROUTES,
    alarms.ROUTES,
    exports.ROUTES,
    audit_log.ROUTES,
    settings.ROUTES,
    corrections.ROUTES,
    drafts.ROUTES,
    jobs.ROUTES,
    messages.ROUTES,
    objections.ROUTES,
    components.ROUTES,
]

ROUTES: list[Route] = [route for area in AREAS for route in area]

NAVIGATION = (
    NavItem("/contests/{slug}", "console.nav.tally", READERS),
    NavItem("/contests/{slug}/alarms", "console.nav.alarms", READERS),
    NavItem("/contests/{slug}/holds", "console.nav.holds", READERS),
    NavItem("/contests/{slug}/approvals", "console.nav.approvals", READERS),
    NavItem("/contests/{slug}/publication", "console.nav.publication", READERS),
    NavItem("/contests/{slug}/settings", "console.nav.settings", READERS),
    NavItem("/contests/{slug}/corrections", "console.nav.corrections", READERS),
    NavItem("/contests/{slug}/exports", "console.nav.exports", READERS),
    NavItem("/drafts", "console.nav.drafts", READERS),
    NavItem("/objections", "console.nav.objections", OBJECTION_READERS),
    NavItem("/audit-log", "console.nav.audit_log", STAFF),
    NavItem("/jobs", "console.nav.jobs", jobs.views.READERS),
    NavItem("/messages", "messages.nav.messages", messages.views.READERS),
    NavItem("/accounts", "console.nav.accounts", APPROVERS),
)
"""The navigation; an item is shown if its address is one of ROUTES."""
