"""Corrections of profiles and withdrawals of candidates: proposals, approvals, history."""

from voting_service.sites.console.corrections import actions, views

ROUTES = [*views.ROUTES, *actions.ROUTES]
