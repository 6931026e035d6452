"""The tally as a printed report."""
