"""Load tests, benchmark and chaos: from outside the service, over HTTP. See README.md."""

CONTEST = "bayu-2022"
PLATFORM = "demo"
