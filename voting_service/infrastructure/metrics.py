"""Metrics of the infrastructure and of all sites; other packages have a metrics.py of their own.

`/metrics` adds up the workers of a host. No label holds anything that comes from a request.
"""

from __future__ import annotations

from prometheus_client import Counter, Gauge

REFUSED = Counter(
    "voting_requests_refused_total", "Requests answered with an error, by kind of error", ["reason"]
)
CLOCK_OFFSET = Gauge(
    "voting_clock_offset_seconds",
    "Seconds by which a worker's clock is ahead of the database's (negative: behind); beyond two "
    "seconds it stores nothing",
    multiprocess_mode="mostrecent",
)
LOOP_FAILURES = Counter("voting_loop_failures_total", "Failed runs of a background loop", ["loop"])
