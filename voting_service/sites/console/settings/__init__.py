"""A contest's settings and the platforms: values, proposed changes, approvals, history."""

from voting_service.sites.console.settings import actions, platform_actions, platform_views, views

ROUTES = [*views.ROUTES, *platform_views.ROUTES, *actions.ROUTES, *platform_actions.ROUTES]
