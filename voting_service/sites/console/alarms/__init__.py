"""Alarms: new ones at the top of pages, and who has seen which."""

from voting_service.sites.console.alarms.views import ROUTES

__all__ = ["ROUTES"]
