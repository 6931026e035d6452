"""The addresses at which people want messages: given by them, verified by a code sent there."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from hmac import compare_digest
from typing import NamedTuple

import msgspec

from voting_service.errors import Fault, InvalidInput, NotFound, Refused
from voting_service.i18n.text import Language, Text
from voting_service.infrastructure.crypto.key_wrapping import rewrap, unwrap, wrap
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.staff.actor import Actor
from voting_service.staff.audit_log.record import record
from voting_service.staff.jobs.queue import enqueue
from voting_service.staff.messages.model import Channel, masked, parse_address
from voting_service.staff.messages.service import JOB_KIND, QUERIES

CODE_MINUTES = 30
MAX_CODE_TRIES = 5
BETWEEN_CODES = timedelta(minutes=1)
"""So nobody has many messages sent to the address of somebody else."""


class ContactContent(msgspec.Struct, frozen=True):
    """What is encrypted of a contact: the address, and the code that proves it."""

    address: str
    code: str


class Contact(msgspec.Struct, frozen=True):
    """An address of an account as its page shows it."""

    channel: Channel
    language: Language
    address: str
    """Masked."""
    is_verified: bool


class VerifiedContact(NamedTuple):
    """An address that is known to be somebody's since `at`."""

    channel: Channel
    address: str
    language: Language
    at: datetime


def read_contact(
    master_key: bytes, account_id: int, channel: Channel, encrypted: bytes
) -> ContactContent:
    """Return the address and code of a contact. Raises Refused for another master key."""
    content = unwrap(master_key, _label(account_id, channel), encrypted)
    return msgspec.json.decode(content, type=ContactContent)


def _label(account_id: int, channel: str) -> str:
    return f"contact {channel} of account {account_id}"


async def load_contacts(
    connection: AnyConnection, master_key: bytes, account_id: int
) -> dict[Channel, Contact]:
    """Return the addresses of an account, by channel."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["contacts"], account_id)
    return {
        row["channel"]: Contact(
            channel=row["channel"],
            language=row["language"],
            address=masked(
                read_contact(master_key, account_id, row["channel"], row["content"]).address
            ),
            is_verified=row["verified_at"] is not None,
        )
        for row in rows
    }


async def set_contact(
    actor: Actor, master_key: bytes, channel: Channel, typed: str, language: Language
) -> None:
    """Store the actor's address and send a code to it; until that is typed, nothing else is sent
    there. Raises InvalidInput, and Refused within a minute after the last code."""
    address = parse_address(channel, typed)
    code = f"{secrets.randbelow(10**6):06}"
    account = actor.account
    content = msgspec.json.encode(ContactContent(address, code))
    with domain_errors():
        async with actor.connection.transaction():
            saved = await actor.connection.fetchval(
                QUERIES["save_contact"],
                account.id,
                channel,
                language,
                wrap(master_key, _label(account.id, channel), content),
                actor.now,
                actor.now - BETWEEN_CODES,
            )
            if saved is None:
                raise Refused("staff.messages.code_just_sent")
            minutes = str(CODE_MINUTES)
            message_id = await actor.connection.fetchval(
                QUERIES["insert_code_message"],
                f"code/{account.id}/{secrets.token_hex(8)}",
                account.id,
                channel,
                msgspec.to_builtins({"minutes": Text(minutes, minutes)}),
                "/account",
                actor.now,
            )
            await enqueue(actor.connection, JOB_KIND, message_id)
            await record(
                actor.connection,
                account.name,
                "contact_changed",
                subject=account.name,
                details={"channel": channel},
            )


async def store_verified_contact(
    connection: AnyConnection, master_key: bytes, account_id: int, verified: VerifiedContact
) -> None:
    """Store an address that needs no code: of a demo, whose messages are kept and not sent."""
    content = msgspec.json.encode(ContactContent(verified.address, ""))
    wrapped = wrap(master_key, _label(account_id, verified.channel), content)
    with domain_errors():
        await connection.execute(
            QUERIES["save_contact"],
            account_id,
            verified.channel,
            verified.language,
            wrapped,
            verified.at,
            verified.at,
        )
        await connection.execute(
            QUERIES["verify_contact"], account_id, verified.channel, verified.at
        )


async def verify_contact(actor: Actor, master_key: bytes, channel: Channel, typed: str) -> None:
    """Accept the code that was sent to the actor's address. Raises InvalidInput for a wrong one,
    and for any after MAX_CODE_TRIES or CODE_MINUTES."""
    account = actor.account
    with domain_errors():
        encrypted = await actor.connection.fetchval(
            QUERIES["try_code"],
            account.id,
            channel,
            actor.now - timedelta(minutes=CODE_MINUTES),
            MAX_CODE_TRIES,
        )
        if encrypted is None:
            raise InvalidInput(Fault("code", "staff.messages.code_expired"))
        code = read_contact(master_key, account.id, channel, encrypted).code
        if not compare_digest(code.encode(), "".join(typed.split()).encode()):
            raise InvalidInput(Fault("code", "staff.messages.wrong_code"))
        async with actor.connection.transaction():
            await actor.connection.execute(
                QUERIES["verify_contact"], account.id, channel, actor.now
            )
            await record(
                actor.connection,
                account.name,
                "contact_verified",
                subject=account.name,
                details={"channel": channel},
            )


async def remove_contact(actor: Actor, channel: Channel) -> None:
    """Delete the actor's address; no more messages are sent there. Raises NotFound."""
    account = actor.account
    with domain_errors():
        async with actor.connection.transaction():
            if (
                await actor.connection.fetchval(QUERIES["remove_contact"], account.id, channel)
                is None
            ):
                raise NotFound("staff.messages.no_such_contact")
            await record(
                actor.connection,
                account.name,
                "contact_removed",
                subject=account.name,
                details={"channel": channel},
            )


async def rewrap_contacts(connection: AnyConnection, master_key: bytes) -> int:
    """Encrypt every address with the master key instead of an older one; return how many were.
    Call it in a transaction of the tables' owner. Raises Refused."""
    changed = 0
    with domain_errors():
        for row in await connection.fetch(QUERIES["encrypted_contacts"]):
            label = _label(row["account_id"], row["channel"])
            rewrapped = rewrap(master_key, label, row["content"])
            if rewrapped is not None:
                await connection.execute(
                    QUERIES["replace_contact"], row["account_id"], row["channel"], rewrapped
                )
                changed += 1
    return changed
