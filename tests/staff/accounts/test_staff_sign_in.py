"""Staff accounts and signing in, against the real database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from argon2 import PasswordHasher

from tests.cut_data import (
    MASTER_KEY,
    PASSWORD,
    SECRET,
    member,
)
from voting_service.errors import (
    InvalidInput,
    NotFound,
    NotSignedIn,
    Refused,
)
from voting_service.infrastructure.crypto.key_wrapping import unwrap, wrap
from voting_service.infrastructure.postgres.pool import Connection, connect
from voting_service.staff.accounts import passwords
from voting_service.staff.accounts.failed_sign_ins import (
    FREE_TRIES,
    LONGEST_DELAY_SECONDS,
    TooManyTries,
)
from voting_service.staff.accounts.model import Account
from voting_service.staff.accounts.passwords import hash_password, renew_hash
from voting_service.staff.accounts.repository import (
    NewAccount,
    create_account,
    disable_account,
    is_account_name,
    load_accounts,
    plain_name,
)
from voting_service.staff.accounts.sessions import open_session
from voting_service.staff.accounts.sign_in import SignInAttempt, authenticate

NOW = datetime(2022, 7, 10, 12, 0, 0, tzinfo=UTC)


def at(moment: datetime) -> Callable[[], datetime]:
    return lambda: moment


def code(moment: datetime = NOW, *, steps: int = 0) -> str:
    return pyotp.TOTP(SECRET).at(int(moment.timestamp()) + 30 * steps)


async def sign_in(
    database: Connection,
    name: str = "clerk",
    password: str = PASSWORD,
    digits: str | None = None,
    *,
    now: datetime = NOW,
    source: str = "here",
) -> Account:
    digits = code(now) if digits is None else digits
    person = await authenticate(
        database, MASTER_KEY, SignInAttempt(name, password, digits, source=source), clock=at(now)
    )
    await open_session(database, person, source, at(now)())
    return person.account


async def test_password_and_code_sign_in(database: Connection) -> None:
    created = await member(database, "张-clerk")
    assert await sign_in(database, " 张-clerk ") == created


@pytest.mark.parametrize(
    ("name", "password", "steps"),
    [
        ("clerk", "wrong horse battery", 0),
        ("clerk", "", 0),
        ("clerk", PASSWORD, 2),
        ("clerk", PASSWORD, -2),
        ("nobody", PASSWORD, 0),
        ("CLERK", PASSWORD, 0),
        ("clerk\0", PASSWORD, 0),
        ("clerk\ud800", PASSWORD, 0),
        ("clerk" * 1000, PASSWORD, 0),
        ("clerk", "\ud800" * 12, 0),
    ],
)
@pytest.mark.usefixtures("production_limits")
async def test_every_way_to_be_wrong_gets_the_same_answer(
    database: Connection, name: str, password: str, steps: int
) -> None:
    await member(database, "clerk")
    with pytest.raises(NotSignedIn, match="the name, password or code is wrong"):
        await sign_in(database, name, password, code(steps=steps))


@pytest.mark.parametrize("digits", ["", "000", "１２３４５６", "12345é", "\ud800"])
async def test_what_is_no_code_is_wrong(database: Connection, digits: str) -> None:
    await member(database, "clerk")
    with pytest.raises(NotSignedIn):
        await sign_in(database, digits=digits)


async def test_a_code_and_all_before_it_are_used_once(database: Connection) -> None:
    await member(database, "clerk")
    await sign_in(database)
    with pytest.raises(NotSignedIn, match="already been used"):
        await sign_in(database)
    with pytest.raises(NotSignedIn, match="already been used"):
        await sign_in(database, digits=code(steps=-1))
    await sign_in(database, digits=code(steps=1))


async def test_racing_sign_ins_with_one_code_let_one_in(
    database: Connection, database_url: str
) -> None:
    await member(database, "clerk")
    connections = [await connect(database_url) for _ in range(6)]
    results = await asyncio.gather(
        *(sign_in(connection, source=str(place)) for place, connection in enumerate(connections)),
        return_exceptions=True,
    )
    for connection in connections:
        await connection.close()
    assert sum(isinstance(result, Account) for result in results) == 1, results
    assert sum(isinstance(result, NotSignedIn) for result in results) == 5, results


async def test_delays_grow_to_a_limit(database: Connection) -> None:
    await member(database, "clerk")
    now, delays = NOW, []
    for tries in range(1, FREE_TRIES + 12):
        with pytest.raises(NotSignedIn):
            await sign_in(database, password="wrong", now=now)
        if tries < FREE_TRIES:
            continue
        with pytest.raises(TooManyTries) as caught:
            await sign_in(database, now=now)
        delays.append(caught.value.retry_after_seconds - 1)
        now += timedelta(seconds=delays[-1])
    assert delays[:4] == [1, 2, 4, 8]
    assert delays[-1] == LONGEST_DELAY_SECONDS
    assert delays == sorted(delays)


async def test_guessing_elsewhere_locks_nobody_out(database: Connection) -> None:
    created = await member(database, "clerk")
    for _ in range(FREE_TRIES):
        with pytest.raises(NotSignedIn):
            await sign_in(database, password="wrong", source="elsewhere")
    with pytest.raises(TooManyTries):
        await sign_in(database, source="elsewhere")
    assert await sign_in(database, source="here") == created


async def test_a_good_sign_in_forgets_the_failures_there(database: Connection) -> None:
    await member(database, "clerk")
    for _ in range(FREE_TRIES - 1):
        with pytest.raises(NotSignedIn):
            await sign_in(database, password="wrong")
    await sign_in(database)
    assert await database.fetchval("select count(*) from sign_in_failures") == 0


async def test_tries_made_at_once_do_not_outrun_the_delay(
    database: Connection, database_url: str
) -> None:
    await member(database, "clerk")
    connections = [await connect(database_url) for _ in range(12)]
    results = await asyncio.gather(
        *(sign_in(connection, password="wrong") for connection in connections),
        return_exceptions=True,
    )
    for connection in connections:
        await connection.close()
    looked_at = [r for r in results if isinstance(r, NotSignedIn)]
    assert len(looked_at) == FREE_TRIES
    assert sum(isinstance(r, TooManyTries) for r in results) == 12 - FREE_TRIES


async def test_names_that_do_not_exist_are_delayed_alike(database: Connection) -> None:
    for _ in range(FREE_TRIES):
        with pytest.raises(NotSignedIn):
            await sign_in(database, "nobody")
    with pytest.raises(TooManyTries):
        await sign_in(database, "nobody")


async def test_a_disabled_account_stays_out(database: Connection) -> None:
    await member(database, "clerk")
    await disable_account(database, "clerk")
    with pytest.raises(NotSignedIn):
        await sign_in(database)
    assert [account.disabled for account in await load_accounts(database)] == [True]
    with pytest.raises(NotFound):
        await disable_account(database, "nobody")


@pytest.mark.usefixtures("production_passwords")
async def test_an_old_hash_is_renewed(database: Connection, owner_database_url: str) -> None:
    await member(database, "clerk")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "HASHER", PasswordHasher(time_cost=1, memory_cost=8192))
        weak = await hash_password(PASSWORD)
    owner = await connect(owner_database_url)
    await owner.execute("update accounts set password_hash = $1", weak)
    await owner.close()
    await sign_in(database)
    kept = await database.fetchval("select password_hash from accounts")
    assert kept != weak
    assert await renew_hash(kept, PASSWORD) is None
    await sign_in(database, digits=code(steps=1))


@pytest.mark.parametrize(
    ("name", "stands_for_itself"),
    [
        ("欧阳娜娜", True),
        ("阿依古丽·买买提", True),
        ("𠮷田-2", True),
        ("Zoë Müller", True),
        ("clerk.1_b", True),
        ("voting-service work", False),
        ("Voting Service", False),
        ("voting_service", False),
        ("terminal of user 0", False),
        ("console", False),
        ("сlerk", False),  # begins with a Cyrillic letter
        ("ｃｌｅｒｋ", False),
        ("cle\u200brk", False),
        ("张\u2f00", False),
        ("clerk  1", False),
        ("-", False),
        ("", False),
        ("x" * 65, False),
    ],
)
def test_a_name_is_nobody_else_s_and_no_program_s(name: str, stands_for_itself: bool) -> None:
    assert is_account_name(plain_name(name)) is stands_for_itself


async def test_names_that_differ_in_case_are_one(database: Connection) -> None:
    await member(database, "clerk")
    with pytest.raises(InvalidInput):
        await member(database, "Clerk")


async def test_every_fault_of_a_new_account_is_named_at_once(database: Connection) -> None:
    with pytest.raises(InvalidInput) as caught:
        wrong = NewAccount("\x07", "king", "short", totp_secret="1")  # type: ignore[arg-type]
        await create_account(database, MASTER_KEY, wrong)
    assert [fault.field for fault in caught.value.faults] == [
        "name",
        "role",
        "password",
        "totp_secret",
    ]
    await member(database, "clerk")
    with pytest.raises(InvalidInput, match="already exists"):
        await member(database, " clerk ")


@pytest.mark.usefixtures("production_passwords")
async def test_nothing_secret_is_stored_plainly(database: Connection) -> None:
    await member(database, "clerk")
    row = str(tuple(await database.fetchrow("select * from accounts") or ()))
    assert PASSWORD not in row
    assert SECRET not in row
    assert "$argon2id$v=19$m=65536,t=3,p=4$" in row


def test_a_wrapped_secret_is_bound_to_key_and_label() -> None:
    wrapped = wrap(MASTER_KEY, "account a totp", b"secret")
    assert unwrap(MASTER_KEY, "account a totp", wrapped) == b"secret"
    assert wrap(MASTER_KEY, "account a totp", b"secret") != wrapped
    for key, label, data in (
        (b"x" * 32, "account a totp", wrapped),
        (MASTER_KEY, "account b totp", wrapped),
        (MASTER_KEY, "account a totp", wrapped[:-1] + bytes([wrapped[-1] ^ 1])),
    ):
        with pytest.raises(Refused, match="VOTING_MASTER_KEY"):
            unwrap(key, label, data)
