"""Sessions against a plain reference: whatever is done in whatever order, who is in is in."""

from __future__ import annotations

import itertools
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from voting_service.infrastructure.postgres.pool import Connection
from voting_service.staff.accounts.model import Account
from voting_service.staff.accounts.repository import disable_account
from voting_service.staff.accounts.sessions import (
    ABSOLUTE,
    CONFIRMED_FOR,
    IDLE,
    SEEN_EVERY,
    StaffSession,
    VerifiedAccount,
    confirm_session,
    end_all_sessions,
    end_session,
    find_session,
    hash_token,
    is_confirmed,
    load_sessions,
    open_session,
)

NOW = datetime(2022, 7, 10, 12, 0, 0, tzinfo=UTC)
NAMES = itertools.count(1)

WAITS = st.tuples(
    st.just("wait"),
    st.sampled_from(
        [
            timedelta(seconds=1),
            SEEN_EVERY,
            CONFIRMED_FOR - timedelta(seconds=1),
            CONFIRMED_FOR,
            IDLE - SEEN_EVERY,
            IDLE - timedelta(seconds=1),
            IDLE,
            ABSOLUTE - timedelta(seconds=1),
        ]
    ),
)
STAYS = st.tuples(st.just("stay"), st.sampled_from([timedelta(hours=2), timedelta(hours=9.9)]))
"""At work all the while, or only a page that refreshes itself."""
LEFT_OPEN = st.tuples(st.just("left open"), st.sampled_from([IDLE - SEEN_EVERY, IDLE * 2]))
DEEDS = st.tuples(
    st.sampled_from(["use", "refresh", "confirm", "end", "end_all", "disable", "another"]),
    st.just(timedelta()),
)


@dataclass
class Reference:
    """What a session is, in the simplest words."""

    opened: datetime
    seen: datetime
    confirmed: datetime
    ended: bool = False

    def is_in(self, now: datetime) -> bool:
        return not self.ended and now - self.seen < IDLE and now - self.opened < ABSOLUTE


def expand(steps: list[tuple[str, timedelta]]) -> Iterator[tuple[str, timedelta]]:
    """Long stays as what they are made of."""
    every = IDLE / 2
    for deed, length in steps:
        match deed:
            case "stay":
                yield from [("use", every)] * int(length / every)
            case "left open":
                yield from [("refresh", every)] * int(length / every)
            case _:
                yield deed, length


PROOF = b"the output of a slow hash, as set"
HASH = (
    f"$argon2id$v=19$m=64,t=1,p=1$c2FsdA${b64encode(sha256(PROOF).digest()).decode().rstrip('=')}"
)


async def somebody(database: Connection) -> Account:
    """An account without the slow hash of a password."""
    name = f"clerk-{next(NAMES)}"
    number = await database.fetchval(
        "insert into accounts (name, role, password_hash, wrapped_totp_secret, created_at)"
        " values ($1, 'tally_clerk', $3, '', $2) returning id",
        name,
        NOW,
        HASH,
    )
    return Account(number, name, "tally_clerk", disabled=False, created_at=NOW)


async def opened(
    database: Connection, account: Account, source: str = "", now: datetime = NOW
) -> tuple[str, StaffSession]:
    """A new session of the account, and its token."""
    token = await open_session(database, VerifiedAccount(account, PROOF), source, now)
    result = await find_session(database, token, now, by_itself=True)
    assert result is not None
    return token, result[1]


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(WAITS | STAYS | LEFT_OPEN | DEEDS, max_size=14))
async def test_sessions_end_when_they_should(
    database: Connection, steps: list[tuple[str, timedelta]]
) -> None:
    account = await somebody(database)
    now = NOW
    token, session = await opened(database, account, "192.0.2.0/24", now)
    expected = Reference(now, now, now)
    for deed, pause in expand(steps):
        now += pause
        match deed:
            case "use" | "refresh":
                result = await find_session(database, token, now, by_itself=deed == "refresh")
                assert (result is not None) == expected.is_in(now)
                if deed == "use" and result and now - expected.seen >= SEEN_EVERY:
                    expected.seen = now
            case "confirm" if expected.is_in(now):
                assert await confirm_session(database, session.token_hash, now)
                expected.confirmed = expected.seen = now
            case "end":
                ended = await end_session(database, session.token_hash, now)
                assert (ended is None) == expected.ended
                expected.ended = True
            case "end_all":
                await end_all_sessions(database, account.id, now)
                expected.ended = True
            case "disable":
                await disable_account(database, account.name)
                expected.ended = True
                break
            case "another":
                await opened(database, account, now=now)
    result = await find_session(database, token, now, by_itself=True)
    assert (result is not None) == expected.is_in(now)
    if result is not None:
        assert is_confirmed(result[1], now) == (now - expected.confirmed < CONFIRMED_FOR)
        listed = [first.token_hash for first in await load_sessions(database, account.id, now)]
        assert session.token_hash in listed


async def test_the_token_is_nowhere_in_the_database(database: Connection) -> None:
    account = await somebody(database)
    token, session = await opened(database, account)
    row = await database.fetchrow("select * from staff_sessions")
    assert row is not None
    assert token not in str(dict(row))
    assert row["token_hash"] == hash_token(token) == session.token_hash


async def test_a_token_that_is_nearly_right_is_nobodys(database: Connection) -> None:
    account = await somebody(database)
    token, session = await opened(database, account)
    other = "A" if token[0] != "A" else "B"
    for wrong in ("", token[:-1], token + "A", other + token[1:], session.id, "\ud800"):
        assert await find_session(database, wrong, NOW) is None


async def test_using_a_session_is_written_at_most_once_a_minute(database: Connection) -> None:
    account = await somebody(database)
    token, _ = await opened(database, account)
    seen = []
    for seconds in (1, 59, 60, 61, 119, 121):
        await find_session(database, token, NOW + timedelta(seconds=seconds))
        seen.append(await database.fetchval("select last_seen_at from staff_sessions"))
    assert [(moment - NOW).seconds for moment in seen] == [0, 0, 60, 60, 60, 121]
