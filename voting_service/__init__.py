"""A public vote nobody has to take on trust. ARCHITECTURE.md tells the life of a vote."""
