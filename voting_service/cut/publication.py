"""⑪ From a closed contest to a published document, with two people.

Each act looks at everything afresh: it recounts the ballots, so that what is approved is what
the ballots say and not what somebody saw an hour ago.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from voting_service.accounts.model import Account
from voting_service.contests.model import Contest
from voting_service.contests.phases import DRAIN_SECONDS
from voting_service.cut.document import CutDocument, build_document, contest_facts
from voting_service.cut.ranking import Standing, Tie, ranked, tie_at_line
from voting_service.cut.signature import sign
from voting_service.cut.tie_decisions import decided_tie, tie_subject
from voting_service.cut.tie_rule import TieUndecided, check_order, plain_drawn
from voting_service.decisions.model import Decision, check_approver
from voting_service.decisions.store import (
    find_decision,
    load_decisions,
    propose,
    record_approval,
)
from voting_service.errors import Refused
from voting_service.storage.canonical import canonical
from voting_service.storage.postgres import AnyConnection, domain_errors
from voting_service.storage.queries import Queries
from voting_service.storage.signed_file import read_signed_file
from voting_service.tally.recount import Count, Recount, recount

QUERIES = Queries(__package__)


class Check(NamedTuple):
    """One line of the checklist: `detail` says how it stands, or what to do."""

    name: str
    done: bool
    detail: str


class Publication(NamedTuple):
    """The newest published version."""

    version: int
    document: bytes
    published_at: datetime


@dataclass(frozen=True, slots=True)
class Examination:
    """How the cut of a contest stands at one moment."""

    contest: Contest
    recount: Recount
    counts: dict[int, Count]
    standings: tuple[Standing, ...]
    tie: Tie | None
    decisions: tuple[Decision, ...]
    checks: tuple[Check, ...]
    published: Publication | None

    def document(self, version: int) -> CutDocument:
        """Raises Refused with everything that is missing."""
        missing = [check.detail for check in self.checks if not check.done]
        if missing:
            raise Refused("the cut cannot be published yet: " + "; ".join(missing))
        return build_document(
            contest_facts(self.contest),
            {candidate.number: candidate.name for candidate in self.contest.candidates},
            self.counts,
            self.recount.ballots,
            decided_tie(self.decisions, self.tie),
            version=version,
        )


def drained_at(contest: Contest) -> datetime:
    """From then on no ballot can appear any more."""
    return contest.closes_at + timedelta(seconds=DRAIN_SECONDS)


async def database_time(connection: AnyConnection) -> datetime:
    """The clock by which the vote path stops; give it to the functions here as `now`."""
    with domain_errors():
        now: datetime = await connection.fetchval(QUERIES["database_time"])
    return now


async def load_publication(connection: AnyConnection, contest_id: int) -> bytes | None:
    """The signed bytes of the newest version, for the public; None until one is published."""
    published = await _latest(connection, contest_id)
    return published.document if published else None


async def _latest(connection: AnyConnection, contest_id: int) -> Publication | None:
    with domain_errors():
        row = await connection.fetchrow(QUERIES["latest_publication"], contest_id)
    return Publication(*row.values()) if row else None


async def examine(connection: AnyConnection, contest: Contest, now: datetime) -> Examination:
    """Recounts and goes through the checklist. Call it outside a transaction."""
    counted = await recount(connection, contest)
    counts = dict(counted.votes(contest.numbers))
    standings = ranked({number: count.net for number, count in counts.items()})
    tie = tie_at_line(standings, contest.rules.cut.size)
    decisions = await load_decisions(connection, contest.id)
    return Examination(
        contest=contest,
        recount=counted,
        counts=counts,
        standings=standings,
        tie=tie,
        decisions=decisions,
        checks=(
            _closed(contest, now),
            _drained(contest, now),
            _recounted(contest, counted, counts),
            _ruled(counted),
            _tie_decided(contest, tie, decisions),
        ),
        published=await _latest(connection, contest.id),
    )


def _closed(contest: Contest, now: datetime) -> Check:
    local = contest.closes_at.astimezone(contest.zone)
    if contest.phase(now) == "closed":
        return Check("closed", done=True, detail=f"voting closed at {local:%Y-%m-%d %H:%M:%S %Z}")
    return Check(
        "closed",
        done=False,
        detail=f"voting is {contest.phase(now)} until {local:%Y-%m-%d %H:%M:%S %Z}: wait, or "
        f"`voting-service contest close {contest.slug}`",
    )


def _drained(contest: Contest, now: datetime) -> Check:
    if now >= drained_at(contest):
        return Check("drained", done=True, detail="no ballot can appear any more")
    return Check(
        "drained",
        done=False,
        detail=f"votes cast before the close may be stored until {DRAIN_SECONDS} seconds after "
        "it: wait, or give --wait",
    )


def _recounted(contest: Contest, counted: Recount, counts: dict[int, Count]) -> Check:
    strangers = sorted(counts.keys() - contest.numbers)
    if strangers:
        return Check(
            "recounted",
            done=False,
            detail=f"ballots name {strangers}, who are no candidates: find out why first",
        )
    return Check(
        "recounted",
        done=True,
        detail=f"{counted.ballots.gross} ballots in {counted.seconds:.1f} seconds",
    )


def _ruled(counted: Recount) -> Check:
    held = counted.ballots.held
    if held == 0:
        return Check("holds ruled", done=True, detail="no ballot is held")
    return Check(
        "holds ruled",
        done=False,
        detail=f"{held} ballots are held and must be ruled, void or counted, before anything "
        "is published",
    )


def _tie_decided(contest: Contest, tie: Tie | None, decisions: tuple[Decision, ...]) -> Check:
    rule = contest.rules.cut.tie
    if tie is None:
        return Check("tie decided", done=True, detail="the last place is not tied")
    if rule == "advance_all":
        return Check(
            "tie decided",
            done=True,
            detail=f"all {len(tie.numbers)} tied for the last places go on: {tie_subject(tie)}",
        )
    if decided_tie(decisions, tie) is None:
        return Check("tie decided", done=False, detail=str(TieUndecided(tie, rule)))
    return Check("tie decided", done=True, detail=f"between {tie_subject(tie)}")


def _undecided_tie(examination: Examination, rule: str) -> Tie:
    contest = examination.contest
    if contest.rules.cut.tie != rule:
        raise Refused(f"the tie rule of {contest.slug} is {contest.rules.cut.tie}, not {rule}")
    missing = [c.detail for c in examination.checks if not c.done and c.name != "tie decided"]
    if missing:
        raise Refused("a tie is decided when the counts are final: " + "; ".join(missing))
    if examination.tie is None:
        raise Refused("the last place is not tied; there is nothing to decide")
    return examination.tie


async def propose_tie_order(
    connection: AnyConnection,
    contest: Contest,
    account: Account,
    order: tuple[int, ...],
    *,
    now: datetime,
) -> int:
    """The committee's order of the tied, best first; a second person approves it."""
    tie = _undecided_tie(await examine(connection, contest, now), "committee")
    check_order(order, tie)
    payload = {"order": list(order)}
    return await propose(
        connection,
        contest,
        account,
        kind="tie_order",
        subject=tie_subject(tie),
        payload=payload,
        now=now,
    )


