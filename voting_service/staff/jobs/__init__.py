"""Background jobs that staff request: their kinds, the queue, and trying a failed one again."""
