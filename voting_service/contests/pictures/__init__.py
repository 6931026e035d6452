"""The candidates' pictures."""
