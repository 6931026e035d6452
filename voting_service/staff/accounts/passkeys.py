"""Passkeys (WebAuthn): a device or security key signs at the sign-in instead of a one-time code.

The password stays: the database opens a session only to the proof of one, and it cannot check a
signature (`open_session` in migrations/schema/staff.sql). So a passkey is a second factor, and the
device need not ask for a finger or PIN. A challenge is signed once and within `CHALLENGE_FOR`; the
signature is bound to the address of the staff site; a counter that does not grow is refused.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import (
    parse_authentication_credential_json,
    parse_client_data_json,
    parse_registration_credential_json,
)
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from voting_service.errors import Fault, InvalidInput, NotFound, NotSignedIn, Refused
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.staff.accounts.model import Account
from voting_service.staff.accounts.repository import QUERIES
from voting_service.staff.audit_log.record import record

CHALLENGE_BYTES = 64
CHALLENGE_FOR = timedelta(minutes=3)
MAX_NAME_CHARACTERS = 60
MAX_ANSWER_CHARACTERS = 16 * 1024
_TIMEOUT_MILLISECONDS = 120_000


class PasskeyOrigin(NamedTuple):
    """The site that passkeys are bound to: its host (the relying party's id), origin and name."""

    host: str
    origin: str
    name: str


class PasskeyAnswer(NamedTuple):
    """What a browser answered for a passkey, as JSON, and the site that asked."""

    site: PasskeyOrigin
    json: str


class Passkey(msgspec.Struct, frozen=True):
    """A passkey of an account."""

    id: int
    credential_id: bytes
    public_key: bytes
    sign_count: int
    name: str
    added_at: datetime
    last_used_at: datetime | None


async def load_passkeys(connection: AnyConnection, account_id: int) -> Sequence[Passkey]:
    """Return the passkeys of an account, oldest first."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["passkeys"], account_id)
    return [msgspec.convert(dict(row), Passkey) for row in rows]


async def _new_challenge(connection: AnyConnection, account_id: int | None, now: datetime) -> bytes:
    challenge = secrets.token_bytes(CHALLENGE_BYTES)
    with domain_errors():
        await connection.execute(
            QUERIES["insert_challenge"], challenge, account_id, now, now + CHALLENGE_FOR
        )
    return challenge


async def sign_in_options(connection: AnyConnection, site: PasskeyOrigin, now: datetime) -> str:
    """Return what a browser asks a passkey for at the sign-in, as JSON; the same for every name, so
    that it tells nobody who has one."""
    options = generate_authentication_options(
        rp_id=site.host,
        challenge=await _new_challenge(connection, None, now),
        timeout=_TIMEOUT_MILLISECONDS,
        user_verification=UserVerificationRequirement.PREFERRED,
    )
    return options_to_json(options)


async def registration_options(
    connection: AnyConnection, site: PasskeyOrigin, account: Account, now: datetime
) -> str:
    """Return what a browser makes a new passkey of the account with, as JSON."""
    passkeys = await load_passkeys(connection, account.id)
    options = generate_registration_options(
        rp_id=site.host,
        rp_name=site.name,
        user_id=f"account {account.id}".encode(),
        user_name=account.name,
        challenge=await _new_challenge(connection, account.id, now),
        timeout=_TIMEOUT_MILLISECONDS,
        # The key itself tells which it is, so the sign-in need not name the keys of an account.
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.PREFERRED,
        ),
        exclude_credentials=[
            PublicKeyCredentialDescriptor(id=key.credential_id) for key in passkeys
        ],
    )
    return options_to_json(options)


class NewPasskey(NamedTuple):
    """A passkey to be added: how its owner calls it, and what the browser answered."""

    name: str
    answer: PasskeyAnswer


async def add_passkey(
    connection: AnyConnection, account: Account, token: str, new: NewPasskey, now: datetime
) -> None:
    """Add a passkey to the account of a session's token. Raises InvalidInput for a name that is
    empty or too long, NotSignedIn when the session has ended, and Refused when the answer is not to
    a challenge of this account, on this site, or the account has too many."""
    name, site = new.name.strip(), new.answer.site
    if not 1 <= len(name) <= MAX_NAME_CHARACTERS or not name.isprintable():
        raise InvalidInput(Fault("name", "staff.accounts.passkey_name", limit=MAX_NAME_CHARACTERS))
    refused = Refused("staff.accounts.passkey_refused")
    try:
        credential = parse_registration_credential_json(new.answer.json[:MAX_ANSWER_CHARACTERS])
        challenge = parse_client_data_json(credential.response.client_data_json).challenge
    except Exception:  # the library fails in many ways on what is no answer
        raise refused from None
    if not await _take_challenge(connection, challenge, account.id, now):
        raise refused
    try:
        verified = verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=site.host,
            expected_origin=site.origin,
        )
    except Exception:
        raise refused from None
    with domain_errors():
        async with connection.transaction():
            await connection.execute(
                QUERIES["add_passkey"],
                token,
                verified.credential_id,
                verified.credential_public_key,
                verified.sign_count,
                name,
                now,
            )
            await record(connection, account.name, "passkey_added", subject=account.name)


async def remove_passkey(
    connection: AnyConnection, account: Account, token: str, passkey_id: int
) -> None:
    """Remove a passkey of the account of a session's token. Raises NotFound."""
    with domain_errors():
        async with connection.transaction():
            if await connection.fetchval(QUERIES["remove_passkey"], token, passkey_id) is None:
                raise NotFound("staff.accounts.no_such_passkey")
            await record(connection, account.name, "passkey_removed", subject=account.name)


async def use_passkey(
    connection: AnyConnection, account_id: int, answer: PasskeyAnswer, now: datetime
) -> None:
    """Check that a passkey of the account signed a challenge of the sign-in, and note its use.
    Raises NotSignedIn."""
    wrong = NotSignedIn("staff.accounts.wrong_credentials")
    try:
        credential = parse_authentication_credential_json(answer.json[:MAX_ANSWER_CHARACTERS])
        challenge = parse_client_data_json(credential.response.client_data_json).challenge
    except Exception:  # the library fails in many ways on what is no answer
        raise wrong from None
    if not await _take_challenge(connection, challenge, None, now):
        raise wrong
    for passkey in await load_passkeys(connection, account_id):
        if passkey.credential_id == credential.raw_id:
            break
    else:
        raise wrong
    try:
        verified = verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=answer.site.host,
            expected_origin=answer.site.origin,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=passkey.sign_count,
        )
    except Exception:
        raise wrong from None
    with domain_errors():
        used = await connection.fetchval(
            QUERIES["use_passkey"], passkey.id, verified.new_sign_count, now
        )
    if used is None:
        raise wrong


async def _take_challenge(
    connection: AnyConnection, challenge: bytes, account_id: int | None, now: datetime
) -> bool:
    """Return whether we made the challenge for this, within minutes; it is not taken twice."""
    with domain_errors():
        taken = await connection.fetchval(QUERIES["take_challenge"], challenge, account_id, now)
    return taken is not None
