"""Holds and rulings at the desk: what is in question, its evidence, and what two people rule."""

from voting_service.staff.rulings.acts import ROUTES as ACTS
from voting_service.staff.rulings.pages import ROUTES as PAGES
from voting_service.staff.rulings.picture import ROUTES as PICTURE

ROUTES = [*PAGES, *ACTS, *PICTURE]
