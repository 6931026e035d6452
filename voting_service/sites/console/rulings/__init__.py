"""Holds and rulings: evidence, proposals, approvals."""

from voting_service.sites.console.rulings.actions import ROUTES as ACTS
from voting_service.sites.console.rulings.heat_map_views import ROUTES as PICTURE
from voting_service.sites.console.rulings.selection_views import ROUTES as SELECTION
from voting_service.sites.console.rulings.views import ROUTES as PAGES

ROUTES = [*SELECTION, *PAGES, *ACTS, *PICTURE]
