"""The audit archive: a whole contest in one file, and its recount from that file alone."""
