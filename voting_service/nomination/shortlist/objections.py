"""Objections to a public notice: entered by a reviewer, answered by a named person.

Sender, content and answer are encrypted.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

import msgspec

from voting_service.errors import (
    Fault,
    InvalidInput,
    NotFound,
    Refused,
)
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.nomination.actor import SelectionActor
from voting_service.nomination.model import Selection
from voting_service.nomination.privacy.encryption import PersonalKeys
from voting_service.nomination.shortlist.repository import QUERIES

ObjectionNotice = Literal["shortlist", "result"]
ObjectionVerdict = Literal["dismissed", "upheld"]
MAX_SENDER_CHARACTERS = 200
MAX_CHARACTERS = 5000


class Objection(msgspec.Struct, frozen=True, kw_only=True):
    """An objection, decrypted; the verdict and what follows are None until it is answered."""

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


class NewObjection(msgspec.Struct, frozen=True, kw_only=True):
    """An objection as it was received; `recommendation_id` None when it names nobody."""

    notice: ObjectionNotice
    recommendation_id: int | None
    received_on: date
    sender: str
    content: str


class ObjectionAnswer(msgspec.Struct, frozen=True):
    """The verdict, and the text that the sender is given."""

    verdict: ObjectionVerdict
    text: str


async def load_objections(
    connection: AnyConnection, keys: PersonalKeys, selection: Selection
) -> tuple[Objection, ...]:
    """Load every objection, newest first."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["objections"], selection.id)
    return tuple(
        msgspec.convert(
            {
                **row,
                "sender": keys.decrypt(_sender_label(selection), row["sender"]).decode(),
                "content": keys.decrypt(_content_label(selection), row["content"]).decode(),
                "answer": None
                if row["answer"] is None
                else keys.decrypt(_answer_label(row["id"]), row["answer"]).decode(),
            },
            Objection,
        )
        for row in rows
    )


async def enter_objection(actor: SelectionActor, objection: NewObjection) -> int:
    """Store an objection and return its number. Raises InvalidInput."""
    _check_length("sender", objection.sender, MAX_SENDER_CHARACTERS)
    _check_length("content", objection.content, MAX_CHARACTERS)
    with domain_errors():
        async with actor.connection.transaction():
            number: int = await actor.connection.fetchval(
                QUERIES["insert_objection"],
                actor.selection.id,
                objection.notice,
                objection.recommendation_id,
                objection.received_on,
                actor.keys.encrypt(
                    _sender_label(actor.selection), objection.sender.strip().encode()
                ),
                actor.keys.encrypt(
                    _content_label(actor.selection), objection.content.strip().encode()
                ),
                actor.account.id,
            )
            await actor.record(
                "objection_entered",
                f"objection {number}",
                notice=objection.notice,
                about=objection.recommendation_id,
            )
    return number


async def answer_objection(actor: SelectionActor, number: int, answer: ObjectionAnswer) -> None:
    """Store the answer to an objection. Raises NotFound, InvalidInput, or Refused when it has an
    answer."""
    _check_length("answer", answer.text, MAX_CHARACTERS)
    numbers = {
        objection.id
        for objection in await load_objections(actor.connection, actor.keys, actor.selection)
    }
    if number not in numbers:
        raise NotFound("nomination.shortlist.no_such_objection")
    with domain_errors():
        async with actor.connection.transaction():
            encrypted = actor.keys.encrypt(_answer_label(number), answer.text.strip().encode())
            answered = await actor.connection.fetchval(
                QUERIES["answer_objection"], number, answer.verdict, encrypted, actor.account.id
            )
            if answered is None:
                raise Refused("nomination.shortlist.objection_already_answered")
            await actor.record("objection_answered", f"objection {number}", verdict=answer.verdict)


def _check_length(field: str, text: str, limit: int) -> None:
    if not 1 <= len(text.strip()) <= limit:
        raise InvalidInput(Fault(field, "nomination.shortlist.text_length", limit=limit))


def _sender_label(selection: Selection) -> str:
    return f"sender of an objection in {selection.slug}"


def _content_label(selection: Selection) -> str:
    return f"objection in {selection.slug}"


def _answer_label(number: int) -> str:
    return f"answer to objection {number}"
