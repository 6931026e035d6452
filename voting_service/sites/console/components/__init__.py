"""The page of components, in the demo: what look.css has, for staff and developers to look at."""

from voting_service.sites.console.components.views import ROUTES

__all__ = ["ROUTES"]
