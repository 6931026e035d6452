"""One locust file a profile."""
