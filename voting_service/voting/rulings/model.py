"""Holds, their evidence, and what may be ruled about them. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Literal, NamedTuple, get_args

import msgspec

from voting_service.i18n.catalogues import load_text
from voting_service.i18n.text import Text
from voting_service.staff.approvals.model import ApprovalRequest

HoldKind = Literal["campaign", "bloc", "screening", "selection"]
Verdict = Literal["void", "count"]
HoldState = Literal["open", "proposed", "void", "count"]
BallotState = Literal["counted", "held", "void"]

HOLD_KINDS: tuple[HoldKind, ...] = get_args(HoldKind)
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
HOLD_STATES: tuple[HoldState, ...] = get_args(HoldState)


class RulingReason(NamedTuple):
    """Why ballots are void or counted; `verdicts` are those that the reason can support."""

    code: str
    verdicts: tuple[Verdict, ...]

    @property
    def words(self) -> Text:
        """The reason as it stands in minutes and press releases."""
        return load_text("voting", f"rulings.reasons.{self.code}")


REASONS: Mapping[str, RulingReason] = {
    reason.code: reason
    for reason in (
        RulingReason("automated_voting", ("void",)),
        RulingReason("bought_votes", ("void",)),
        RulingReason("misused_accounts", ("void",)),
        RulingReason("duplicate_person", ("void",)),
        RulingReason("platform_fault", ("void", "count")),
        RulingReason("employer_call", ("void", "count")),
        RulingReason("honest_crowd", ("count",)),
        RulingReason("insufficient_evidence", ("count",)),
        RulingReason("objection_upheld", ("void", "count")),
        RulingReason("other", ("void", "count")),
    )
}
"""By the code that is stored. Never remove a code: old rulings refer to it. The words of each are
in locale/*/LC_MESSAGES/voting.po."""


class HoldAttribute(msgspec.Struct, frozen=True):
    """An attribute that ballots share (`device` = `a1b2…`): how many have it, how many were
    expected."""

    name: str
    value: str
    ballots: int
    expected: float | None = None


class HoldEvidence(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why the ballots are on hold. `sentence` can be read out as it is."""

    sentence: Text
    pattern: str = ""
    """The name the source gives it: `network`, `device`, `lockstep` …"""
    first_at: datetime | None = None
    last_at: datetime | None = None
    attributes: tuple[HoldAttribute, ...] = ()
    candidates: tuple[int, ...] = ()
    observed: float | None = None
    expected: float | None = None
    p_value: float | None = None
    q_value: float | None = None


class Ruling(msgspec.Struct, frozen=True):
    """What two people ruled about a hold; the highest turn is in force."""

    approval_id: int
    hold_id: int
    turn: int
    verdict: Verdict
    reason: str
    words: str
    proposer: str
    approver: str
    ruled_at: datetime


class HoldVotes(NamedTuple):
    """The votes of a candidate (candidate 0: the ballots) in a hold, as they were cast."""

    held: int
    counted: int


class Sweep(msgspec.Struct, frozen=True):
    """An examination of all ballots: their number, the campaigns found, and the holds created of
    ballots that were in none before."""

    examined_at: datetime
    ballots: int
    campaigns: int
    holds: int


class Hold(msgspec.Struct, frozen=True):
    """A fixed set of suspicious ballots. `held` of them were held when they were cast, the others
    counted. `proposals` wait for a second person."""

    id: int
    kind: HoldKind
    source: str
    label: str
    evidence: HoldEvidence
    ballots: int
    held: int
    ballots_hash: str
    created_at: datetime
    ruling: Ruling | None = None
    proposals: tuple[ApprovalRequest, ...] = ()

    @property
    def state(self) -> HoldState:
        """The verdict in force, else whether one is proposed."""
        if self.ruling is not None:
            return self.ruling.verdict
        return "proposed" if self.proposals else "open"

    @property
    def is_ruled(self) -> bool:
        """Whether it is ruled on and no other ruling is proposed."""
        return self.ruling is not None and not self.proposals

    @property
    def next_turn(self) -> int:
        return 1 if self.ruling is None else self.ruling.turn + 1

    @property
    def subject(self) -> str:
        """The target of the approval request for the next ruling."""
        return f"{self.id}/{self.next_turn}"


def ballots_hash(ballot_ids: Iterable[bytes]) -> str:
    """Return the SHA-256 of the sorted, concatenated ids in hexadecimal; the database computes the
    same (carry_out_ruling)."""
    return sha256(b"".join(sorted(ballot_ids))).hexdigest()
