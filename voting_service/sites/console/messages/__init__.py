"""The log of messages."""

from voting_service.sites.console.messages.views import ROUTES

__all__ = ["ROUTES"]
