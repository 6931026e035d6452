"""The home of everybody who signs in: what waits for them, of the vote and of the nomination."""
