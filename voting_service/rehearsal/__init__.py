"""A whole contest under a fast clock, with simulated voters, attackers and staff, in stores of its
own: what everybody would see when, and what would fail."""
