"""Load tests, benchmark and chaos: from outside the service, over HTTP. See README.md."""

CONTEST = "bayu-2022"
PLATFORM = "demo"
"""The demo's; locust's files run on machines that have nothing of the demo but its key."""
