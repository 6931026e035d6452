"""Every act of the staff in one append-only table whose lines are chained by their hashes."""
