"""The panel in Postgres. What experts say is sealed there: see migrations/sql/0015_panel.sql."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from voting_service.accounts.invitations import invite
from voting_service.accounts.model import Account
from voting_service.accounts.sessions import hash_token
from voting_service.contests.model import Contest
from voting_service.contests.published_cut import published_cut
from voting_service.contests.store import load_contests
from voting_service.decisions.store import load_selection_decisions
from voting_service.errors import Fault, InvalidInput
from voting_service.office.model import Body, Selection
from voting_service.office.panel.model import (
    Conflict,
    Content,
    Expert,
    Ground,
    Panel,
    Ranks,
    RoundEnd,
    SheetState,
    rules_in_force,
)
from voting_service.storage.postgres import AnyConnection, domain_errors
from voting_service.storage.queries import Queries

QUERIES = Queries(__package__)
MAX_EMPLOYER_CHARACTERS = 60
MAX_REASON_CHARACTERS = 200


async def invite_expert(
    connection: AnyConnection,
    inviter: Account,
    selection: Selection,
    *,
    employer: str,
    body: Body | None,
    note: str,
    now: datetime,
) -> str:
    """The token of a link by which somebody becomes an expert of the panel. Raises as
    `accounts.invitations.invite`, and InvalidInput without an employer."""
    employer = employer.strip()
    if not 2 <= len(employer) <= MAX_EMPLOYER_CHARACTERS or not employer.isprintable():
        raise InvalidInput(
            Fault(
                "employer",
                f"name the employer, in 2 to {MAX_EMPLOYER_CHARACTERS} characters: nobody judges "
                "people of the same one",
                f"请填写专家所在单位，2 至 {MAX_EMPLOYER_CHARACTERS} 个字；专家须回避本单位人选。",
            )
        )
    with domain_errors():
        async with connection.transaction():
            token = await invite(connection, inviter, "expert", note, now)
            await connection.execute(
                QUERIES["insert_expert_invitation"],
                hash_token(token),
                selection.id,
                employer,
                body.id if body else None,
            )
    return token


async def load_panel(connection: AnyConnection, selection: Selection, now: datetime) -> Panel:
    """Everything that is not sealed, as it stands at `now`."""
    contest = await contest_of_selection(connection, selection)
    cut = None if contest is None else await published_cut(connection, contest.id, now)
    decisions = await load_selection_decisions(connection, selection.id)
    with domain_errors():
        experts = await connection.fetch(QUERIES["experts"], selection.id)
        conflicts = await connection.fetch(QUERIES["conflicts"], selection.id)
        rounds = await connection.fetch(QUERIES["rounds"], selection.id)
        sheets = await connection.fetch(QUERIES["sheets"], selection.id)
    return Panel(
        selection=selection,
        contest=contest,
        cut=cut or (),
        rules=rules_in_force(decisions),
        experts=_structs(experts, Expert),
        conflicts=_structs(conflicts, Conflict),
        ends={row["round"]: msgspec.convert(dict(row), RoundEnd) for row in rounds},
        sheets=_structs(sheets, SheetState),
        decisions=decisions,
    )


def _structs(rows: list[Any], kind: type[Any]) -> Any:
    return tuple(msgspec.convert(dict(row), kind) for row in rows)


async def contest_of_selection(connection: AnyConnection, selection: Selection) -> Contest | None:
    """The vote that the selection was handed over to; None before."""
    for contest in await load_contests(connection):
        if contest.id == selection.contest_id:
            return contest
    return None


async def notice_conflicts(
    connection: AnyConnection, expert: Expert, found: Mapping[int, Ground]
) -> None:
    """Keeps what was found by comparing; what is known already stays as it is."""
    with domain_errors():
        await connection.execute(
            QUERIES["notice_conflicts"], expert.account_id, list(found), list(found.values())
        )


async def declare_conflict(
    connection: AnyConnection, token: str, selection: Selection, number: int, reason: str
) -> None:
    """By the expert whose session it is. Raises Refused once the scores are open, and for
    somebody who is no candidate; InvalidInput for too long a reason."""
    reason = reason.strip()
    if len(reason) > MAX_REASON_CHARACTERS or not reason.isprintable():
        raise InvalidInput(
            Fault(
                "reason",
                f"at most {MAX_REASON_CHARACTERS} printable characters",
                f"回避原因最多 {MAX_REASON_CHARACTERS} 个字。",
            )
        )
    with domain_errors():
        await connection.execute(QUERIES["declare_conflict"], token, selection.id, number, reason)


async def own_sheet(
    connection: AnyConnection, token: str, selection: Selection, asked: int
) -> dict[str, Any] | None:
    """What the expert whose session it is has saved in a round."""
    with domain_errors():
        content: dict[str, Any] | None = await connection.fetchval(
            QUERIES["own_sheet"], token, selection.id, asked
        )
    return content


async def save_sheet(
    connection: AnyConnection,
    token: str,
    selection: Selection,
    asked: int,
    content: Content | Ranks,
    *,
    hand_in: bool,
) -> datetime:
    """When it was saved. Raises Refused with why the database does not take it."""
    with domain_errors():
        saved_at: datetime = await connection.fetchval(
            QUERIES["save_sheet"], token, selection.id, asked, content, hand_in
        )
    return saved_at


async def read_sheets(
    connection: AnyConnection, selection: Selection, asked: int
) -> Mapping[int, dict[str, Any]]:
    """By expert's account, what was handed in. Raises Refused while the round is sealed."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["read_sheets"], selection.id, asked)
    return {row["account_id"]: row["content"] for row in rows}
