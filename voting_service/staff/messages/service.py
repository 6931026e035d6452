"""Store messages with what they tell of, in one transaction; the job queue sends them.

A message goes to those who have a verified address, over every channel on which they have one. It
is sent once at least: one that was just sent when the process ended is sent again, an e-mail under
the same Message-ID.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import NamedTuple

import msgspec

from voting_service.errors import Refused
from voting_service.i18n.text import Language, Text
from voting_service.infrastructure.crypto.key_wrapping import rewrap, wrap
from voting_service.infrastructure.postgres.named_queries import Queries
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.staff.accounts.model import Role
from voting_service.staff.actor import Actor
from voting_service.staff.jobs.model import QueueStatus, job_key
from voting_service.staff.jobs.queue import enqueue, load_queue
from voting_service.staff.messages.model import (
    Channel,
    MessageKind,
    MessageState,
    NewMessage,
    Outcome,
    Wording,
)

QUERIES = Queries(__package__)
JOB_KIND = "message"
FAILURES_SHOWN_FOR = timedelta(days=7)
"""How long the console's home names messages that could not be delivered."""
KEPT_FOR = timedelta(days=365)


class InvitationSecret(msgspec.Struct, frozen=True):
    """Where an invitation is sent and its link, encrypted until it has been sent."""

    address: str
    link: str


class MessageEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of the log of messages; `kept` is the text that a demo keeps instead of sending."""

    id: int
    kind: MessageKind
    channel: Channel
    recipient: str
    language: Language
    created_at: datetime
    attempts: int
    outcome: Outcome | None
    finished_at: datetime | None
    failure: Text | None
    sent_to: str | None
    kept: dict[str, str] | None

    def state(self, queue: dict[str, QueueStatus]) -> MessageState:
        """Return the outcome; without one whether the message waits, is being sent, or left the
        queue, as after a restore from an archive."""
        if self.outcome is not None:
            return self.outcome
        return queue.get(job_key(JOB_KIND, self.id), "interrupted")


class ListedMessage(NamedTuple):
    """A message of the log, and its state when it was loaded."""

    message: MessageEntry
    state: MessageState


async def tell(
    connection: AnyConnection, accounts: Collection[int], message: NewMessage, now: datetime
) -> None:
    """Store and enqueue a message to accounts. Call it in the transaction of what it tells of."""
    with domain_errors():
        rows = await connection.fetch(
            QUERIES["insert_messages"],
            message.key,
            message.kind,
            list(accounts),
            message.selection_id,
            msgspec.to_builtins(message.params),
            message.path,
            now,
        )
    wait = None if message.due_at is None else max(message.due_at - now, timedelta())
    for row in rows:
        await enqueue(connection, JOB_KIND, row["id"], wait=wait)


async def tell_roles(actor: Actor, roles: Collection[Role], message: NewMessage) -> None:
    """The same to everybody of the roles but the actor."""
    with domain_errors():
        rows = await actor.connection.fetch(
            QUERIES["accounts_of_roles"], list(roles), actor.account.id
        )
    await tell(actor.connection, [row["id"] for row in rows], message, actor.now)


class Recipient(NamedTuple):
    """Somebody without an account: whom the invitation is for, in the inviter's words, and where
    it is sent."""

    name: str
    channel: Channel
    address: str
    language: Language


async def tell_invited(
    actor: Actor, master_key: bytes, recipient: Recipient, message: NewMessage, link: str
) -> None:
    """Store and enqueue an invitation's link. Call it in a transaction. Raises Refused when it was
    sent to this address before."""
    address = blake2b(recipient.address.encode(), key=master_key, digest_size=8).hexdigest()
    key = f"{message.key}/{address}"
    secret = InvitationSecret(recipient.address, link)
    with domain_errors():
        message_id = await actor.connection.fetchval(
            QUERIES["insert_invitation_message"],
            key,
            recipient.channel,
            recipient.name,
            recipient.language,
            msgspec.to_builtins(message.params),
            message.path,
            wrap(master_key, secret_label(key), msgspec.json.encode(secret)),
            actor.now,
        )
    if message_id is None:
        raise Refused("staff.messages.link_already_sent")
    await enqueue(actor.connection, JOB_KIND, message_id)


def secret_label(key: str) -> str:
    """Return the label that binds what a message keeps encrypted to it."""
    return f"message {key}"


async def list_messages(
    connection: AnyConnection, *, failed: bool = False, limit: int
) -> list[ListedMessage]:
    """Load the newest messages, all or the failed ones, newest first."""
    with domain_errors():
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            rows = await connection.fetch(QUERIES["messages"], failed, limit)
            queue = await load_queue(connection)
    messages = [msgspec.convert(dict(row), MessageEntry) for row in rows]
    return [ListedMessage(message, message.state(queue)) for message in messages]


async def count_failed(connection: AnyConnection, now: datetime) -> int:
    """Return how many messages could not be delivered in the last days."""
    with domain_errors():
        count: int = await connection.fetchval(QUERIES["count_failed"], now - FAILURES_SHOWN_FOR)
    return count


async def forget_messages(connection: AnyConnection, now: datetime) -> None:
    """Delete messages that were stored a year ago."""
    with domain_errors():
        await connection.execute(QUERIES["forget_messages"], now - KEPT_FOR)


async def load_wordings(connection: AnyConnection, selection_id: int) -> dict[MessageKind, Wording]:
    """Return a selection's own wordings, by kind."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["wordings"], selection_id)
    return msgspec.convert(
        {row["kind"]: row["wording"] for row in rows}, dict[MessageKind, Wording]
    )


async def rewrap_messages(connection: AnyConnection, master_key: bytes) -> int:
    """Encrypt what messages keep with the master key instead of an older one; return how many were.
    Call it in a transaction of the tables' owner. Raises Refused."""
    changed = 0
    with domain_errors():
        for row in await connection.fetch(QUERIES["encrypted_messages"]):
            rewrapped = rewrap(master_key, secret_label(row["key"]), row["secret"])
            if rewrapped is not None:
                await connection.execute(
                    QUERIES["replace_secret"], row["key"], row["channel"], rewrapped
                )
                changed += 1
    return changed
