"""The result files of an examination: verdicts.csv, campaigns.json and seats.json."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl

from voting_service.antifraud.forensics.columns import BallotColumns
from voting_service.antifraud.forensics.findings import (
    BallotVerdict,
    Campaign,
    Findings,
)
from voting_service.antifraud.forensics.seats import Seat
from voting_service.antifraud.forensics.sentences import load_texts, seat_sentence
from voting_service.i18n.text import LANGUAGES

ROWS_AT_ONCE = 500_000


def write_verdicts(columns: BallotColumns, findings: Findings, path: Path) -> None:
    """Write one line for each ballot, in the file's order: ballot_id, verdict, score, campaign,
    reason."""
    names = pl.Series([verdict.name.lower() for verdict in BallotVerdict])
    reasons = pl.Series([*map(verdict_reason, findings.campaigns), None], dtype=pl.String)
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


def verdict_reason(campaign: Campaign) -> str:
    """Return a few words for a line of verdicts.csv, which is in English."""
    texts = load_texts("en")["reason"]
    if campaign.kind == "repeat":
        return str(texts["repeat"])
    values = ", ".join(f"{shared.name}={shared.value}" for shared in campaign.attributes[:2])
    reason = texts["campaign"].format(kind=campaign.kind, candidate=campaign.candidates[0])
    return f"{reason}: {values}" if values else reason


def write_campaigns(campaigns: Sequence[Campaign], path: Path) -> None:
    """Write the campaigns as a JSON list, times as ISO 8601 in UTC."""
    path.write_bytes(
        msgspec.json.format(msgspec.json.encode([*map(_to_builtins, campaigns)]), indent=2)
    )


def _to_builtins(campaign: Campaign) -> dict[str, Any]:
    return {
        "campaign": campaign.number,
        "kind": campaign.kind,
        "verdict": campaign.verdict.name.lower(),
        "candidates": campaign.candidates,
        "window": {"first": _iso(campaign.first_at), "last": _iso(campaign.last_at)},
        "attributes": [
            {
                "name": shared.name,
                "value": shared.value,
                "ballots": shared.ballots,
                "expected": round(shared.expected, 2),
            }
            for shared in campaign.attributes
        ],
        "ballots": campaign.ballots,
        "voters": campaign.voters,
        "observed": round(campaign.observed, 2),
        "expected": round(campaign.expected, 2),
        "p_value": campaign.p_value,
        "q_value": campaign.q_value,
        "sentence": {"zh": campaign.sentence_zh, "en": campaign.sentence_en},
    }


def write_seats(seats: Sequence[Seat], path: Path) -> None:
    """Write the candidates as a JSON list, the one with the most votes first."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode([*map(_seat, seats)]), indent=2))


def _seat(seat: Seat) -> dict[str, Any]:
    return {
        "number": seat.number,
        "votes": seat.votes,
        "rank": seat.rank,
        "in_cut": seat.in_cut,
        "certifiable": seat.certifiable,
        "reasons": [
            {
                "kind": reason.kind,
                "slices": reason.values,
                "votes": round(reason.votes, 1),
                "expected": round(reason.expected, 1),
                "surplus": round(reason.surplus, 1),
                "interval": [
                    round(reason.surplus - 2 * reason.error, 1),
                    round(reason.surplus + 2 * reason.error, 1),
                ],
                "lead": reason.lead,
                "sentence": {
                    language: seat_sentence(seat.number, reason, language) for language in LANGUAGES
                },
            }
            for reason in seat.reasons
        ],
    }


def _iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="seconds")
