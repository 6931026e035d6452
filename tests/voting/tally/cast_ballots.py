"""Ballots as votes leave them, with ids that begin with their moment; holds, and rulings on them;
and a slow, obvious count of all that in Python."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.contest_data import store_contest
from tests.cut_data import (
    CLOSES,
    MASTER_KEY,
    OPENS,
    member,
)
from voting_service.contests.model import Contest, ContestRules
from voting_service.i18n.text import Text
from voting_service.infrastructure.postgres.pool import AnyConnection
from voting_service.staff.accounts.model import Account
from voting_service.staff.accounts.repository import load_accounts
from voting_service.staff.actor import Actor
from voting_service.voting.ballots.commit import new_ballot_ids
from voting_service.voting.rulings.model import HoldEvidence, Verdict
from voting_service.voting.rulings.repository import NewHold, create_hold
from voting_service.voting.rulings.service import RulingProposal, approve_rulings, propose_rulings
from voting_service.voting.tally.recount import Count

CANDIDATES = 6
_EVIDENCE = HoldEvidence(sentence=Text(zh="测试", en="test"))


@dataclass
class Cast:
    """One ballot; `void` and `counted` say what the rulings in force made of it."""

    choices: Sequence[int]
    cast_at: datetime = OPENS + timedelta(hours=1)
    platform_id: int = 1
    held: bool = False
    network: bytes | None = None
    ballot_id: bytes = b""

    def __post_init__(self) -> None:
        self.ballot_id = new_ballot_ids(1, self.cast_at)[0]


@dataclass
class Field:
    """A contest's ballots and rulings, and the two people who rule. `ruled` holds, by hold, its
    ballots and the verdicts in the order in which they were approved, each with its moment."""

    contest: Contest
    proposer: Account
    approver: Account
    cast: list[Cast] = field(default_factory=list)
    ruled: dict[int, tuple[set[bytes], list[tuple[datetime, Verdict]]]] = field(
        default_factory=dict
    )

    async def add(self, connection: AnyConnection, ballots: Iterable[Cast]) -> None:
        ballots = list(ballots)
        await connection.executemany(
            "insert into ballots (contest_id, platform_id, disposition, screened, period, cast_at,"
            " ballot_id, voter, network, choices) values ($1, $2, $3, true, $4, $5, $6, $7, $8,"
            " $9)",
            [
                (
                    self.contest.id, b.platform_id, int(b.held), self.contest.period(b.cast_at),
                    b.cast_at, b.ballot_id, os.urandom(16), b.network, list(b.choices),
                )
                for b in ballots
            ],
        )  # fmt: skip
        self.cast += ballots

    async def hold(
        self,
        connection: AnyConnection,
        ballots: Iterable[Cast],
        now: datetime,
        *,
        label: str | None = None,
    ) -> int:
        ids = {ballot.ballot_id for ballot in ballots}
        hold_id = await create_hold(
            connection,
            self.contest,
            NewHold(
                ids,
                kind="campaign",
                source="test",
                label=label or f"hold of {len(ids)}",
                evidence=_EVIDENCE,
            ),
            actor="test",
            now=now,
        )
        self.ruled[hold_id] = (ids, [])
        return hold_id

    async def rule(
        self, connection: AnyConnection, hold_id: int, verdict: Verdict, now: datetime
    ) -> None:
        made = await propose_rulings(
            Actor(connection, self.proposer, now),
            self.contest,
            [hold_id],
            RulingProposal(verdict=verdict, reason="other", words="test"),
        )
        await approve_rulings(Actor(connection, self.approver, now), self.contest, made)
        self.ruled[hold_id][1].append((now, verdict))

    def state(self, ballot: Cast, at: datetime | None = None) -> str:
        verdicts = []
        for ids, history in self.ruled.values():
            made = [verdict for moment, verdict in history if at is None or moment < at]
            if ballot.ballot_id in ids and made:
                verdicts.append(made[-1])
        if "void" in verdicts:
            return "void"
        return "held" if ballot.held and not verdicts else "counted"

    def count(
        self,
        keys: Callable[[Cast], Iterable[Any]],
        *,
        at: datetime | None = None,
        among: Callable[[Cast], bool] = lambda ballot: True,
    ) -> dict[Any, Count]:
        """Adds up the ballots cast before `at`, each under every key that `keys` gives it."""
        sums: defaultdict[Any, Count] = defaultdict(Count)
        for ballot in self.cast:
            if (at is None or ballot.cast_at < at) and among(ballot):
                state = self.state(ballot, at)
                for key in keys(ballot):
                    first = Count(1, int(state == "held"), int(state == "void"))
                    sums[key] = sums[key].plus(first)
        return dict(sums)


async def two_people(connection: AnyConnection) -> tuple[Account, Account]:
    """Made once a database: their passwords are dear to hash."""
    accounts = await load_accounts(connection)
    result = {account.name: account for account in accounts}
    return (
        result.get("one") or await member(connection, "one"),
        result.get("two") or await member(connection, "two"),
    )


async def open_field(
    connection: AnyConnection,
    slug: str = "test-2022",
    *,
    contest_rules: ContestRules | None = None,
    closes_at: datetime = CLOSES,
) -> Field:
    """A contest of six without ballots, and two people."""
    contest = await store_contest(
        connection, MASTER_KEY, slug=slug, contest_rules=contest_rules, count=CANDIDATES,
        opens_at=OPENS, closes_at=closes_at,
    )  # fmt: skip
    return Field(contest, *await two_people(connection))


moments = st.integers(0, 5 * 3600 * 1000 - 1).map(
    lambda milliseconds: OPENS + timedelta(milliseconds=milliseconds)
)
ballots = st.builds(
    Cast,
    choices=st.lists(st.integers(1, CANDIDATES), min_size=1, max_size=3, unique=True),
    cast_at=moments,
    platform_id=st.sampled_from([1, 2]),
    held=st.booleans(),
    network=st.sampled_from([None, b"network1", b"network2"]),
)


def get_members(cast: Sequence[Cast], marks: Sequence[bool]) -> list[Cast]:
    """Those ballots whose mark is set."""
    return [ballot for ballot, mark in zip(cast, marks, strict=False) if mark]
