"""The public log of a contest: what anybody can check of the vote."""
