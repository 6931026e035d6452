"""Online objections: the list, one of them with its answer."""

from voting_service.sites.console.objections.views import ROUTES

__all__ = ["ROUTES"]
