"""Exports with one row per ballot (by pseudonym), hold, ruling or approval request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import aclosing
from datetime import datetime
from typing import NamedTuple, TypeVar

import msgspec

from voting_service.contests.model import Contest
from voting_service.contests.repository import load_platforms
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.sites.console.exports.formats import Cell, ExportTable, Rows
from voting_service.staff.approvals.model import ApprovalRequest
from voting_service.staff.approvals.repository import load_contest_approvals
from voting_service.voting.rulings.model import Hold, Ruling
from voting_service.voting.rulings.repository import load_holds, load_rulings
from voting_service.voting.tally.time_window import Ballot, every_ballot

Row = TypeVar("Row")


def _moment(moment: datetime | None, contest: Contest) -> str | None:
    return moment.astimezone(contest.zone).isoformat() if moment else None


class ExportedBallot(NamedTuple):
    """A ballot, and the slug of its platform."""

    ballot: Ballot
    platform: str


Columns = Mapping[str, Callable[[Row, Contest], Cell]]
"""The columns of an export by name, each with how it is read from a row."""

_BALLOTS: Columns[ExportedBallot] = {
    "ballot_id": lambda row, _: row.ballot.ballot_id.hex(),
    "cast_at": lambda row, contest: _moment(row.ballot.cast_at, contest),
    "period": lambda row, _: row.ballot.period.isoformat(),
    "platform": lambda row, _: row.platform,
    "voter": lambda row, _: row.ballot.voter.hex(),
    "network": lambda row, _: row.ballot.network.hex() if row.ballot.network else None,
    "screened": lambda row, _: "yes" if row.ballot.screened else "no",
    "choices": lambda row, _: "|".join(map(str, row.ballot.choices)),
    "cast_as": lambda row, _: "held" if row.ballot.held_when_cast else "counted",
    "state": lambda row, _: row.ballot.state,
}
_HOLDS: Columns[Hold] = {
    "hold": lambda hold, _: hold.id,
    "kind": lambda hold, _: hold.kind,
    "source": lambda hold, _: hold.source,
    "label": lambda hold, _: hold.label,
    "ballots": lambda hold, _: hold.ballots,
    "held_when_cast": lambda hold, _: hold.held,
    "ballots_hash": lambda hold, _: hold.ballots_hash,
    "created_at": lambda hold, contest: _moment(hold.created_at, contest),
    "state": lambda hold, _: hold.state,
    "evidence_zh": lambda hold, _: hold.evidence.sentence.zh,
    "evidence_en": lambda hold, _: hold.evidence.sentence.en,
    "evidence": lambda hold, _: msgspec.json.encode(hold.evidence).decode(),
}
_RULINGS: Columns[Ruling] = {
    "hold": lambda ruling, _: ruling.hold_id,
    "turn": lambda ruling, _: ruling.turn,
    "verdict": lambda ruling, _: ruling.verdict,
    "reason": lambda ruling, _: ruling.reason,
    "words": lambda ruling, _: ruling.words,
    "proposed_by": lambda ruling, _: ruling.proposer,
    "approved_by": lambda ruling, _: ruling.approver,
    "ruled_at": lambda ruling, contest: _moment(ruling.ruled_at, contest),
    "approval": lambda ruling, _: ruling.approval_id,
}
_APPROVALS: Columns[ApprovalRequest] = {
    "approval": lambda request, _: request.id,
    "kind": lambda request, _: request.kind,
    "subject": lambda request, _: request.subject,
    "what": lambda request, _: request.describe("en"),
    "state": lambda request, _: request.state,
    "proposed_by": lambda request, _: request.proposer,
    "proposed_at": lambda request, contest: _moment(request.proposed_at, contest),
    "approved_by": lambda request, _: request.approver,
    "approved_at": lambda request, contest: _moment(request.approved_at, contest),
    "declined_by": lambda request, _: request.decliner,
    "declined_at": lambda request, contest: _moment(request.declined_at, contest),
    "declined_because": lambda request, _: request.declined_because,
    "payload": lambda request, _: msgspec.json.encode(request.payload).decode(),
    "payload_hash": lambda request, _: request.payload_hash,
}


async def _ballots(connection: AnyConnection, contest: Contest) -> Rows:
    """Millions of rows, read with a cursor: one consistent view, one batch in memory."""
    platforms = {p.id: p.slug for p in await load_platforms(connection)}
    with domain_errors():
        async with (
            connection.transaction(isolation="repeatable_read", readonly=True),
            aclosing(every_ballot(connection, contest)) as batches,
        ):
            async for batch in batches:
                yield [
                    tuple(cell(row, contest) for cell in _BALLOTS.values())
                    for row in (
                        ExportedBallot(
                            ballot, platforms.get(ballot.platform_id, str(ballot.platform_id))
                        )
                        for ballot in batch
                    )
                ]


class RowExport(NamedTuple):
    """A kind of export; `read` needs a connection of its own."""

    columns: tuple[str, ...]
    formats: tuple[str, ...]
    read: Callable[[AnyConnection, Contest], Rows]

    def table(self, connection: AnyConnection, contest: Contest) -> ExportTable:
        return ExportTable(self.columns, self.read(connection, contest))


def _export(
    columns: Columns[Row], load: Callable[[AnyConnection, Contest], Awaitable[Iterable[Row]]]
) -> RowExport:
    """Return the export of rows that fit into memory."""

    async def read(connection: AnyConnection, contest: Contest) -> Rows:
        rows = await load(connection, contest)
        yield [tuple(cell(row, contest) for cell in columns.values()) for row in rows]

    return RowExport(tuple(columns), ("csv", "json"), read)


async def _load_approvals(
    connection: AnyConnection, contest: Contest
) -> tuple[ApprovalRequest, ...]:
    return await load_contest_approvals(connection, contest.id)


ROW_EXPORTS: Mapping[str, RowExport] = {
    "ballots": RowExport(tuple(_BALLOTS), ("csv", "jsonl", "xlsx"), _ballots),
    "holds": _export(_HOLDS, load_holds),
    "rulings": _export(_RULINGS, load_rulings),
    "approvals": _export(_APPROVALS, _load_approvals),
}


async def count_rows(rows: Rows, seen: Callable[[int], None]) -> Rows:
    """Yield the same rows and call `seen` with the number of rows of each batch."""
    seen(0)
    async with aclosing(rows) as batches:
        async for batch in batches:
            seen(len(batch))
            yield batch
