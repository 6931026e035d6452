"""The format of the audit archive, a ZIP file. Plain values, no I/O.

| member               | what it holds                                                        |
|----------------------|----------------------------------------------------------------------|
| `contest.json`       | `ContestPart`: format, window and rules                              |
| `candidates.json`    | the profiles (contests/model.py: Candidate)                          |
| `platforms.json`     | slug and name of every platform                                      |
| `holds.json`         | `HoldPart`s: the sets of suspicious ballots, with their evidence     |
| `hold_ballots.csv`   | `HOLD_COLUMNS`, ascending by ballot, then hold                       |
| `withdrawals.json`   | `WithdrawalPart`s, in the order in which candidates withdrew         |
| `corrections.json`   | every correction of a profile (contests/model.py: ProfileCorrection), |
|                      | without what was before where the public does not see that           |
| `rulings.json`       | `RulingPart`s, in the order in which they took effect                |
| `decisions.json`     | every decision with its two people (staff/approvals/model.py); of a  |
|                      | hidden text only `payload_hash`                                      |
| `publications.json`  | `PublicationPart`s, the oldest first                                 |
| `publications/N.json`| the signed bytes of version N                                        |
| `ballots.csv`        | `BALLOT_COLUMNS`, ascending by ballot; voters and networks are       |
|                      | pseudonyms, moments UTC, `state` what the ballot was when it was cast |
| `manifest.json`      | SHA-256 of every member before it                                    |

It contains no time of export: the same data give the same bytes.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from voting_service.contests.model import ContestRules, Withdrawal

FORMAT = "voting-service/audit/1"
BALLOT_COLUMNS = (
    "ballot",
    "cast_at",
    "period",
    "platform",
    "state",
    "screened",
    "voter",
    "network",
    "choices",
)
HOLD_COLUMNS = ("ballot", "hold")

CONTEST = "contest.json"
CANDIDATES = "candidates.json"
PLATFORMS = "platforms.json"
HOLDS = "holds.json"
HOLD_BALLOTS = "hold_ballots.csv"
WITHDRAWALS = "withdrawals.json"
CORRECTIONS = "corrections.json"
RULINGS = "rulings.json"
DECISIONS = "decisions.json"
PUBLICATIONS = "publications.json"
BALLOTS = "ballots.csv"
MANIFEST = "manifest.json"


def publication_member(version: int) -> str:
    """Return the member with the signed bytes of a version."""
    return f"publications/{version}.json"


class ContestPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The contest and its rules."""

    format: str
    slug: str
    opens_at: datetime
    closes_at: datetime
    rules: ContestRules


class HoldPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A hold; `ballots_hash` as in voting/rulings/model.py."""

    id: int
    kind: str
    source: str
    label: str
    evidence: dict[str, Any]
    ballots: int
    ballots_hash: str
    created_at: datetime


class RulingPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A ruling by two people; the highest turn of a hold is in force."""

    decision_id: int
    hold_id: int
    turn: int
    verdict: Literal["void", "count"]
    ruled_at: datetime


class WithdrawalPart(Withdrawal, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A withdrawal that two people approved."""

    decision_id: int


class PublicationPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A version; `visible_from` is None if it was public at once."""

    version: int
    decision_id: int
    published_at: datetime
    visible_from: datetime | None
    document_sha256: str
