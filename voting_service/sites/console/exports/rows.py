"""Exports with one row per ballot (by pseudonym), hold, ruling or approval request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import aclosing
from datetime import datetime
from typing import NamedTuple

import msgspec

from voting_service.contests.model import Contest
from voting_service.contests.repository import load_platforms
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.sites.console.exports.formats import ExportTable, Rows
from voting_service.staff.approvals.repository import load_contest_approvals
from voting_service.voting.rulings.repository import load_holds, load_rulings
from voting_service.voting.tally.time_window import every_ballot


def _moment(moment: datetime | None, contest: Contest) -> str | None:
    return moment.astimezone(contest.zone).isoformat() if moment else None


async def _ballots(connection: AnyConnection, contest: Contest) -> Rows:
    """Millions of rows, read with a cursor: one consistent view, one batch in memory."""
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


async def _approvals(connection: AnyConnection, contest: Contest) -> Rows:
    yield [
        (
            d.id, d.kind, d.subject, d.describe("en"), d.state, d.proposer,
            _moment(d.proposed_at, contest), d.approver, _moment(d.approved_at, contest),
            d.decliner, _moment(d.declined_at, contest), d.declined_because,
            msgspec.json.encode(d.payload).decode(), d.payload_hash,
        )
        for d in await load_contest_approvals(connection, contest.id)
    ]  # fmt: skip


class RowExport(NamedTuple):
    """A kind of export; `read` needs a connection of its own."""

    columns: tuple[str, ...]
    formats: tuple[str, ...]
    read: Callable[[AnyConnection, Contest], Rows]

    def table(self, connection: AnyConnection, contest: Contest) -> ExportTable:
        return ExportTable(self.columns, self.read(connection, contest))


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
            "ruled_at", "approval",
        ),
        ("csv", "json"),
        _rulings,
    ),
    "approvals": RowExport(
        (
            "approval", "kind", "subject", "what", "state", "proposed_by", "proposed_at",
            "approved_by", "approved_at", "declined_by", "declined_at", "declined_because",
            "payload", "payload_hash",
        ),
        ("csv", "json"),
        _approvals,
    ),
}  # fmt: skip


async def count_rows(rows: Rows, seen: Callable[[int], None]) -> Rows:
    """Yield the same rows and call `seen` with the number of rows of each batch."""
    seen(0)
    async with aclosing(rows) as batches:
        async for batch in batches:
            seen(len(batch))
            yield batch
