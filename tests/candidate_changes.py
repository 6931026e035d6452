"""Two people who correct and withdraw candidates of a stored contest."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NamedTuple

from tests.contest_data import both
from tests.cut_data import member
from voting_service.contests.candidate_changes.service import (
    CorrectionDraft,
    approve_candidate_change,
    propose_correction,
    propose_withdrawal,
)
from voting_service.contests.model import Contest, WithdrawalGround
from voting_service.contests.repository import load_contest
from voting_service.infrastructure.images.model import EncodedPicture
from voting_service.infrastructure.postgres.pool import AnyConnection
from voting_service.staff.accounts.model import Account
from voting_service.staff.actor import Actor


class TwoPeople(NamedTuple):
    """A clerk who proposes and a supervisor who approves."""

    database: AnyConnection
    clerk: Account
    supervisor: Account

    @classmethod
    async def store(cls, database: AnyConnection) -> TwoPeople:
        return cls(
            database,
            await member(database, "proposer"),
            await member(database, "approver", "supervisor"),
        )

    def proposer(self) -> Actor:
        return Actor(self.database, self.clerk, datetime.now(UTC))

    def approver(self) -> Actor:
        return Actor(self.database, self.supervisor, datetime.now(UTC))

    async def correct(
        self,
        contest: Contest,
        number: int,
        portrait: EncodedPicture | None = None,
        *,
        before_hidden: bool = False,
        **fields: Any,
    ) -> Contest:
        """Propose and approve; return the contest as it is then."""
        draft = CorrectionDraft(fields, portrait, before_hidden, both("a typing mistake"))
        request = await propose_correction(self.proposer(), contest, number, draft)
        return await self.approve(contest, request)

    async def withdraw(
        self, contest: Contest, number: int, ground: WithdrawalGround = "stepped_back"
    ) -> Contest:
        """Propose and approve; return the contest as it is then."""
        reason = both("at the candidate's request")
        request = await propose_withdrawal(self.proposer(), contest, number, ground, reason)
        return await self.approve(contest, request)

    async def approve(self, contest: Contest, request: int) -> Contest:
        await approve_candidate_change(self.approver(), contest, request)
        return await load_contest(self.database, contest.slug)
