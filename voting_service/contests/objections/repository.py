"""Online objections in Postgres; what the objector wrote and the answer are encrypted."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from voting_service.contests.objections.model import (
    ObjectionState,
    ObjectionTarget,
    OnlineObjection,
    SubmittedObjection,
    WrittenObjection,
)
from voting_service.errors import NotFound
from voting_service.infrastructure.crypto.key_wrapping import rewrap, unwrap, wrap
from voting_service.infrastructure.postgres.named_queries import Queries
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors

QUERIES = Queries(__package__)


async def insert_objection(
    connection: AnyConnection,
    master_key: bytes,
    number: str,
    new: SubmittedObjection,
    limit: int,
) -> bool:
    """Store an objection; False when the network of its sender has sent `limit` in an hour."""
    content = wrap(master_key, _content_label(number), msgspec.json.encode(new.written))
    with domain_errors():
        stored = await connection.fetchval(
            QUERIES["insert_objection"],
            number,
            new.target.contest_id,
            new.target.notice,
            new.sender,
            content,
            new.attachment and wrap(master_key, _attachment_label(number), new.attachment),
            limit,
        )
    return stored is not None


async def has_sent(connection: AnyConnection, sender: bytes, limit: int) -> bool:
    """Return whether a network has sent `limit` objections in an hour."""
    with domain_errors():
        count: int = await connection.fetchval(QUERIES["sent_in_an_hour"], sender)
    return count >= limit


async def find_objection(
    connection: AnyConnection, master_key: bytes, number: str
) -> ObjectionState | None:
    """Load what the holder of a number is shown; None for an unknown number."""
    with domain_errors():
        row = await connection.fetchrow(QUERIES["objection_by_number"], number)
    return None if row is None else _state(row, _answer(master_key, row))


async def load_objections(
    connection: AnyConnection, limit: int, skipped: int = 0
) -> tuple[OnlineObjection, ...]:
    """Load objections without what was written or answered: first those that wait, the oldest
    first, then those answered, the newest first."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["objections"], limit, skipped)
    return tuple(OnlineObjection(row["id"], _state(row, None), row["answered_by"]) for row in rows)


async def load_objection(
    connection: AnyConnection, master_key: bytes, objection_id: int
) -> OnlineObjection:
    """Load one objection, decrypted. Raises NotFound."""
    with domain_errors():
        row = await connection.fetchrow(QUERIES["objection"], objection_id)
    if row is None:
        raise NotFound("contests.objections.no_such_objection")
    written = None
    if row["content"]:
        content = unwrap(master_key, _content_label(row["number"]), row["content"])
        written = msgspec.json.decode(content, type=WrittenObjection)
    state = _state(row, _answer(master_key, row))
    return OnlineObjection(
        row["id"], state, row["answered_by"], written, has_attachment=row["has_attachment"]
    )


async def load_attachment(connection: AnyConnection, master_key: bytes, objection_id: int) -> bytes:
    """Load the PDF that came with an objection, decrypted. Raises NotFound."""
    with domain_errors():
        row = await connection.fetchrow(QUERIES["attachment"], objection_id)
    if row is None or row["attachment"] is None:
        raise NotFound("contests.objections.no_attachment")
    return unwrap(master_key, _attachment_label(row["number"]), row["attachment"])


async def store_answer(
    connection: AnyConnection,
    master_key: bytes,
    objection: OnlineObjection,
    answer: str,
    answered_by: int,
) -> bool:
    """Store the answer; False when the objection has one already."""
    encrypted = wrap(master_key, _answer_label(objection.state.number), answer.encode())
    with domain_errors():
        stored = await connection.fetchval(
            QUERIES["answer_objection"], objection.id, encrypted, answered_by
        )
    return stored is not None


async def count_unanswered(connection: AnyConnection) -> int:
    """Count the objections that wait for an answer."""
    with domain_errors():
        count: int = await connection.fetchval(QUERIES["unanswered"])
    return count


async def load_first_cut(connection: AnyConnection, contest_id: int) -> datetime | None:
    """Load when the cut of a contest was first published; None before."""
    with domain_errors():
        published_at: datetime | None = await connection.fetchval(QUERIES["first_cut"], contest_id)
    return published_at


async def erase_objections(connection: AnyConnection) -> int:
    """Erase what was written a year ago or more, with its answer, and every sender's hash of a
    day; return how many objections were erased."""
    with domain_errors():
        erased: int = await connection.fetchval(QUERIES["erase_objections"])
    return erased


async def rewrap_objections(connection: AnyConnection, master_key: bytes) -> int:
    """Encrypt every objection, attachment and answer with the master key instead of an older one;
    return how many were. Call it in a transaction of the tables' owner. Raises Refused when no key
    decrypts one."""
    changed = 0
    with domain_errors():
        for row in await connection.fetch(QUERIES["encrypted_objections"]):
            for column, label, query in (
                ("content", _content_label(row["number"]), "replace_content"),
                ("answer", _answer_label(row["number"]), "replace_answer"),
                ("attachment", _attachment_label(row["number"]), "replace_attachment"),
            ):
                rewrapped = rewrap(master_key, label, row[column]) if row[column] else None
                if rewrapped is not None:
                    await connection.execute(QUERIES[query], row["id"], rewrapped)
                    changed += 1
    return changed


def _state(row: Any, answer: str | None) -> ObjectionState:
    target = ObjectionTarget(row["contest_id"], row["notice"])
    return ObjectionState(row["number"], target, row["received_at"], answer, row["answered_at"])


def _answer(master_key: bytes, row: Any) -> str | None:
    if not row["answer"]:
        return None if row["answered_at"] is None else ""
    return unwrap(master_key, _answer_label(row["number"]), row["answer"]).decode()


def _content_label(number: str) -> str:
    return f"online objection {number}"


def _attachment_label(number: str) -> str:
    return f"attachment to online objection {number}"


def _answer_label(number: str) -> str:
    return f"answer to online objection {number}"
