"""The audit log: every action of staff in an append-only table, chained by hashes."""
