"""Set a contest up step by step, until two people announce it."""

from voting_service.sites.console.drafts import actions, candidate_views, logo_views, views

ROUTES = [*views.ROUTES, *candidate_views.ROUTES, *logo_views.ROUTES, *actions.ROUTES]
