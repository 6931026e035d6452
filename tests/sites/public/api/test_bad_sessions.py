"""② under hostile hands: who is not signed in, whatever the Authorization header states."""

from __future__ import annotations

import asyncio
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.contest_data import SLUG, execute_as_owner, switch_platform
from tests.sites.public.api.running_service import (
    BALLOTS,
    OTHER_SLUG,
    Service,
    check_problem,
)
from voting_service.voting.voters.identity import Identity
from voting_service.voting.voters.session_token import SESSION_SECONDS

GOOD = b'{"choices":[1]}'


async def try_to_vote(shared_service: Service, *authorization: bytes) -> httpx.Response:
    headers = [(b"content-type", b"application/json")]
    headers += [(b"authorization", value) for value in authorization]
    return await shared_service.ask(BALLOTS.encode(), method=b"POST", headers=headers, body=GOOD)


def check_not_signed_in(answer: httpx.Response) -> None:
    problem = check_problem(answer, 401)
    assert problem["type"] == "/problems/not-signed-in"
    assert answer.headers["www-authenticate"] == "Bearer"


NO_SESSIONS = {
    "empty": b"",
    "blank": b" ",
    "scheme only": b"Bearer",
    "scheme and blank": b"Bearer ",
    "null": b"Bearer null",
    "undefined": b"Bearer undefined",
    "Basic": b"Basic " + b64encode(b"reader:password"),
    "Digest": b'Digest username="reader"',
    "Token": b"Token abcdef",
    "Negotiate": b"Negotiate YII=",
    "quotes": b"'",
    "zeros": b"Bearer " + b"A" * 60,
    "the right length, binary": b"Bearer " + bytes(range(0x80, 0x80 + 60)),
    "the right length, punctuation": b"Bearer " + b"!" * 60,
    "the right length, padding": b"Bearer " + b"=" * 60,
    "one short": b"Bearer " + b"A" * 59,
    "one long": b"Bearer " + b"A" * 61,
    "non-ASCII": "Bearer пропуск".encode(),
    "Chinese": "Bearer 会话".encode(),
    "full-width scheme": "Ｂｅａｒｅｒ AAAA".encode(),
    "very long": b"Bearer " + b"A" * 20_000,
    "very long scheme": b"B" * 20_000,
    "a JWT": b"Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.",
    "a JSON": b'Bearer {"voter":"me"}',
    "percent signs": b"Bearer %s%n%x" * 5,
    "SQL": b"Bearer ' or 1=1 --",
    "path": b"Bearer ../../../../etc/passwd",
}


@pytest.mark.parametrize("value", NO_SESSIONS.values(), ids=NO_SESSIONS.keys())
async def test_what_is_no_session_is_401(shared_service: Service, value: bytes) -> None:
    check_not_signed_in(await try_to_vote(shared_service, value))


async def test_no_header_is_401(shared_service: Service) -> None:
    check_not_signed_in(await try_to_vote(shared_service))


@pytest.mark.parametrize("prefix", ["Bearer  ", "Bearer\t", "Bearer:", "Bearer", "bearer=", ""])
async def test_a_session_behind_another_prefix_is_401(shared_service: Service, prefix: str) -> None:
    session = shared_service.forged_session()
    check_not_signed_in(await try_to_vote(shared_service, f"{prefix}{session}".encode()))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda session: session[:-1],
        lambda session: session[1:],
        lambda session: session + "A",
        lambda session: session + "=",
        lambda session: session + session,
        lambda session: session[::-1],
        lambda session: session.swapcase(),
        lambda session: session[:27] + " " + session[27:],
        lambda session: session[:27] + "\x00" + session[28:],
        lambda session: session[:27] + "." + session[28:],
        lambda session: f'"{session}"',
    ],
    ids=["truncated", "beheaded", "longer", "padded", "doubled", "reversed", "other case",
         "blank inside", "NUL inside", "dot inside", "quoted"],
)  # fmt: skip
async def test_a_spoilt_session_is_refused(
    shared_service: Service, spoil: Callable[[str], str]
) -> None:
    spoilt = spoil(shared_service.forged_session(voter=bytes(range(16))))
    answer = await try_to_vote(shared_service, f"Bearer {spoilt}".encode())
    if "\x00" in spoilt:
        check_problem(answer, 400)  # no header may hold it
    else:
        check_not_signed_in(answer)


async def test_a_session_with_any_one_bit_flipped_is_refused(shared_service: Service) -> None:
    session = shared_service.forged_session(voter=bytes(range(16))).encode()
    flipped = [
        session[:place] + bytes((session[place] ^ 1 << bit,)) + session[place + 1 :]
        for place in range(len(session))
        for bit in range(8)
    ]
    together = asyncio.Semaphore(20)

    async def refused(spoilt: bytes) -> bool:
        async with together:
            answer = await try_to_vote(shared_service, b"Bearer " + spoilt)
        control = any((byte < 0x20 and byte != 0x09) or byte == 0x7F for byte in spoilt)
        return answer.status_code == (400 if control else 401)

    answers = await asyncio.gather(*map(refused, flipped))
    assert len(answers) == 8 * len(session)
    assert all(answers)


async def test_a_session_has_one_spelling(service: Service) -> None:
    session = await service.open_session()
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/"
    taken = [
        last
        for last in alphabet
        if (await try_to_vote(service, f"Bearer {session[:-1]}{last}".encode())).status_code != 401
    ]
    assert taken == [session[-1]]


async def test_an_expired_session_is_401(shared_service: Service) -> None:
    session = shared_service.forged_session(expires_in=-1)
    answer = await shared_service.cast(session, [1])
    check_not_signed_in(answer)
    assert "expired" in answer.json()["detail"]


