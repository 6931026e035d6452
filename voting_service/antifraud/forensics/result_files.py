"""What an examination leaves in a folder: verdicts.csv and campaigns.json."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl

from voting_service.antifraud.forensics.columns import BallotColumns
from voting_service.antifraud.forensics.findings import Campaign, Findings, Verdict

ROWS_AT_ONCE = 500_000


def write_verdicts(columns: BallotColumns, findings: Findings, path: Path) -> None:
    """One line a ballot, in the file's order: ballot_id, verdict, score, campaign, reason."""
    names = pl.Series([verdict.name.lower() for verdict in Verdict])
    reasons = pl.Series([*map(reason, findings.campaigns), None], dtype=pl.String)
    with path.open("wb") as stream:
        for start in range(0, max(len(columns), 1), ROWS_AT_ONCE):
            rows = slice(start, start + ROWS_AT_ONCE)
            campaign = findings.campaign[rows]
            frame = pl.DataFrame(
                {
                    "ballot_id": pl.Series(columns.ballot_id[rows]).cast(pl.String),
                    "verdict": names.gather(findings.verdict[rows].astype(np.uint32)),
                    "score": pl.Series(findings.score[rows]).round(4),
                    "campaign": pl.Series(np.where(campaign < 0, -1, campaign)),
                    "reason": reasons.gather(
                        np.where(campaign < 0, len(reasons) - 1, campaign).astype(np.uint32)
                    ),
                }
            )
            none = pl.col("campaign") < 0
            frame.with_columns(pl.when(~none).then("campaign").alias("campaign")).write_csv(
                stream, include_header=start == 0
            )


def reason(campaign: Campaign) -> str:
    """A few words for a line of verdicts.csv."""
    if campaign.kind == "repeat":
        return "second ballot of the same voter on the same day"
    shared = ", ".join(f"{each.name}={each.value}" for each in campaign.attributes[:2])
    return f"{campaign.kind} for {campaign.candidates[0]}{': ' if shared else ''}{shared}"


def write_campaigns(campaigns: Sequence[Campaign], path: Path) -> None:
    """A list of campaigns as JSON, the figures as they are and times as ISO 8601, UTC."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode([*map(_plain, campaigns)]), indent=2))


def _plain(campaign: Campaign) -> dict[str, Any]:
    return {
        "campaign": campaign.number,
        "kind": campaign.kind,
        "verdict": campaign.verdict.name.lower(),
        "candidates": campaign.candidates,
        "window": {"first": _iso(campaign.first_at), "last": _iso(campaign.last_at)},
        "attributes": [
            {
                "name": each.name,
                "value": each.value,
                "ballots": each.ballots,
                "expected": round(each.expected, 2),
            }
            for each in campaign.attributes
        ],
        "ballots": campaign.ballots,
        "voters": campaign.voters,
        "observed": round(campaign.observed, 2),
        "expected": round(campaign.expected, 2),
        "p_value": campaign.p_value,
        "q_value": campaign.q_value,
        "sentence": {"zh": campaign.sentence_zh, "en": campaign.sentence_en},
    }


def _iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="seconds")
