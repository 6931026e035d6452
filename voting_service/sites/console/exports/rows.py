"""Exports with one row per ballot (by pseudonym), hold, ruling or approval request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import aclosing
from datetime import datetime
from typing import NamedTuple, TypeVar

import msgspec

from voting_service.contests.model import Contest
from voting_service.contests.repository import load_platforms
from voting_service.i18n.catalogues import load_catalogue
from voting_service.i18n.text import Language
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.sites.console.exports.formats import Cell, ExportTable, Rows
from voting_service.staff.approvals.model import ApprovalRequest
from voting_service.staff.approvals.repository import load_contest_approvals
from voting_service.voting.rulings.model import REASONS, Hold, Ruling
from voting_service.voting.rulings.repository import load_holds, load_rulings
from voting_service.voting.tally.time_window import Ballot, every_ballot

Row = TypeVar("Row")


class Reading(NamedTuple):
    """What an export is of, and the language of the people who read it; None where programs do."""

    contest: Contest
    reader: Language | None

    def moment(self, moment: datetime | None) -> str | None:
        """Return a time of the contest's zone: for people as a spreadsheet shows it."""
        if moment is None:
            return None
        local = moment.astimezone(self.contest.zone)
        return local.isoformat() if self.reader is None else f"{local:%Y-%m-%d %H:%M:%S}"

    def word(self, domain: str, section: str, value: str) -> str:
        """Return the word for a value in the reader's language; for programs the value."""
        if self.reader is None:
            return value
        words: Mapping[str, str] = load_catalogue(domain, self.reader)[section]
        return words.get(value, value)


class ExportedBallot(NamedTuple):
    """A ballot, and the slug of its platform."""

    ballot: Ballot
    platform: str


Columns = Mapping[str, Callable[[Row, Reading], Cell]]
"""The columns of an export by name, each with how it is read from a row."""

_FOR_PROGRAMS = frozenset({"evidence_zh", "evidence_en", "subject", "payload"})
"""Columns that people have in words, or cannot read."""

_BALLOTS: Columns[ExportedBallot] = {
    "ballot_id": lambda row, _: row.ballot.ballot_id.hex(),
    "cast_at": lambda row, of: of.moment(row.ballot.cast_at),
    "period": lambda row, _: row.ballot.period.isoformat(),
    "platform": lambda row, _: row.platform,
    "voter": lambda row, _: row.ballot.voter.hex(),
    "network": lambda row, _: row.ballot.network.hex() if row.ballot.network else None,
    "screened": lambda row, of: of.word(
        "exports", "yes_no", "yes" if row.ballot.screened else "no"
    ),
    "choices": lambda row, _: "|".join(map(str, row.ballot.choices)),
    "cast_as": lambda row, of: of.word(
        "layout", "states", "held" if row.ballot.held_when_cast else "counted"
    ),
    "state": lambda row, of: of.word("layout", "states", row.ballot.state),
}
_HOLDS: Columns[Hold] = {
    "hold": lambda hold, _: hold.id,
    "kind": lambda hold, of: of.word("rulings", "kinds", hold.kind),
    "source": lambda hold, _: hold.source,
    "label": lambda hold, _: hold.label,
    "ballots": lambda hold, _: hold.ballots,
    "held_when_cast": lambda hold, _: hold.held,
    "ballots_hash": lambda hold, _: hold.ballots_hash,
    "created_at": lambda hold, of: of.moment(hold.created_at),
    "state": lambda hold, of: of.word("rulings", "states", hold.state),
    "evidence_zh": lambda hold, _: hold.evidence.sentence.zh,
    "evidence_en": lambda hold, _: hold.evidence.sentence.en,
    "evidence": lambda hold, of: (
        getattr(hold.evidence.sentence, of.reader)
        if of.reader
        else msgspec.json.encode(hold.evidence).decode()
    ),
}
_RULINGS: Columns[Ruling] = {
    "hold": lambda ruling, _: ruling.hold_id,
    "turn": lambda ruling, _: ruling.turn,
    "verdict": lambda ruling, of: of.word("rulings", "verdicts", ruling.verdict),
    "reason": lambda ruling, of: (
        getattr(REASONS[ruling.reason].words, of.reader)
        if of.reader and ruling.reason in REASONS
        else ruling.reason
    ),
    "words": lambda ruling, _: ruling.words,
    "proposed_by": lambda ruling, _: ruling.proposer,
    "approved_by": lambda ruling, _: ruling.approver,
    "ruled_at": lambda ruling, of: of.moment(ruling.ruled_at),
    "approval": lambda ruling, _: ruling.approval_id,
}
_APPROVALS: Columns[ApprovalRequest] = {
    "approval": lambda request, _: request.id,
    "kind": lambda request, _: request.kind,
    "subject": lambda request, _: request.subject,
    "what": lambda request, of: request.describe(of.reader or "en"),
    "state": lambda request, of: of.word("exports", "approval_states", request.state),
    "proposed_by": lambda request, _: request.proposer,
    "proposed_at": lambda request, of: of.moment(request.proposed_at),
    "approved_by": lambda request, _: request.approver,
    "approved_at": lambda request, of: of.moment(request.approved_at),
    "declined_by": lambda request, _: request.decliner,
    "declined_at": lambda request, of: of.moment(request.declined_at),
    "declined_because": lambda request, _: request.declined_because,
    "payload": lambda request, _: msgspec.json.encode(request.payload).decode(),
    "payload_hash": lambda request, _: request.payload_hash,
}


def _cells(columns: Columns[Row], reading: Reading) -> list[Callable[[Row, Reading], Cell]]:
    return [cell for name, cell in columns.items() if _is_for(reading, name)]


def _is_for(reading: Reading, column: str) -> bool:
    return reading.reader is None or column not in _FOR_PROGRAMS


async def _ballots(connection: AnyConnection, reading: Reading) -> Rows:
    """Millions of rows, read with a cursor: one consistent view, one batch in memory."""
    platforms = {p.id: p.slug for p in await load_platforms(connection)}
    cells = _cells(_BALLOTS, reading)
    with domain_errors():
        async with (
            connection.transaction(isolation="repeatable_read", readonly=True),
            aclosing(every_ballot(connection, reading.contest)) as batches,
        ):
            async for batch in batches:
                yield [
                    tuple(cell(row, reading) for cell in cells)
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
    read: Callable[[AnyConnection, Reading], Rows]

    def table(self, connection: AnyConnection, reading: Reading) -> ExportTable:
        """Return the table; for people with headings in their language."""
        names = tuple(name for name in self.columns if _is_for(reading, name))
        if reading.reader is not None:
            headings: Mapping[str, str] = load_catalogue("exports", reading.reader)["columns"]
            names = tuple(headings[name] for name in names)
        return ExportTable(names, self.read(connection, reading))


def _export(
    columns: Columns[Row], load: Callable[[AnyConnection, Contest], Awaitable[Iterable[Row]]]
) -> RowExport:
    """Return the export of rows that fit into memory."""

    async def read(connection: AnyConnection, reading: Reading) -> Rows:
        rows, cells = await load(connection, reading.contest), _cells(columns, reading)
        yield [tuple(cell(row, reading) for cell in cells) for row in rows]

    return RowExport(tuple(columns), ("csv", "xlsx", "json"), read)


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
