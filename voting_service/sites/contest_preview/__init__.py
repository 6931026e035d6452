"""A draft as citizens will see it, for staff only."""

from voting_service.sites.contest_preview.views import ROUTES

__all__ = ["ROUTES"]
