"""The site of a witness: it cosigns the checkpoints of public logs that only grow."""
