"""Holds and rulings at the desk: what is in question, its evidence, and what two people rule."""

from voting_service.staff.rulings.acts import ROUTES as ACTS
from voting_service.staff.rulings.pages import ROUTES as PAGES

ROUTES = [*PAGES, *ACTS]
