"""Every metric of the service, in one place; `/metrics` adds up the workers of a host.

On the vote path they are touched once a batch, never once a vote. No label carries anything
that comes from a request.
"""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

_FAST = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)

BALLOTS = Counter(
    "voting_ballots_total",
    "Votes answered, by outcome: accepted, duplicate, conflict, limited, not_open, busy, failed, "
    "wrong_clock",
    ["outcome"],
)
REFUSED = Counter(
    "voting_requests_refused_total", "Requests refused before the vote path, by reason", ["reason"]
)
UNSCREENED = Counter(
    "voting_ballots_unscreened_total", "Ballots stored while Valkey was away, with local limits"
)
BATCH_SIZE = Histogram(
    "voting_batch_size", "Votes in a batch", buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
)
QUEUE_DEPTH = Gauge("voting_queue_depth", "Votes waiting in a worker", multiprocess_mode="livesum")
STEP_SECONDS = Histogram(
    "voting_step_seconds",
    "Time of one batch in a step: wait (its oldest vote), admit, commit, count",
    ["step"],
    buckets=_FAST,
)
SIGN_INS = Counter("voting_sign_ins_total", "Sign-ins by outcome: accepted, refused", ["outcome"])
CAPTCHAS = Counter(
    "voting_captchas_total",
    "Answers of hosted captchas, by provider and what came of them: verified, failed, replayed, "
    "away (the voter then meets the proof of work), spared (not asked, being away), crowded",
    ["provider", "outcome"],
)
SPENT_TOKENS_LOCAL = Counter(
    "voting_spent_tokens_local_total", "One-time checks answered from memory, Valkey being away"
)
CLOCK_OFFSET = Gauge(
    "voting_clock_offset_seconds",
    "Seconds by which a worker's clock is ahead of the database's (negative: behind); beyond two "
    "it stores nothing",
    multiprocess_mode="mostrecent",
)
COUNTS_LOST = Counter(
    "voting_counter_batches_lost_total", "Batches left to the reconciler by the live counters"
)
COUNTER_DRIFT = Gauge(
    "voting_counter_drift_votes",
    "Votes by which the live counters differed from the record at the last reconciliation",
    multiprocess_mode="mostrecent",
)
RECONCILED_AT = Gauge(
    "voting_reconciled_timestamp_seconds",
    "When the live counters last agreed with the record",
    multiprocess_mode="mostrecent",
)
AUDIT_DIFFERENCE = Gauge(
    "voting_tally_audit_difference_votes",
    "Votes by which the kept tallies differed from all ballots, at the last audit of each contest",
    multiprocess_mode="mostrecent",
)
STANDINGS_SOURCE = Counter(
    "voting_standings_refreshes_total",
    "Standings refreshed, by source: counters, record",
    ["source"],
)
STANDINGS_READERS = Gauge(
    "voting_standings_readers", "Open event streams", multiprocess_mode="livesum"
)
LOOP_FAILURES = Counter("voting_loop_failures_total", "Failed runs of a background loop", ["loop"])
ALARMS = Counter(
    "voting_alarms_total",
    "Bursts that staff were alerted to, by what there was more of, and what it looks like: "
    "broadcast, swell, one_platform, one_network",
    ["what", "looks"],
)
JOURNAL_FAULTS = Gauge(
    "voting_journal_faults",
    "Faults that the last check of the journal's chain found; anything but 0 is an alarm",
    multiprocess_mode="mostrecent",
)
JOURNAL_CHECKED_AT = Gauge(
    "voting_journal_checked_timestamp_seconds",
    "When the journal's chain was last checked",
    multiprocess_mode="mostrecent",
)
