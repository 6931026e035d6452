"""Canonical JSON, signed documents, encrypted keys, public draws."""