async def test_a_session_of_another_contest_is_401(shared_service: Service) -> None:
    check_not_signed_in(
        await shared_service.cast(shared_service.forged_session(slug=OTHER_SLUG), [1])
    )


async def test_a_session_that_names_this_contest_under_another_contests_key_is_401(
    shared_service: Service,
) -> None:
    here = shared_service.state.contest_state(SLUG).contest.id
    session = shared_service.forged_session(slug=OTHER_SLUG, contest_id=here)
    check_not_signed_in(await shared_service.cast(session, [1]))


async def test_a_session_that_names_another_contest_under_this_contests_key_is_401(
    shared_service: Service,
) -> None:
    there = shared_service.state.contest_state(OTHER_SLUG).contest.id
    check_not_signed_in(
        await shared_service.cast(shared_service.forged_session(contest_id=there), [1])
    )


@pytest.mark.parametrize("key", [b"k" * 32, b"\0" * 32, b"x"], ids=["a key", "zeros", "short"])
async def test_a_session_under_a_key_of_ones_own_is_401(
    shared_service: Service, key: bytes
) -> None:
    check_not_signed_in(await shared_service.cast(shared_service.forged_session(key=key), [1]))


async def test_a_session_without_a_mac_is_401(shared_service: Service) -> None:
    payload = (
        b"\x03"
        + shared_service.contest.id.to_bytes(2, "big")
        + b"\x00\x01"
        + b"\x7f" * 4
        + b"\xff" * 2
        + b"\0" * 2
        + b"v" * 16
    )
    unsealed = urlsafe_b64encode(payload + b"\0" * 16)
    assert len(unsealed) == len(shared_service.forged_session())
    check_not_signed_in(await try_to_vote(shared_service, b"Bearer " + unsealed))


async def test_a_session_of_a_platform_that_was_switched_off_is_401(service: Service) -> None:
    session = await service.open_session()
    await switch_platform(service.database, "demo", enabled=False)
    await service.refresh()
    check_not_signed_in(await service.cast(session, [1]))
    assert await service.stored_ballots() == 0
    await execute_as_owner(
        service.settings.owner_database_url,
        "update platforms set enabled = true, revision = revision + 1 where slug = 'demo'",
    )
    await service.refresh()
    assert (await service.cast(session, [1])).status_code == 201


async def test_a_session_ends_at_its_time(service: Service) -> None:
    session = await service.open_session()
    service.clock.offset += timedelta(seconds=SESSION_SECONDS + 1)
    check_not_signed_in(await service.cast(session, [1]))


async def test_the_sessions_of_a_platform_end_when_the_organisers_say_so(service: Service) -> None:
    """Those opened before, and at once; ballots stay, and who signs in again has the receipt."""
    before, cast = await service.open_session("reader"), await service.open_session("cast")
    receipt = (await service.cast(cast, [2])).json()
    await service.database.execute(
        "update platforms set sessions_not_before = $1, revision = revision + 1",
        service.clock() + timedelta(seconds=5),
    )
    await service.refresh()
    for session in (before, cast, service.forged_session()):
        answer = await service.cast(session, [2])
        problem = check_problem(answer, 401)
        assert problem["type"] == "/problems/session-ended"
        assert "open the voting link again" in problem["detail"]
        assert answer.headers["www-authenticate"] == "Bearer"
    early = await service.sign_in(service.token("reader"))
    assert check_problem(early, 503)["type"] == "/problems/busy"
    assert 1 <= int(early.headers["retry-after"]) <= 6
    service.clock.offset += timedelta(seconds=7)
    assert (await service.cast(await service.open_session("reader"), [1])).status_code == 201
    again = await service.cast(await service.open_session("cast"), [2])
    assert (again.status_code, again.json()) == (200, receipt)
    assert await service.stored_ballots() == 2


async def test_the_last_of_several_headers_counts_and_nothing_is_joined(
    shared_service: Service,
) -> None:
    session = shared_service.forged_session()
    check_not_signed_in(
        await try_to_vote(shared_service, f"Bearer {session}".encode(), b"Bearer x")
    )


async def test_a_session_in_the_query_or_a_cookie_is_not_looked_at(shared_service: Service) -> None:
    session = shared_service.forged_session()
    for headers, query in (
        ({"cookie": f"session={session}"}, ""),
        ({"x-authorization": f"Bearer {session}"}, ""),
        ({"proxy-authorization": f"Bearer {session}"}, ""),
        ({}, f"?session={session}&access_token={session}"),
    ):
        answer = await shared_service.post_bytes(BALLOTS + query, GOOD, headers)
        check_not_signed_in(answer)


async def test_a_sign_in_on_its_way_when_the_platform_changes_opens_no_session(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store may take so long that the token was checked before the worker heard of the change."""
    identify = service.state.sign_in.identify
    ending = "sessions_not_before = now() + interval '5 s'"
    changes = [(ending, 0, 503), (ending, 20, 503), ("enabled = false", 0, 401)]

    async def identify_slowly(*arguments: Any, **named: Any) -> Identity:
        identity = await identify(*arguments, **named)
        change, seconds, _ = changes[0]
        await service.database.execute(f"update platforms set {change}, revision = revision + 1")
        await service.refresh()
        service.clock.offset += timedelta(seconds=seconds)
        return identity

    monkeypatch.setattr(service.state.sign_in, "identify", identify_slowly)
    while changes:
        check_problem(await service.sign_in(service.token()), changes[0][2])
        changes.pop(0)
