"""Background jobs of all kinds: their states, and trying a failed one again."""

from voting_service.sites.console.jobs.views import ROUTES

__all__ = ["ROUTES"]
