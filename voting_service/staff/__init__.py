"""Accounts, approvals by two people, the audit log."""
