"""Metrics of the background jobs."""

from __future__ import annotations

from prometheus_client import Counter

JOB_ATTEMPTS = Counter(
    "voting_job_attempts_total",
    "Attempts at background jobs, by kind and outcome: finished, failed, retried, interrupted",
    ["kind", "outcome"],
)
