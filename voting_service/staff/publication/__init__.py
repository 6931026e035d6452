"""The publication of the cut: checklist, safety of the line, ties, two people, versions."""

from voting_service.staff.publication.acts import ROUTES as ACTS
from voting_service.staff.publication.pages import ROUTES as PAGES

ROUTES = [*PAGES, *ACTS]
