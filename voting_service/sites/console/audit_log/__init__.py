"""The audit log: search, integrity check, export."""

from voting_service.sites.console.audit_log.views import ROUTES

__all__ = ["ROUTES"]
