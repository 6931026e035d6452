"""Loads and stores holds, with the rulings about them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from voting_service.contests.model import Contest
from voting_service.errors import (
    Fault,
    InvalidInput,
    NotFound,
)
from voting_service.infrastructure.postgres.constraint_errors import register_constraint_errors
from voting_service.infrastructure.postgres.named_queries import Queries
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.staff.approvals.model import ApprovalRequest
from voting_service.staff.approvals.repository import load_contest_approvals
from voting_service.staff.audit_log.record import record
from voting_service.voting.rulings.constraints import CONSTRAINTS
from voting_service.voting.rulings.model import (
    BallotState,
    Hold,
    HoldEvidence,
    HoldKind,
    HoldVotes,
    Ruling,
    Sweep,
    ballots_hash,
)

QUERIES = Queries(__package__)
register_constraint_errors(CONSTRAINTS)
MAX_LABEL_CHARACTERS = 200


class QuestionedBallot(msgspec.Struct, frozen=True):
    """A ballot as staff may see it: pseudonyms only. `disposition` 1: held when it was cast."""

    ballot_id: bytes
    voter: bytes
    cast_at: datetime
    platform_id: int
    network: bytes | None
    choices: tuple[int, ...]
    disposition: int
    state: BallotState


class BallotHistory(msgspec.Struct, frozen=True):
    """A ballot, its holds, and every ruling about them, oldest first."""

    ballot: QuestionedBallot
    holds: tuple[Hold, ...]
    rulings: tuple[Ruling, ...]


class NewHold(msgspec.Struct, frozen=True):
    """Ballots to put in question; `source` is the account or program that found them."""

    ballot_ids: Collection[bytes]
    kind: HoldKind
    source: str
    label: str
    evidence: HoldEvidence


async def create_hold(
    connection: AnyConnection, contest: Contest, new: NewHold, *, actor: str, now: datetime
) -> int:
    """Create a hold of all its ballots or none; return its id.

    Raises InvalidInput with ids that are not ballots of the contest, and Refused when a hold of
    exactly these ballots exists.
    """
    ids = sorted(set(new.ballot_ids))
    if not ids:
        raise InvalidInput(Fault("ballots", "voting.rulings.no_ballots_given"))
    label = new.label.strip()
    if not 1 <= len(label) <= MAX_LABEL_CHARACTERS:
        raise InvalidInput(
            Fault("label", "voting.rulings.label_length", max_label_characters=MAX_LABEL_CHARACTERS)
        )
    digest = ballots_hash(ids)
    with domain_errors():
        async with connection.transaction():
            await _check_ballots_exist(connection, contest, ids)
            hold_id: int = await connection.fetchval(
                QUERIES["insert_hold"],
                contest.id,
                new.kind,
                new.source,
                label,
                new.evidence,
                len(ids),
                digest,
                now,
            )
            await connection.execute(QUERIES["insert_hold_ballots"], contest.id, hold_id, ids)
            await connection.execute(QUERIES["insert_hold_votes"], contest.id, hold_id)
            await record(
                connection,
                actor,
                "hold_made",
                contest=contest.slug,
                subject=f"hold {hold_id}",
                details={
                    "kind": new.kind,
                    "source": new.source,
                    "label": label,
                    "ballots": len(ids),
                    "ballots_hash": digest,
                },
            )
    return hold_id


async def _check_ballots_exist(
    connection: AnyConnection, contest: Contest, ids: list[bytes]
) -> None:
    rows = await connection.fetch(QUERIES["unknown_ballots"], contest.id, ids)
    if rows:
        raise InvalidInput(
            *(
                Fault(
                    f"ballots[{row['id'].hex()}]",
                    "voting.rulings.ballot_of_other_contest"
                    if row["is_elsewhere"]
                    else "voting.rulings.ballot_not_stored",
                    ballot=row["id"].hex(),
                    slug=contest.slug,
                )
                for row in rows
            )
        )


async def find_hold_by_ballots(
    connection: AnyConnection, contest: Contest, ballot_ids: Iterable[bytes]
) -> int | None:
    """Return the id of the hold of exactly these ballots."""
    with domain_errors():
        hold_id: int | None = await connection.fetchval(
            QUERIES["hold_of_ballots"], contest.id, ballots_hash(set(ballot_ids))
        )
    return hold_id


async def load_rulings(
    connection: AnyConnection, contest: Contest, hold_id: int | None = None
) -> tuple[Ruling, ...]:
    """Load all rulings, or those about one hold, in order of hold and turn."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["rulings"], contest.id, hold_id)
    return tuple(msgspec.convert(dict(row), Ruling) for row in rows)


