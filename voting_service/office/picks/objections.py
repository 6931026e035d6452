"""Objections to a public notice: entered at the desk, answered by somebody who gives their name.

Who objects, what they say and what they are told is sealed.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

import msgspec

from voting_service.accounts.model import Account
from voting_service.errors import Fault, InvalidInput, NotFound, Refused
from voting_service.journal.record import record
from voting_service.office.model import Selection
from voting_service.office.picks.store import QUERIES
from voting_service.office.sealing import PersonalKeys
from voting_service.storage.postgres import AnyConnection, domain_errors

ObjectionNotice = Literal["fifty", "result"]
ObjectionVerdict = Literal["dismissed", "upheld"]
MAX_SENDER_CHARACTERS = 200
MAX_CHARACTERS = 5000


class Objection(msgspec.Struct, frozen=True, kw_only=True):
    """An objection, opened; `verdict` and what follows once it was answered."""

    id: int
    notice: ObjectionNotice
    recommendation_id: int | None
    received_on: date
    sender: str
    content: str
    entered_by: str
    entered_at: datetime
    verdict: ObjectionVerdict | None
    answer: str | None
    answered_by: str | None
    answered_at: datetime | None

    @property
    def is_open(self) -> bool:
        return self.verdict is None


async def load_objections(
    connection: AnyConnection, keys: PersonalKeys, selection: Selection
) -> tuple[Objection, ...]:
    """The newest first."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["objections"], selection.id)
    return tuple(
        msgspec.convert(
            {
                **row,
                "sender": keys.open(_sender_label(selection), row["sender"]).decode(),
                "content": keys.open(_content_label(selection), row["content"]).decode(),
                "answer": None
                if row["answer"] is None
                else keys.open(_answer_label(row["id"]), row["answer"]).decode(),
            },
            Objection,
        )
        for row in rows
    )


async def enter_objection(
    connection: AnyConnection,
    keys: PersonalKeys,
    selection: Selection,
    account: Account,
    *,
    notice: ObjectionNotice,
    about: int | None,
    received_on: date,
    sender: str,
    content: str,
) -> int:
    """The objection's number. Raises InvalidInput."""
    _check("sender", sender, MAX_SENDER_CHARACTERS)
    _check("content", content, MAX_CHARACTERS)
    with domain_errors():
        async with connection.transaction():
            number: int = await connection.fetchval(
                QUERIES["insert_objection"],
                selection.id,
                notice,
                about,
                received_on,
                keys.seal(_sender_label(selection), sender.strip().encode()),
                keys.seal(_content_label(selection), content.strip().encode()),
                account.id,
            )
            await record(
                connection, account.name, "objection_entered", contest=selection.slug,
                subject=f"objection {number}",
                details={"notice": notice, "about": about},
            )  # fmt: skip
    return number


async def answer_objection(
    connection: AnyConnection,
    keys: PersonalKeys,
    selection: Selection,
    account: Account,
    number: int,
    *,
    verdict: ObjectionVerdict,
    answer: str,
) -> None:
    """Raises NotFound, InvalidInput, or Refused when it was answered meanwhile."""
    _check("answer", answer, MAX_CHARACTERS)
    known = {each.id for each in await load_objections(connection, keys, selection)}
    if number not in known:
        raise NotFound("there is no such objection", zh="没有这条异议。")
    with domain_errors():
        async with connection.transaction():
            sealed = keys.seal(_answer_label(number), answer.strip().encode())
            answered = await connection.fetchval(
                QUERIES["answer_objection"], number, verdict, sealed, account.id
            )
            if answered is None:
                raise Refused(
                    "somebody answered this objection this moment", zh="这条异议刚刚已有答复。"
                )
            await record(
                connection, account.name, "objection_answered", contest=selection.slug,
                subject=f"objection {number}", details={"verdict": verdict},
            )  # fmt: skip


def _check(field: str, text: str, most: int) -> None:
    if not 1 <= len(text.strip()) <= most:
        raise InvalidInput(
            Fault(field, f"must be 1 to {most} characters", f"请填写，1 至 {most} 个字。")
        )


def _sender_label(selection: Selection) -> str:
    return f"sender of an objection in {selection.slug}"


def _content_label(selection: Selection) -> str:
    return f"objection in {selection.slug}"


def _answer_label(number: int) -> str:
    return f"answer to objection {number}"
