"""A contest's settings: values, proposed changes, approvals, history."""

from voting_service.sites.console.settings.actions import ROUTES as ACTS
from voting_service.sites.console.settings.views import ROUTES as PAGES

ROUTES = [*PAGES, *ACTS]
