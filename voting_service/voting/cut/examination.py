"""The state of the cut of a contest at one moment: counts, checklist, published versions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import msgspec

from voting_service.contests.model import Contest
from voting_service.errors import (
    Fault,
    InvalidInput,
    Refused,
)
from voting_service.i18n.text import Text
from voting_service.infrastructure.postgres.constraint_errors import register_constraint_errors
from voting_service.infrastructure.postgres.named_queries import Queries
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.staff.approvals.model import ApprovalRequest
from voting_service.staff.approvals.repository import load_contest_approvals
from voting_service.voting.completeness import load_completeness
from voting_service.voting.cut import checklist
from voting_service.voting.cut.checklist import Check
from voting_service.voting.cut.constraints import CONSTRAINTS
from voting_service.voting.cut.correction import (
    correction,
    read_document,
    same_result,
)
from voting_service.voting.cut.document import (
    CountedVotes,
    CutDocument,
    build_document,
    contest_facts,
    withdrawal_facts,
)
from voting_service.voting.cut.open_questions import load_open_questions
from voting_service.voting.cut.ranking import (
    Standing,
    Tie,
    ranked,
    tie_at_line,
)
from voting_service.voting.cut.safety import Safety, assess
from voting_service.voting.cut.tie_decisions import decided_tie
from voting_service.voting.tally.recount import (
    BALLOTS,
    Count,
    Recount,
    recount,
)
from voting_service.voting.tally.recount_audit import last_ruled_at, load_audit

QUERIES = Queries(__package__)
register_constraint_errors(CONSTRAINTS)


class Publication(NamedTuple):
    """A published version; the public sees it from `visible_at` on."""

    version: int
    document: bytes
    published_at: datetime
    visible_at: datetime
    approval_id: int


@dataclass(frozen=True, slots=True)
class Examination:
    """The state of the cut. `recount` is None when the running totals were used; `rulings` is the
    number of rulings in force when counting began."""

    contest: Contest
    recount: Recount | None
    ballots: Count
    counts: Mapping[int, Count]
    rulings: int
    standings: tuple[Standing, ...]
    tie: Tie | None
    safety: Safety
    decisions: tuple[ApprovalRequest, ...]
    checks: tuple[Check, ...]
    publications: tuple[Publication, ...]

    @property
    def published(self) -> Publication | None:
        """The newest version, whether public yet or not."""
        return self.publications[-1] if self.publications else None

    @property
    def closed(self) -> bool:
        """Voting is over, and no ballot can appear any more."""
        return all(check.done for check in self.checks if check.name in ("closed", "drained"))

    def next_document(self, reason: Text | None) -> CutDocument:
        """Return the version that would be published now; a correction needs a reason.

        Raises Refused with everything that is missing, and whatever `draft` raises.
        """
        missing = [check.detail for check in self.checks if not check.done]
        if missing:
            raise Refused(
                "voting.cut.not_ready",
                en_missing="; ".join(text.en for text in missing),
                zh_missing="；".join(text.zh for text in missing),
            )
        return self.draft(reason)

    def draft(self, reason: Text | None) -> CutDocument:
        """Return the next version from the current figures, even if something is missing.

        Raises TieUndecided; Refused when a ballot names someone who is not a candidate or when
        nothing has changed; InvalidInput when the reason is missing or not allowed.
        """
        before = self.published
        document = build_document(
            contest_facts(self.contest),
            CountedVotes(
                {candidate.number: candidate.name for candidate in self.contest.candidates},
                self.counts,
                self.ballots,
                withdrawal_facts(self.contest.withdrawals),
            ),
            decided_tie(self.decisions, self.tie),
            version=1 if before is None else before.version + 1,
        )
        if before is None:
            if reason is not None:
                raise InvalidInput(Fault("reason", "voting.cut.nothing_to_correct"))
            return document
        if same_result(read_document(before.document), document):
            raise Refused("voting.cut.nothing_changed", version=before.version)
        if reason is None or not (reason.zh.strip() and reason.en.strip()):
            raise InvalidInput(
                Fault(
                    "reason",
                    "voting.cut.reason_missing",
                    version=before.version,
                )
            )
        corrects = (correction(before.document, document, reason),)
        return msgspec.structs.replace(document, corrects=corrects)


async def load_publications(connection: AnyConnection, contest_id: int) -> tuple[Publication, ...]:
    """Load every version, oldest first."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["publications"], contest_id)
    return tuple(Publication(*row.values()) for row in rows)


async def kept_counts(connection: AnyConnection, contest: Contest) -> dict[int, Count]:
    """Load the running totals by candidate and BALLOTS; includes every candidate."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["tally"], contest.id)
    counts = {row["candidate"]: Count(row["gross"], row["held"], row["void"]) for row in rows}
    return dict.fromkeys((BALLOTS, *sorted(contest.numbers)), Count()) | counts


async def examine(
    connection: AnyConnection, contest: Contest, now: datetime, *, afresh: bool = True
) -> Examination:
    """Run the checklist. Call it outside a transaction.

    `afresh` recounts every ballot; otherwise the running totals and their newest audit are used.
    """
    _, complete_before = await load_completeness(connection)
    with domain_errors():
        rulings: int = await connection.fetchval(QUERIES["rulings"], contest.id)
    counted = await recount(connection, contest) if afresh else None
    with domain_errors():
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            kept = await kept_counts(connection, contest)
            kept_candidates = {n: count for n, count in kept.items() if n != BALLOTS}
            questions, loose = await load_open_questions(
                connection, contest.id, kept_candidates, kept[BALLOTS].held
            )
    audit = checklist.current_audit(
        contest,
        await load_audit(connection, contest.id),
        await last_ruled_at(connection, contest.id),
    )
    counts, ballots = kept_candidates, kept[BALLOTS]
    if counted is not None:
        counts, ballots = dict(counted.votes(contest.numbers)), counted.ballots
    fresh = {**counts, BALLOTS: ballots} if counted else None
    net = {n: count.net for n, count in counts.items() if n not in contest.withdrawn}
    standings = ranked(net)
    size = contest.rules.cut.size
    tie = tie_at_line(standings, size)
    decisions = await load_contest_approvals(connection, contest.id)
    return Examination(
        contest=contest,
        recount=counted,
        ballots=ballots,
        counts=counts,
        rulings=rulings,
        standings=standings,
        tie=tie,
        safety=assess(net, size, questions, loose),
        decisions=decisions,
        checks=(
            checklist.closed(contest, now),
            checklist.drained(contest, complete_before),
            checklist.recounted(contest, counted, counts, audit),
            checklist.reconciled(fresh, kept, audit),
            checklist.holds_ruled(ballots, [question.hold for question in questions]),
            checklist.nothing_waits(decisions),
            checklist.tie_decided(contest, tie, decisions),
        ),
        publications=await load_publications(connection, contest.id),
    )
