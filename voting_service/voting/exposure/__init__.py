"""Whether the place in the shuffled list brings votes: the report after the close."""
