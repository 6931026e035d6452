"""Review by the joint office: reading, returning, accepting and rejecting recommendations."""
