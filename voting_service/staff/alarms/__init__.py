"""Alarms at the desk: what is new on top of the pages, and what anybody has seen."""

from voting_service.staff.alarms.pages import ROUTES

__all__ = ["ROUTES"]
