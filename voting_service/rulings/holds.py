"""Holds in Postgres: made in one transaction, read with what was ruled about them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from voting_service.contests.model import Contest
from voting_service.decisions.model import Decision
from voting_service.decisions.store import load_decisions
from voting_service.errors import Fault, InvalidInput, NotFound
from voting_service.journal.record import record
from voting_service.rulings.model import (
    BallotState,
    Evidence,
    Hold,
    HoldKind,
    HoldVotes,
    Ruling,
    Sweep,
    ballots_hash,
)
from voting_service.storage.postgres import AnyConnection, domain_errors
from voting_service.storage.queries import Queries

QUERIES = Queries(__package__)
MAX_LABEL_CHARACTERS = 200


class QuestionedBallot(msgspec.Struct, frozen=True):
    """A ballot as staff may see it: pseudonyms, never a person. `disposition` 1: it was held
    when it was cast."""

    ballot_id: bytes
    voter: bytes
    cast_at: datetime
    platform_id: int
    network: bytes | None
    choices: tuple[int, ...]
    disposition: int
    state: BallotState


class BallotHistory(msgspec.Struct, frozen=True):
    """A ballot, the holds it is in, and every ruling about them, the oldest first."""

    ballot: QuestionedBallot
    holds: tuple[Hold, ...]
    rulings: tuple[Ruling, ...]


async def make_hold(
    connection: AnyConnection,
    contest: Contest,
    ballot_ids: Iterable[bytes],
    *,
    actor: str,
    kind: HoldKind,
    source: str,
    label: str,
    evidence: Evidence,
    now: datetime,
) -> int:
    """Puts ballots in question together, all of them or none; returns the hold's id.

    Raises InvalidInput that names ids which are no ballots of the contest, and Refused when
    exactly these ballots are a hold already.
    """
    ids = sorted(set(ballot_ids))
    if not ids:
        raise InvalidInput(
            Fault("ballots", "name at least one ballot", "请至少填写一张选票的编号。")
        )
    label = label.strip()
    if not 1 <= len(label) <= MAX_LABEL_CHARACTERS:
        raise InvalidInput(
            Fault(
                "label",
                f"must be 1 to {MAX_LABEL_CHARACTERS} characters",
                f"名称须为 1 至 {MAX_LABEL_CHARACTERS} 个字。",
            )
        )
    digest = ballots_hash(ids)
    with domain_errors():
        async with connection.transaction():
            await _refuse_strangers(connection, contest, ids)
            hold_id: int = await connection.fetchval(
                QUERIES["insert_hold"],
                contest.id,
                kind,
                source,
                label,
                evidence,
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
                    "kind": kind,
                    "source": source,
                    "label": label,
                    "ballots": len(ids),
                    "ballots_hash": digest,
                },
            )
    return hold_id


async def _refuse_strangers(connection: AnyConnection, contest: Contest, ids: list[bytes]) -> None:
    rows = await connection.fetch(QUERIES["strangers"], contest.id, ids)
    if rows:
        raise InvalidInput(
            *(
                Fault(
                    f"ballot {row['id'].hex()}",
                    f"is of another contest than {contest.slug}"
                    if row["is_elsewhere"]
                    else "is not stored: was it read from another service's file?",
                    f"选票 {row['id'].hex()} "
                    + ("属于另一项投票活动。" if row["is_elsewhere"] else "不存在，请核对编号。"),
                )
                for row in rows
            )
        )


async def find_hold_of(
    connection: AnyConnection, contest: Contest, ballot_ids: Iterable[bytes]
) -> int | None:
    """The hold of exactly these ballots."""
    with domain_errors():
        found: int | None = await connection.fetchval(
            QUERIES["hold_of_ballots"], contest.id, ballots_hash(set(ballot_ids))
        )
    return found


async def load_rulings(
    connection: AnyConnection, contest: Contest, hold_id: int | None = None
) -> tuple[Ruling, ...]:
    """All rulings, or those about one hold, each hold's in turn."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["rulings"], contest.id, hold_id)
    return tuple(msgspec.convert(dict(row), Ruling) for row in rows)


async def load_holds(
    connection: AnyConnection,
    contest: Contest,
    *,
    hold_id: int | None = None,
    decisions: tuple[Decision, ...] | None = None,
) -> tuple[Hold, ...]:
    """All holds, or the one named, the oldest first, with ruling in force and proposals.

    `decisions` spares reading them again. A proposal that another ruling has overtaken is none.
    """
    if decisions is None:
        decisions = await load_decisions(connection, contest.id)
    with domain_errors():
        rows = await connection.fetch(QUERIES["holds"], contest.id, hold_id)
    in_force = {r.hold_id: r for r in await load_rulings(connection, contest, hold_id)}
    waiting: defaultdict[str, list[Decision]] = defaultdict(list)
    for decision in decisions:
        if decision.kind == "ruling" and decision.state == "waiting":
            waiting[decision.subject].append(decision)
    return tuple(_hold(dict(row), in_force.get(row["id"]), waiting) for row in rows)


def _hold(row: dict[str, Any], ruling: Ruling | None, waiting: dict[str, list[Decision]]) -> Hold:
    hold = msgspec.convert({**row, "ruling": ruling}, Hold)
    return msgspec.structs.replace(hold, proposals=tuple(waiting.get(hold.subject, ())))


async def load_hold(connection: AnyConnection, contest: Contest, hold_id: int) -> Hold:
    """Raises NotFound, for a hold of another contest too."""
    found = await load_holds(connection, contest, hold_id=hold_id)
    if not found:
        raise NotFound(f"{contest.slug} has no hold {hold_id}; see `hold list {contest.slug}`")
    return found[0]


async def load_hold_votes(
    connection: AnyConnection, contest: Contest
) -> dict[int, dict[int, HoldVotes]]:
    """By hold, then candidate; candidate 0 counts the ballots."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["hold_votes"], contest.id)
    votes: dict[int, dict[int, HoldVotes]] = {}
    for row in rows:
        votes.setdefault(row["hold_id"], {})[row["candidate"]] = HoldVotes(
            row["held"], row["counted"]
        )
    return votes


async def load_overlaps(connection: AnyConnection, hold_id: int) -> dict[int, int]:
    """How many ballots a hold shares with each other one."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["overlaps"], hold_id)
    return {row["hold_id"]: row["ballots"] for row in rows}


async def load_hold_ballots(
    connection: AnyConnection, contest: Contest, hold_id: int, *, after: bytes = b"", limit: int
) -> tuple[QuestionedBallot, ...]:
    """Some ballots of a hold, in order of their ids, beginning behind `after`."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["some_ballots"], contest.id, hold_id, after, limit)
    return tuple(_ballot(row) for row in rows)


def _ballot(row: Any) -> QuestionedBallot:
    return QuestionedBallot(**{**row, "choices": tuple(row["choices"])})


async def load_ballot_history(
    connection: AnyConnection, contest: Contest, ballot_id: bytes
) -> BallotHistory:
    """The state of a ballot and how it came about. Raises NotFound."""
    with domain_errors():
        row = await connection.fetchrow(QUERIES["ballot"], contest.id, ballot_id)
        if row is None:
            raise NotFound(f"{contest.slug} has no ballot {ballot_id.hex()}")
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


async def load_last_sweep(connection: AnyConnection, contest_id: int) -> Sweep | None:
    """The newest examination of the ballots; None before the first."""
    with domain_errors():
        row = await connection.fetchrow(QUERIES["last_sweep"], contest_id)
    return None if row is None else msgspec.convert(dict(row), Sweep)
