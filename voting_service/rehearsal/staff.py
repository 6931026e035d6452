"""The staff of a rehearsal: two people rule on what is in question, correct a profile, withdraw a
candidate, decide a tie and publish."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from voting_service.contests.candidate_changes.service import (
    CorrectionDraft,
    approve_candidate_change,
    propose_correction,
    propose_withdrawal,
)
from voting_service.contests.objections.repository import load_objections
from voting_service.contests.objections.service import answer_online_objection
from voting_service.errors import SecondPersonRequired, VotingError
from voting_service.i18n.catalogues import load_text
from voting_service.i18n.text import Text
from voting_service.infrastructure.crypto.signed_document import load_signing_key
from voting_service.infrastructure.postgres.named_queries import Queries
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.rehearsal.diary import Diary
from voting_service.rehearsal.findings import Finding
from voting_service.rehearsal.stores import RehearsalStage
from voting_service.staff.actor import Actor
from voting_service.voting.cut.examination import Examination, examine
from voting_service.voting.cut.publication import (
    approve,
    propose_lot,
    propose_publication,
    propose_tie_order,
)
from voting_service.voting.rulings.model import Hold, Verdict
from voting_service.voting.rulings.repository import load_hold_ballots, load_holds
from voting_service.voting.rulings.service import (
    RulingProposal,
    approve_rulings,
    propose_rulings,
)

QUERIES = Queries(__package__)
MOST_BALLOTS = 100_000
"""Of a hold that is looked at."""
MOST_OBJECTIONS = 10
DRAWN = "20220817031415"
"""What a public draw may give."""
Act = Literal["ruling", "correction", "withdrawal", "tie", "publication"]
MOST_NAME = 100
"""So much of a name is kept, so that the corrected one is not too long."""


class Staff:
    """A clerk who proposes and a supervisor who approves, on a connection of the staff's rights."""

    def __init__(self, stage: RehearsalStage, connection: Connection, diary: Diary) -> None:
        self._stage = stage
        self._connection = connection
        self._diary = diary
        self._key: Ed25519PrivateKey = load_signing_key(stage.settings.signing_key_file)
        self._tried_alone: set[Act] = set()

    def _actor(self, name: str) -> Actor:
        return Actor(self._connection, self._stage.accounts[name], self._stage.clock())

    async def rule_on_holds(self, guilty: set[bytes]) -> None:
        """Rule on every open hold: void where most ballots are `guilty`, otherwise they count."""
        contest = self._stage.contest
        for hold in await load_holds(self._connection, contest):
            if hold.state != "open":
                continue
            verdict = await self._verdict(hold, guilty)
            reason = "automated_voting" if verdict == "void" else "honest_crowd"
            (request,) = await propose_rulings(
                self._actor("clerk-1"),
                contest,
                [hold.id],
                RulingProposal(verdict, reason, hold.evidence.sentence.zh),
            )
            await self._try_alone(
                "ruling", approve_rulings(self._actor("clerk-1"), contest, [request])
            )
            await approve_rulings(self._actor("supervisor-1"), contest, [request])
            self._diary.note(
                self._stage.clock(),
                "staff",
                f"ruled_{verdict}",
                ballots=hold.ballots,
                evidence=hold.evidence.sentence,
            )

    async def _verdict(self, hold: Hold, guilty: set[bytes]) -> Verdict:
        ballots = await load_hold_ballots(
            self._connection, self._stage.contest, hold.id, limit=MOST_BALLOTS
        )
        bad = sum(ballot.ballot_id in guilty for ballot in ballots)
        return "void" if 2 * bad > len(ballots) else "count"

    async def _try_alone(self, act: Act, approval: Awaitable[Any]) -> None:
        """Approve as the one who proposed, the first time of each act: it must be refused."""
        try:
            await approval
        except SecondPersonRequired:
            if act not in self._tried_alone:
                self._tried_alone.add(act)
                self._diary.note(self._stage.clock(), "staff", f"alone_{act}")
        else:
            now = self._stage.clock()
            what = load_text("rehearsal", f"acts.{act}")
            self._diary.fail(Finding("one_person_decided", now, {"what": what}))

    async def correct_name(self, number: int) -> Text:
        """Correct the name of a candidate and return the name since then."""
        contest = self._stage.contest
        before = next(c.name for c in contest.candidates if c.number == number)
        kept = Text(zh=before.zh[:MOST_NAME], en=before.en[:MOST_NAME])
        name = load_text("rehearsal", "corrected_name", name=kept)
        reason = load_text("rehearsal", "reason")
        changed = CorrectionDraft(
            {"name": msgspec.to_builtins(name)}, None, before_hidden=False, reason=reason
        )
        request = await propose_correction(self._actor("clerk-1"), contest, number, changed)
        await self._approve_change("correction", request)
        self._diary.note(self._stage.clock(), "staff", "correction", number=number)
        return name

    async def withdraw(self, number: int) -> None:
        """Withdraw a candidate, and wait until it has taken effect."""
        clerk, reason = self._actor("clerk-1"), load_text("rehearsal", "reason")
        request = await propose_withdrawal(
            clerk, self._stage.contest, number, "stepped_back", reason
        )
        await self._approve_change("withdrawal", request)
        self._diary.note(self._stage.clock(), "staff", "withdrawal", number=number)
        withdrawn_at = self._stage.contest.withdrawn[number].withdrawn_at
        await self._stage.clock.jump(withdrawn_at + timedelta(seconds=1))

    async def _approve_change(self, act: Act, request: int) -> None:
        contest = self._stage.contest
        await self._try_alone(
            act, approve_candidate_change(self._actor("clerk-1"), contest, request)
        )
        await approve_candidate_change(self._actor("supervisor-1"), contest, request)
        await self._stage.reload_contest()

    async def answer_objections(self) -> None:
        """Answer every objection that waits."""
        master_key = self._stage.settings.master_key.get_secret_value()
        words = load_text("rehearsal", "objection_answer").zh
        for objection in await load_objections(self._connection, MOST_OBJECTIONS):
            if objection.answered_by is None:
                await answer_online_objection(
                    self._actor("clerk-1"), master_key, objection.id, words, [self._stage.contest]
                )
                self._diary.note(self._stage.clock(), "staff", "answered")

    async def examine(self) -> Examination:
        """Count every ballot again and return the state of the cut."""
        return await examine(self._connection, self._stage.contest, self._stage.clock())

    async def decide_tie(self) -> None:
        """Decide a tie for the last place as the rules say; note whether there was one."""
        contest, examination = self._stage.contest, await self.examine()
        tie, rule = examination.tie, contest.rules.cut.tie
        now = self._stage.clock()
        if tie is None:
            self._diary.note(now, "staff", "no_tie")
            return
        numbers = ", ".join(map(str, tie.numbers))
        self._diary.note(now, "staff", "tie", numbers=numbers, votes=tie.votes, places=tie.places)
        if rule == "advance_all":
            return
        proposer = self._actor("clerk-1")
        request = (
            await propose_lot(proposer, contest, DRAWN)
            if rule == "lot"
            else await propose_tie_order(proposer, contest, tie.numbers[::-1])
        )
        await self._approve("tie", request)
        self._diary.note(self._stage.clock(), "staff", f"tie_decided_{rule}")

    async def publish(self, visible_from: datetime) -> bool:
        """Publish the cut, public from a moment on; return whether that worked."""
        try:
            request = await propose_publication(
                self._actor("clerk-1"),
                self._stage.contest,
                key=self._key,
                visible_from=visible_from,
            )
            await self._approve("publication", request)
        except VotingError as error:
            reason = Text(zh=error.zh, en=str(error))
            now = self._stage.clock()
            self._diary.fail(Finding("cut_not_published", now, {"reason": reason}))
            return False
        self._diary.note(self._stage.clock(), "staff", "published", visible=visible_from)
        return True

    async def _approve(self, act: Act, request: int) -> None:
        contest = self._stage.contest
        await self._try_alone(act, approve(self._actor("clerk-1"), contest, request, key=self._key))
        await approve(self._actor("supervisor-1"), contest, request, key=self._key)
