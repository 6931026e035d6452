"""Metrics of the checks of the audit log."""

from __future__ import annotations

from prometheus_client import Gauge

AUDIT_LOG_FAULTS = Gauge(
    "voting_audit_log_faults",
    "Faults that the last check of the audit log found; anything but 0 is an alarm",
    multiprocess_mode="mostrecent",
)
AUDIT_LOG_CHECKED_AT = Gauge(
    "voting_audit_log_checked_timestamp_seconds",
    "When the audit log was last checked",
    multiprocess_mode="mostrecent",
)
