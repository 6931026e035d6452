"""The fault campaign: `python -m loadtests.faults`. See loadtests/README.md."""
