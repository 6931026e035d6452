"""Exports: streamed, of any size, each recorded in the audit log."""
