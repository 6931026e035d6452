"""What can be taken away row by row: ballots by pseudonym, holds, rulings, decisions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import aclosing
from datetime import datetime
from typing import NamedTuple

import msgspec

from voting_service.contests.model import Contest
from voting_service.contests.store import load_platforms
from voting_service.decisions.store import load_decisions
from voting_service.rulings.holds import load_holds, load_rulings
from voting_service.staff.exports.writing import Rows, Table
from voting_service.storage.postgres import AnyConnection, domain_errors
from voting_service.tally.desk_window import every_ballot


def _moment(moment: datetime | None, contest: Contest) -> str | None:
    return moment.astimezone(contest.zone).isoformat() if moment else None


async def _ballots(connection: AnyConnection, contest: Contest) -> Rows:
    """Millions, over a cursor: one consistent view, a batch in memory."""
    zone = contest.zone
    platforms = {p.id: p.slug for p in await load_platforms(connection)}
    with domain_errors():
        async with (
            connection.transaction(isolation="repeatable_read", readonly=True),
            aclosing(every_ballot(connection, contest)) as batches,
        ):
            async for batch in batches:
                yield [
                    (
                        ballot.ballot_id.hex(),
                        ballot.cast_at.astimezone(zone).isoformat(),
                        ballot.period.isoformat(),
                        platforms.get(ballot.platform_id, str(ballot.platform_id)),
                        ballot.voter.hex(),
                        ballot.network.hex() if ballot.network else None,
                        "yes" if ballot.screened else "no",
                        "|".join(map(str, ballot.choices)),
                        "held" if ballot.held_when_cast else "counted",
                        ballot.state,
                    )
                    for ballot in batch
                ]


async def _holds(connection: AnyConnection, contest: Contest) -> Rows:
    yield [
        (
            hold.id, hold.kind, hold.source, hold.label, hold.ballots, hold.held,
            hold.ballots_hash, _moment(hold.created_at, contest), hold.state,
            hold.evidence.sentence.zh, hold.evidence.sentence.en,
            msgspec.json.encode(hold.evidence).decode(),
        )
        for hold in await load_holds(connection, contest)
    ]  # fmt: skip


async def _rulings(connection: AnyConnection, contest: Contest) -> Rows:
    yield [
        (
            ruling.hold_id, ruling.turn, ruling.verdict, ruling.reason, ruling.words,
            ruling.proposer, ruling.approver, _moment(ruling.ruled_at, contest),
            ruling.decision_id,
        )
        for ruling in await load_rulings(connection, contest)
    ]  # fmt: skip


async def _decisions(connection: AnyConnection, contest: Contest) -> Rows:
    yield [
        (
            d.id, d.kind, d.subject, str(d), d.state, d.proposer,
            _moment(d.proposed_at, contest), d.approver, _moment(d.approved_at, contest),
            d.decliner, _moment(d.declined_at, contest), d.declined_because,
            msgspec.json.encode(d.payload).decode(), d.payload_hash,
        )
        for d in await load_decisions(connection, contest.id)
    ]  # fmt: skip


class RowExport(NamedTuple):
    """One kind of file; `read` needs a connection of its own."""

    columns: tuple[str, ...]
    formats: tuple[str, ...]
    read: Callable[[AnyConnection, Contest], Rows]

    def table(self, connection: AnyConnection, contest: Contest) -> Table:
        return Table(self.columns, self.read(connection, contest))


ROW_EXPORTS: Mapping[str, RowExport] = {
    "ballots": RowExport(
        (
            "ballot_id", "cast_at", "period", "platform", "voter", "network", "screened",
            "choices", "cast_as", "state",
        ),
        ("csv", "jsonl", "xlsx"),
        _ballots,
    ),
    "holds": RowExport(
        (
            "hold", "kind", "source", "label", "ballots", "held_when_cast", "ballots_hash",
            "created_at", "state", "evidence_zh", "evidence_en", "evidence",
        ),
        ("csv", "json"),
        _holds,
    ),
    "rulings": RowExport(
        (
            "hold", "turn", "verdict", "reason", "words", "proposed_by", "approved_by",
            "ruled_at", "decision",
        ),
        ("csv", "json"),
        _rulings,
    ),
    "decisions": RowExport(
        (
            "decision", "kind", "subject", "what", "state", "proposed_by", "proposed_at",
            "approved_by", "approved_at", "declined_by", "declined_at", "declined_because",
            "payload", "payload_hash",
        ),
        ("csv", "json"),
        _decisions,
    ),
}  # fmt: skip


async def counted(rows: Rows, seen: Callable[[int], None]) -> Rows:
    """The same rows; `seen` is told how many as they pass."""
    seen(0)
    async with aclosing(rows) as batches:
        async for batch in batches:
            seen(len(batch))
            yield batch
