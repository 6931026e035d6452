"""Personal data: encryption at rest, and detection of it in texts that will be published."""
