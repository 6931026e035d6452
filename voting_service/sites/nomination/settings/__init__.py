"""Pages of a selection's settings, and the lists that come from Excel."""
