"""Publication of the cut: checklist, certainty of the cut, ties, approvals, versions."""

from voting_service.sites.console.publication.actions import ROUTES as ACTS
from voting_service.sites.console.publication.views import ROUTES as PAGES

ROUTES = [*PAGES, *ACTS]