async def count_open_holds(connection: AnyConnection) -> Mapping[int, int]:
    """Return how many holds nobody has ruled on or proposed a ruling for, by contest; contests
    without any are left out."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["count_open_holds"])
    return {row["contest_id"]: row["holds"] for row in rows}


async def load_holds(
    connection: AnyConnection,
    contest: Contest,
    *,
    hold_id: int | None = None,
    decisions: tuple[ApprovalRequest, ...] | None = None,
) -> tuple[Hold, ...]:
    """Load all holds, or one, oldest first, with the ruling in force and proposals.

    Pass `decisions` if they are already loaded. Proposals made before the ruling in force are left
    out.
    """
    if decisions is None:
        decisions = await load_contest_approvals(connection, contest.id)
    with domain_errors():
        rows = await connection.fetch(QUERIES["holds"], contest.id, hold_id)
    in_force = {r.hold_id: r for r in await load_rulings(connection, contest, hold_id)}
    waiting: defaultdict[str, list[ApprovalRequest]] = defaultdict(list)
    for decision in decisions:
        if decision.kind == "ruling" and decision.state == "waiting":
            waiting[decision.subject].append(decision)
    return tuple(_hold(dict(row), in_force.get(row["id"]), waiting) for row in rows)


def _hold(
    row: dict[str, Any], ruling: Ruling | None, waiting: dict[str, list[ApprovalRequest]]
) -> Hold:
    hold = msgspec.convert({**row, "ruling": ruling}, Hold)
    return msgspec.structs.replace(hold, proposals=tuple(waiting.get(hold.subject, ())))


async def load_hold(connection: AnyConnection, contest: Contest, hold_id: int) -> Hold:
    """Load a hold. Raises NotFound, also for a hold of another contest."""
    holds = await load_holds(connection, contest, hold_id=hold_id)
    if not holds:
        raise NotFound("voting.rulings.no_such_hold", slug=contest.slug, hold_id=hold_id)
    return holds[0]


async def load_hold_votes(
    connection: AnyConnection, contest: Contest
) -> dict[int, dict[int, HoldVotes]]:
    """Load votes by hold, then candidate; candidate 0 counts the ballots."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["hold_votes"], contest.id)
    votes: dict[int, dict[int, HoldVotes]] = {}
    for row in rows:
        votes.setdefault(row["hold_id"], {})[row["candidate"]] = HoldVotes(
            row["held"], row["counted"]
        )
    return votes


async def load_overlaps(connection: AnyConnection, hold_id: int) -> dict[int, int]:
    """Load the number of ballots that a hold shares with each other hold."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["overlaps"], hold_id)
    return {row["hold_id"]: row["ballots"] for row in rows}


async def load_hold_ballots(
    connection: AnyConnection, contest: Contest, hold_id: int, *, after: bytes = b"", limit: int
) -> tuple[QuestionedBallot, ...]:
    """Load a page of the ballots of a hold, in order of their ids, starting after `after`."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["some_ballots"], contest.id, hold_id, after, limit)
    return tuple(_ballot(row) for row in rows)


def _ballot(row: Any) -> QuestionedBallot:
    return QuestionedBallot(**{**row, "choices": tuple(row["choices"])})


async def load_ballot_history(
    connection: AnyConnection, contest: Contest, ballot_id: bytes
) -> BallotHistory:
    """Load the state of a ballot with its holds and rulings. Raises NotFound."""
    with domain_errors():
        row = await connection.fetchrow(QUERIES["ballot"], contest.id, ballot_id)
        if row is None:
            raise NotFound("voting.rulings.no_such_ballot", slug=contest.slug, hex=ballot_id.hex())
        members = await connection.fetch(QUERIES["holds_of_ballot"], ballot_id)
    ids = {member["hold_id"] for member in members}
    holds = await load_holds(connection, contest) if ids else ()
    rulings = await load_rulings(connection, contest) if ids else ()
    return BallotHistory(
        ballot=_ballot(row),
        holds=tuple(hold for hold in holds if hold.id in ids),
        rulings=tuple(
            sorted((r for r in rulings if r.hold_id in ids), key=lambda r: (r.ruled_at, r.turn))
        ),
    )


async def load_held_reasons(
    connection: AnyConnection, contest: Contest, candidate: int
) -> dict[int, int]:
    """Load how many ballots with a candidate were held when they were cast, by active signals
    (antifraud/screening/decision.py), most first."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["held_reasons"], contest.id, candidate)
    return {row["signals"]: row["ballots"] for row in rows}


async def load_last_sweep(connection: AnyConnection, contest_id: int) -> Sweep | None:
    """Load the newest examination of the ballots; None before the first."""
    with domain_errors():
        row = await connection.fetchrow(QUERIES["last_sweep"], contest_id)
    return None if row is None else msgspec.convert(dict(row), Sweep)
