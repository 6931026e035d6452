"""Changes to a contest's settings by two people."""
