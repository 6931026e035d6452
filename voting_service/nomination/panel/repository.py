"""The panel in Postgres. Score sheets are secret there (migrations/schema/nomination/panel.sql)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from voting_service.contests.model import Contest
from voting_service.contests.published_cut import published_cut
from voting_service.contests.repository import load_contests
from voting_service.infrastructure.postgres.constraint_errors import register_constraint_errors
from voting_service.infrastructure.postgres.named_queries import Queries
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.nomination.model import Selection
from voting_service.nomination.panel.constraints import CONSTRAINTS
from voting_service.nomination.panel.model import (
    ConflictOfInterest,
    Expert,
    Panel,
    Ranks,
    RoundEnd,
    SheetContent,
    SheetState,
    rules_in_force,
)
from voting_service.staff.approvals.repository import load_selection_approvals

QUERIES = Queries(__package__)
register_constraint_errors(CONSTRAINTS)


class SheetAccess(NamedTuple):
    """An expert's own sheet of a round: the database opens it to the session's `token` only."""

    token: str
    selection: Selection
    round: int


async def load_panel(connection: AnyConnection, selection: Selection, now: datetime) -> Panel:
    """Load everything about the panel that is not secret, at `now`."""
    contest = await load_selection_contest(connection, selection)
    cut = None if contest is None else await published_cut(connection, contest.id, now)
    approvals = await load_selection_approvals(connection, selection.id)
    with domain_errors():
        experts = await connection.fetch(QUERIES["experts"], selection.id)
        conflicts = await connection.fetch(QUERIES["conflicts"], selection.id)
        rounds = await connection.fetch(QUERIES["rounds"], selection.id)
        sheets = await connection.fetch(QUERIES["sheets"], selection.id)
    return Panel(
        selection=selection,
        contest=contest,
        cut=cut or (),
        rules=rules_in_force(approvals),
        experts=_structs(experts, Expert),
        conflicts=_structs(conflicts, ConflictOfInterest),
        ends={row["round"]: msgspec.convert(dict(row), RoundEnd) for row in rounds},
        sheets=_structs(sheets, SheetState),
        decisions=approvals,
    )


def _structs(rows: list[Any], kind: type[Any]) -> Any:
    return tuple(msgspec.convert(dict(row), kind) for row in rows)


async def load_selection_contest(connection: AnyConnection, selection: Selection) -> Contest | None:
    """Load the contest that the shortlist was published to; None before that."""
    for contest in await load_contests(connection):
        if contest.id == selection.contest_id:
            return contest
    return None


async def load_own_sheet(connection: AnyConnection, access: SheetAccess) -> dict[str, Any] | None:
    """Load what the expert has saved in a round; None when nothing."""
    with domain_errors():
        content: dict[str, Any] | None = await connection.fetchval(
            QUERIES["own_sheet"], access.token, access.selection.id, access.round
        )
    return content


async def save_sheet(
    connection: AnyConnection, access: SheetAccess, content: SheetContent | Ranks, *, submit: bool
) -> datetime:
    """Store a draft, or submit the sheet; returns when it was saved. Raises Refused with the
    database's reason."""
    with domain_errors():
        saved_at: datetime = await connection.fetchval(
            QUERIES["save_sheet"],
            access.token,
            access.selection.id,
            access.round,
            content,
            submit,
        )
    return saved_at


async def read_sheets(
    connection: AnyConnection, selection: Selection, round_number: int
) -> Mapping[int, dict[str, Any]]:
    """Load the submitted sheets of a round by account. Raises Refused while they are secret."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["read_sheets"], selection.id, round_number)
    return {row["account_id"]: row["content"] for row in rows}
