"""Metrics of captchas and alarms."""

from __future__ import annotations

from prometheus_client import Counter

CAPTCHAS = Counter(
    "voting_captchas_total",
    "Answers of hosted captchas by provider and outcome: verified, failed, replayed, away (the "
    "provider did not answer; the voter gets a proof of work), circuit_open, crowded",
    ["provider", "outcome"],
)
ALARMS = Counter(
    "voting_alarms_total",
    "Alarms about bursts of votes, by what increased and by pattern: broadcast, swell, "
    "one_platform, one_network",
    ["what", "looks"],
)