async def propose_lot(
    connection: AnyConnection, contest: Contest, account: Account, drawn: str, *, now: datetime
) -> int:
    """The number drawn in public; a second person approves it."""
    digits = plain_drawn(drawn)
    tie = _undecided_tie(await examine(connection, contest, now), "lot")
    payload = {"drawn": digits}
    return await propose(
        connection,
        contest,
        account,
        kind="lot",
        subject=tie_subject(tie),
        payload=payload,
        now=now,
    )


async def propose_publication(
    connection: AnyConnection,
    contest: Contest,
    account: Account,
    *,
    key: Ed25519PrivateKey,
    now: datetime,
) -> int:
    """Proposes the document as the ballots give it now; a second person's approval publishes.

    Raises Refused with what is missing, or when exactly this is published already.
    """
    examination = await examine(connection, contest, now)
    published = examination.published
    version = 1
    if published is not None:
        same = canonical(examination.document(published.version).builtins())
        if same == canonical(read_signed_file(published.document).document):
            raise Refused(f"version {published.version} is published and nothing has changed")
        version = published.version + 1
    document = sign(examination.document(version), key)
    payload = {"version": version, "document_sha256": sha256(document).hexdigest()}
    return await propose(
        connection,
        contest,
        account,
        kind="publication",
        subject=str(version),
        payload=payload,
        now=now,
    )


async def approve(
    connection: AnyConnection,
    contest: Contest,
    account: Account,
    decision_id: int,
    *,
    key: Ed25519PrivateKey,
    now: datetime,
) -> Decision:
    """The second person's word. A publication is computed again by the approver first, must
    come out byte for byte as proposed, and is published in the same transaction.

    Raises SecondPersonRequired, NotFound or Refused.
    """
    decision = find_decision(await load_decisions(connection, contest.id), decision_id)
    check_approver(decision, account)
    if decision.kind != "publication":
        await record_approval(connection, contest, decision, account, now)
        return decision
    version = int(decision.subject)
    document = sign((await examine(connection, contest, now)).document(version), key)
    if sha256(document).hexdigest() != decision.payload["document_sha256"]:
        raise Refused(
            "the document has changed since it was proposed (counts, texts, a tie's decision or "
            "the signing key): propose it again with `publish`"
        )
    with domain_errors():
        async with connection.transaction():
            await record_approval(connection, contest, decision, account, now)
            await connection.execute(
                QUERIES["insert_publication"], contest.id, version, document, decision.id, now
            )
    return decision
