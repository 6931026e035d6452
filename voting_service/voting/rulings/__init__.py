"""⑩ Ballots in question, and what two people ruled about them."""
