"""Ballots in question, their evidence, and what may be ruled about them. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Literal, NamedTuple, get_args

import msgspec

from voting_service.contests.model import Text
from voting_service.decisions.model import Decision

HoldKind = Literal["campaign", "bloc", "screening", "selection"]
Verdict = Literal["void", "count"]
HoldState = Literal["open", "proposed", "void", "count"]
BallotState = Literal["counted", "held", "void"]

HOLD_KINDS: tuple[HoldKind, ...] = get_args(HoldKind)
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
HOLD_STATES: tuple[HoldState, ...] = get_args(HoldState)


class Reason(NamedTuple):
    """Why ballots are void or counted, in words for minutes and press; `verdicts` it may
    stand for."""

    words: Text
    verdicts: tuple[Verdict, ...]


REASONS: Mapping[str, Reason] = {
    "automated_voting": Reason(
        Text(zh="程序自动投票", en="cast by a program, not by people"), ("void",)
    ),
    "bought_votes": Reason(Text(zh="花钱买票、刷票", en="votes were bought"), ("void",)),
    "misused_accounts": Reason(
        Text(zh="冒用或批量注册的账号", en="accounts that were stolen or made in bulk"), ("void",)
    ),
    "duplicate_person": Reason(
        Text(zh="同一人重复投票", en="one person cast them more than once"), ("void",)
    ),
    "platform_fault": Reason(Text(zh="平台故障", en="a fault of the platform"), ("void", "count")),
    "employer_call": Reason(
        Text(zh="单位组织动员的投票", en="an employer called on its staff"), ("void", "count")
    ),
    "honest_crowd": Reason(
        Text(zh="核实为真实群众投票", en="honest people who look alike"), ("count",)
    ),
    "insufficient_evidence": Reason(
        Text(zh="证据不足", en="the evidence does not suffice"), ("count",)
    ),
    "objection_upheld": Reason(
        Text(zh="申诉成立，更正原裁定", en="an objection was upheld; corrects an earlier ruling"),
        ("void", "count"),
    ),
    "other": Reason(Text(zh="其他原因", en="another reason"), ("void", "count")),
}
"""By the code that is stored. A code is never taken away, as old rulings name it."""


class Attribute(msgspec.Struct, frozen=True):
    """Something the ballots share: `device` = `a1b2…`, in so many, where so many were to be
    expected."""

    name: str
    value: str
    ballots: int
    expected: float | None = None


class Evidence(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why the ballots are in question. `sentence` can be read out as it is."""

    sentence: Text
    pattern: str = ""
    """What the source calls it: `network`, `device`, `lockstep` …"""
    first_at: datetime | None = None
    last_at: datetime | None = None
    attributes: tuple[Attribute, ...] = ()
    candidates: tuple[int, ...] = ()
    observed: float | None = None
    expected: float | None = None
    p_value: float | None = None
    q_value: float | None = None


class Ruling(msgspec.Struct, frozen=True):
    """What two people ruled about a hold; the highest turn is in force."""

    decision_id: int
    hold_id: int
    turn: int
    verdict: Verdict
    reason: str
    words: str
    proposer: str
    approver: str
    ruled_at: datetime


class HoldVotes(NamedTuple):
    """Of a candidate's votes (candidate 0: of the ballots) in a hold, as they were cast."""

    held: int
    counted: int


class Sweep(msgspec.Struct, frozen=True):
    """An examination of all ballots: how many there were, the campaigns found, and the holds made
    of ballots that were in none before."""

    examined_at: datetime
    ballots: int
    campaigns: int
    holds: int


class Hold(msgspec.Struct, frozen=True):
    """A fixed set of ballots in question. `held` of them were held when they were cast, the
    others counted. `proposals` wait for a second person."""

    id: int
    kind: HoldKind
    source: str
    label: str
    evidence: Evidence
    ballots: int
    held: int
    ballots_hash: str
    created_at: datetime
    ruling: Ruling | None = None
    proposals: tuple[Decision, ...] = ()

    @property
    def state(self) -> HoldState:
        """The ruling in force, else whether one is proposed."""
        if self.ruling is not None:
            return self.ruling.verdict
        return "proposed" if self.proposals else "open"

    @property
    def settled(self) -> bool:
        """Ruled, and nobody proposes to rule otherwise."""
        return self.ruling is not None and not self.proposals

    @property
    def next_turn(self) -> int:
        return 1 if self.ruling is None else self.ruling.turn + 1

    @property
    def subject(self) -> str:
        """What the next ruling's decision is about."""
        return f"{self.id}/{self.next_turn}"


def ballots_hash(ballot_ids: Iterable[bytes]) -> str:
    """SHA-256 of the sorted ids, one after another, in hexadecimal; the database computes the
    same (carry_out_ruling)."""
    return sha256(b"".join(sorted(ballot_ids))).hexdigest()
