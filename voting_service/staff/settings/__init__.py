"""A contest's settings at the desk: what holds, what may change, who agreed, what was changed."""

from voting_service.staff.settings.acts import ROUTES as ACTS
from voting_service.staff.settings.pages import ROUTES as PAGES

ROUTES = [*PAGES, *ACTS]
