"""Servers of others: calls with a deadline, their documents, keys and signed tokens."""
