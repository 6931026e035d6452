"""The journal at the desk: looked through, checked, taken along."""

from voting_service.staff.journal.pages import ROUTES

__all__ = ["ROUTES"]
