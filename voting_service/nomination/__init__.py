"""Nomination: from recommendations to the shortlist, and from the panel to winners and nominees."""
