"""How the cut of a contest stands at one moment: counts, checklist, what is published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import msgspec

from voting_service.contests.model import Contest, Text
from voting_service.cut import checklist
from voting_service.cut.checklist import Check
from voting_service.cut.correction import correction, read_document, same_result
from voting_service.cut.document import CutDocument, build_document, contest_facts
from voting_service.cut.open_questions import load_questions
from voting_service.cut.ranking import Standing, Tie, ranked, tie_at_line
from voting_service.cut.safety import Safety, assess
from voting_service.cut.tie_decisions import decided_tie
from voting_service.decisions.model import Decision
from voting_service.decisions.store import load_decisions
from voting_service.errors import Fault, InvalidInput, Refused
from voting_service.storage.postgres import AnyConnection, domain_errors
from voting_service.storage.queries import Queries
from voting_service.tally.audit import last_ruled_at, load_audit
from voting_service.tally.recount import BALLOTS, Count, Recount, recount

QUERIES = Queries(__package__)


class Publication(NamedTuple):
    """A published version; the public sees it from `visible_at` on."""

    version: int
    document: bytes
    published_at: datetime
    visible_at: datetime
    decision_id: int


@dataclass(frozen=True, slots=True)
class Examination:
    """`recount` is None when the kept figures were taken for granted; `rulings` is how many
    rulings stood when the counting began."""

    contest: Contest
    recount: Recount | None
    ballots: Count
    counts: Mapping[int, Count]
    rulings: int
    standings: tuple[Standing, ...]
    tie: Tie | None
    safety: Safety
    decisions: tuple[Decision, ...]
    checks: tuple[Check, ...]
    publications: tuple[Publication, ...]

    @property
    def published(self) -> Publication | None:
        """The newest version, shown already or not."""
        return self.publications[-1] if self.publications else None

    @property
    def closed(self) -> bool:
        """Voting is over, and no ballot can appear any more."""
        return all(check.done for check in self.checks if check.name in ("closed", "drained"))

    def next_document(self, reason: Text | None) -> CutDocument:
        """The version that would be published now; a correction needs its reason.

        Raises Refused with everything that is missing, or as `draft`.
        """
        missing = [check.detail for check in self.checks if not check.done]
        if missing:
            raise Refused(
                "the cut cannot be published yet: " + "; ".join(text.en for text in missing),
                zh="还不能公布：" + "；".join(text.zh for text in missing) + "。",
            )
        return self.draft(reason)

    def draft(self, reason: Text | None) -> CutDocument:
        """The next version as the figures of now give it, whatever is missing yet.

        Raises Refused when a ballot names a stranger or nothing has changed since the version
        before, TieUndecided, and InvalidInput when the reason is missing or there is nothing to
        give one for.
        """
        before = self.published
        document = build_document(
            contest_facts(self.contest),
            {candidate.number: candidate.name for candidate in self.contest.candidates},
            self.counts,
            self.ballots,
            decided_tie(self.decisions, self.tie),
            version=1 if before is None else before.version + 1,
        )
        if before is None:
            if reason is not None:
                raise InvalidInput(Fault("reason", "is for corrections; nothing is published yet"))
            return document
        if same_result(read_document(before.document), document):
            raise Refused(
                f"version {before.version} is published and nothing has changed",
                zh=f"第 {before.version} 版已经公布，此后没有变化。",
            )
        if reason is None or not (reason.zh.strip() and reason.en.strip()):
            raise InvalidInput(
                Fault(
                    "reason",
                    f"version {before.version} is published: say in Chinese and in English why "
                    "it is corrected",
                    f"第 {before.version} 版已经公布：请用中文和英文写明为什么更正。",
                )
            )
        corrects = (correction(before.document, document, reason),)
        return msgspec.structs.replace(document, corrects=corrects)


async def load_publications(connection: AnyConnection, contest_id: int) -> tuple[Publication, ...]:
    """Every version, the oldest first."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["publications"], contest_id)
    return tuple(Publication(*row.values()) for row in rows)


async def kept_counts(connection: AnyConnection, contest: Contest) -> dict[int, Count]:
    """The kept figures by candidate and BALLOTS; every candidate is named."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["tally"], contest.id)
    found = {row["candidate"]: Count(row["gross"], row["held"], row["void"]) for row in rows}
    return dict.fromkeys((BALLOTS, *sorted(contest.numbers)), Count()) | found


async def examine(
    connection: AnyConnection, contest: Contest, now: datetime, *, afresh: bool = True
) -> Examination:
    """Goes through the checklist; `afresh` counts every ballot, otherwise the kept figures are
    shown and the newest audit of them speaks for the recount. Call it outside a transaction."""
    with domain_errors():
        rulings: int = await connection.fetchval(QUERIES["rulings"], contest.id)
    counted = await recount(connection, contest) if afresh else None
    with domain_errors():
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            kept = await kept_counts(connection, contest)
            kept_candidates = {n: count for n, count in kept.items() if n != BALLOTS}
            questions, loose = await load_questions(
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
    net = {number: count.net for number, count in counts.items()}
    standings = ranked(net)
    size = contest.rules.cut.size
    tie = tie_at_line(standings, size)
    decisions = await load_decisions(connection, contest.id)
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
            checklist.drained(contest, now),
            checklist.recounted(contest, counted, counts, audit),
            checklist.reconciled(fresh, kept, audit),
            checklist.holds_ruled(ballots, [question.hold for question in questions]),
            checklist.nothing_waits(decisions),
            checklist.tie_decided(contest, tie, decisions),
        ),
        publications=await load_publications(connection, contest.id),
    )
