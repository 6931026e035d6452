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
STANDBY_MISSING = Gauge(
    "voting_standby_missing",
    "1 while commits wait for a standby that is not connected: no vote is confirmed",
    multiprocess_mode="mostrecent",
)
LOOP_FAILURES = Counter("voting_loop_failures_total", "Failed runs of a background loop", ["loop"])
OLDEST_TRANSACTION = Gauge(
    "voting_oldest_transaction_seconds",
    "For how long the oldest running transaction of the PostgreSQL cluster has been seen; from a "
    "minute on the log names who holds it open",
    multiprocess_mode="mostrecent",
)
LOOP_SUCCESS = Gauge(
    "voting_loop_success_timestamp_seconds",
    "When a background loop last succeeded; of several processes the one that waits longest",
    ["loop"],
    multiprocess_mode="livemin",
)
