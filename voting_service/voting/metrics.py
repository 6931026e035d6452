"""Metrics of the vote. The vote path updates them once per batch, never per vote.

No label holds anything that comes from a request.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from prometheus_client import Counter, Gauge, Histogram

from voting_service.infrastructure import traces

_FAST = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)


class Steps(Histogram):
    """A histogram of a step's seconds. Where traces are on, a step that is timed is also a span."""

    def time(self) -> Any:
        if not traces.is_on():
            return super().time()
        both = ExitStack()
        both.enter_context(traces.span(self._labelvalues[0]))
        both.enter_context(super().time())
        return both


BALLOTS = Counter(
    "voting_ballots_total",
    "Votes by outcome: accepted, duplicate, conflict, limited, challenged, not_open, period_over, "
    "withdrawn, busy, failed, wrong_clock",
    ["outcome"],
)
UNSCREENED = Counter(
    "voting_ballots_unscreened_total",
    "Ballots stored with local limits while Valkey was unavailable",
)
BATCH_SIZE = Histogram(
    "voting_batch_size", "Votes in a batch", buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
)
QUEUE_DEPTH = Gauge("voting_queue_depth", "Votes waiting in a worker", multiprocess_mode="livesum")
STEP_SECONDS = Steps(
    "voting_step_seconds",
    "Seconds that a batch spends in a step: wait (its oldest vote), admit, commit, count",
    ["step"],
    buckets=_FAST,
)
SIGN_INS = Counter("voting_sign_ins_total", "Sign-ins by outcome: accepted, refused", ["outcome"])
USED_TOKENS_LOCAL = Counter(
    "voting_used_tokens_local_total",
    "One-time tokens checked in memory while Valkey was unavailable",
)
COUNTS_LOST = Counter(
    "voting_counter_batches_lost_total",
    "Batches missed by the live counters; reconciliation adds them",
)
COUNTER_DRIFT = Gauge(
    "voting_counter_drift_votes",
    "Votes by which the live counters differed from the database at the last reconciliation",
    multiprocess_mode="mostrecent",
)
RECONCILED_AT = Gauge(
    "voting_reconciled_timestamp_seconds",
    "When the live counters last agreed with the database",
    multiprocess_mode="mostrecent",
)
BALLOTS_LOST = Counter(
    "voting_record_ballots_lost_total",
    "Confirmed ballots that were not in the database any more after it was restored",
)
LOG_STOPPED = Gauge(
    "voting_log_stopped",
    "Public logs that are not published any further, because they would fork",
    multiprocess_mode="mostrecent",
)
LOG_WITNESSES_MISSING = Gauge(
    "voting_log_witnesses_missing",
    "Witnesses that have not cosigned what is published of the public logs",
    multiprocess_mode="mostrecent",
)
AUDIT_DIFFERENCE = Gauge(
    "voting_tally_audit_difference_votes",
    "Votes by which the stored tallies differed from all ballots at the last audit of each contest",
    multiprocess_mode="mostrecent",
)
STANDINGS_SOURCE = Counter(
    "voting_standings_refreshes_total",
    "Refreshed standings by source: counters, record (the database)",
    ["source"],
)
STANDINGS_READERS = Gauge(
    "voting_standings_readers", "Open event streams", multiprocess_mode="livesum"
)
