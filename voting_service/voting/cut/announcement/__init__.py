"""The published cut as a printed announcement."""
