"""Erasing and re-encrypting personal data, as the owner of the tables."""
