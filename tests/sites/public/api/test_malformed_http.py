"""What is not HTTP, what never ends, and who leaves early."""

from __future__ import annotations

import asyncio
import contextlib
import time

import pytest

from tests.patience import PATIENCE_SECONDS, eventually
from tests.sites.public.api.running_service import (
    BALLOTS,
    CONTEST,
    SESSIONS,
    MovedClock,
    Service,
    check_problem,
    parse_answer,
    running_service,
)
from voting_service.settings import Settings
from voting_service.sites.shared import request_bodies, slow_clients

POST = f"POST {BALLOTS} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n".encode()

NO_HTTP = {
    "garbage": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "words": b"hello there\r\n\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/9": b"GET / HTTP/9.9\r\n\r\n",
    "no path": b"GET  HTTP/1.1\r\nhost: a\r\n\r\n",
    "only a query": b"GET ?x HTTP/1.1\r\nhost: a\r\n\r\n",
    "path not ASCII": b"GET /\xff HTTP/1.1\r\nhost: a\r\n\r\n",
    "path with NUL": b"GET /\x00 HTTP/1.1\r\nhost: a\r\n\r\n",
    "tunnel": b"CONNECT evil.example:443 HTTP/1.1\r\nhost: a\r\n\r\n",
    "header without a colon": b"GET /healthz HTTP/1.1\r\nhost\r\n\r\n",
    "header name with a blank": b"GET /healthz HTTP/1.1\r\nho st: a\r\n\r\n",
    "header with NUL": b"GET /healthz HTTP/1.1\r\nhost: a\x00b\r\n\r\n",
    "bare carriage return": b"GET /healthz HTTP/1.1\r\nhost: a\rb\r\n\r\n",
    "length not a number": POST + b"content-length: x\r\n\r\n",
    "length negative": POST + b"content-length: -1\r\n\r\n",
    "length hexadecimal": POST + b"content-length: 0x10\r\n\r\n",
    "length huge": POST + b"content-length: 99999999999999999999999\r\n\r\n",
    "two lengths": POST + b"content-length: 1\r\ncontent-length: 2\r\n\r\nab",
    "length and chunks": POST + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunk size not a number": POST + b"transfer-encoding: chunked\r\n\r\nzz\r\n\r\n",
    "chunk size negative": POST + b"transfer-encoding: chunked\r\n\r\n-5\r\nabcde\r\n",
    "chunk size huge": POST + b"transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n\r\n",
    "chunk longer than its size": POST + b"transfer-encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n",
    "chunked twice over": POST + b"transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("sent", NO_HTTP.values(), ids=NO_HTTP.keys())
async def test_what_is_no_http_is_400_and_hung_up_on(shared_service: Service, sent: bytes) -> None:
    answer = parse_answer(await shared_service.say(sent))
    check_problem(answer, 400)
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize(
    "head",
    [b"x: " + b"a" * 40_000, b"\r\n".join(b"x-%d: y" % n for n in range(5_000))],
    ids=["one header", "many headers"],
)
async def test_a_head_without_end_is_400(shared_service: Service, head: bytes) -> None:
    answer = parse_answer(await shared_service.say(b"GET /healthz HTTP/1.1\r\nhost: a\r\n" + head))
    check_problem(answer, 400)


async def test_an_address_without_end_is_400(shared_service: Service) -> None:
    check_problem(parse_answer(await shared_service.say(b"GET /" + b"a" * 40_000)), 400)


async def test_a_body_that_goes_on_after_its_refusal_is_hung_up_on(shared_service: Service) -> None:
    session = shared_service.forged_session()
    start = POST + f"authorization: Bearer {session}\r\n".encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", shared_service.port)
    writer.write(start + b"content-length: 100000000\r\n\r\n")
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                writer.write(b" " * 60_000)
                await writer.drain()
    with contextlib.suppress(ConnectionError):
        assert b"HTTP/1.1 413" in await reader.read()
    writer.close()


async def test_two_requests_in_one_breath_are_both_answered(shared_service: Service) -> None:
    both = b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n" + POST + b"content-length: 2\r\n"
    raw = await shared_service.say(both + b"connection: close\r\n\r\n{}")
    assert raw.count(b"HTTP/1.1 ") == 2
    assert raw.startswith(b"HTTP/1.1 200")
    assert b"HTTP/1.1 401" in raw


async def test_a_header_behind_the_body_does_not_sign_in(shared_service: Service) -> None:
    sent = (
        POST + b"transfer-encoding: chunked\r\nconnection: close\r\n\r\nf\r\n"
        b'{"choices":[1]}\r\n0\r\nauthorization: Bearer '
        + shared_service.forged_session().encode()
        + b"\r\n\r\n"
    )
    check_problem(parse_answer(await shared_service.say(sent)), 401)


async def test_an_upgrade_is_not_taken(shared_service: Service) -> None:
    for upgrade in (b"websocket", b"h2c", b"TLS/1.0"):
        sent = b"GET /healthz HTTP/1.1\r\nhost: a\r\nconnection: upgrade, close\r\nupgrade: "
        raw = await shared_service.say(sent + upgrade + b"\r\nsec-websocket-version: 13\r\n\r\n")
        assert raw.startswith(b"HTTP/1.1 200")


async def test_http_1_0_is_answered_and_closed(shared_service: Service) -> None:
    raw = await shared_service.say(b"GET /healthz HTTP/1.0\r\n\r\n")
    assert raw.startswith(b"HTTP/1.1 200")
    assert raw.endswith(b'{"status":"ok"}')


TRICKLES = {
    "nothing at all": b"",
    "half a request line": b"GET /heal",
    "half a head": b"GET /healthz HTTP/1.1\r\nhost: a\r\n",
    "no body": POST + b"content-length: 15\r\n\r\n",
    "half a body": POST + b'content-length: 15\r\n\r\n{"choices"',
    "half a chunk": POST + b'transfer-encoding: chunked\r\n\r\nf\r\n{"choices"',
}


@pytest.mark.parametrize("sent", TRICKLES.values(), ids=TRICKLES.keys())
async def test_who_does_not_go_on_is_hung_up_on(
    shared_service: Service, sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slow_clients, "REQUEST_SECONDS", 0.2)
    began = time.monotonic()
    assert await shared_service.say(sent) == b""
    assert time.monotonic() - began > 0.15


async def test_a_request_that_trickles_in_is_hung_up_on(
    shared_service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slow_clients, "REQUEST_SECONDS", 0.3)
    reader, writer = await asyncio.open_connection("127.0.0.1", shared_service.port)
    ended = asyncio.ensure_future(reader.read())
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not ended.done():
            with contextlib.suppress(ConnectionError):
                writer.write(b"G")
            await asyncio.wait({ended}, timeout=0.02)
    writer.close()
    await asyncio.gather(ended, return_exceptions=True)


async def test_an_idle_connection_may_ask_again_later(
    shared_service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slow_clients, "REQUEST_SECONDS", 0.1)

    async def may_pause() -> bool:
        """On a busy machine even a request takes too long now and then, but not for ever."""
        reader, writer = await asyncio.open_connection("127.0.0.1", shared_service.port)
        try:
            for _ in range(3):
                writer.write(b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n")
                await reader.readuntil(b'{"status":"ok"}')
                with contextlib.suppress(TimeoutError):  # nothing comes, not even a hang-up
                    async with asyncio.timeout(0.25):
                        assert await reader.read(1) == b""
                        return False
        except (asyncio.IncompleteReadError, ConnectionError):
            return False
        finally:
            writer.close()
        return True

    await eventually(may_pause)


async def test_a_body_that_pauses_too_long_is_shown_so(
    shared_service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_bodies, "BODY_TIMEOUT_SECONDS", 0.1)
    body = b'content-length: 15\r\nconnection: close\r\n\r\n{"choices"'
    check_problem(parse_answer(await shared_service.say(POST + body)), 400)


@pytest.mark.parametrize("path", [BALLOTS, SESSIONS])
async def test_who_leaves_in_the_middle_of_a_body_stores_nothing(
    shared_service: Service, path: str
) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", shared_service.port)
    writer.write(
        f"POST {path} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n"
        f"authorization: Bearer {shared_service.forged_session()}\r\n"
        'content-length: 15\r\n\r\n{"choices":[1]'.encode()
    )
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert (await shared_service.client.get("/healthz")).status_code == 200


async def test_a_vote_whose_voter_left_is_stored_and_the_retry_gets_its_receipt(
    service: Service,
) -> None:
    session = await service.open_session()
    _, writer = await asyncio.open_connection("127.0.0.1", service.port)
    body = b'{"choices":[2]}'
    writer.write(POST + f"authorization: Bearer {session}\r\n".encode())
    writer.write(b"content-length: 15\r\n\r\n" + body)
    await writer.drain()
    writer.close()

    async def is_stored() -> bool:
        return await service.stored_ballots() > 0

    await eventually(is_stored)
    retry = await service.cast(session, [2])
    assert retry.status_code == 200
    assert await service.stored_ballots() == 1


async def test_too_many_connections_are_asked_to_come_back(
    settings: Settings, clock: MovedClock
) -> None:
    async with running_service(settings, clock=clock, limit_concurrency=5) as service:
        waiting = [await asyncio.open_connection("127.0.0.1", service.port) for _ in range(5)]
        answer = await service.ask(CONTEST.encode())
        check_problem(answer, 503)
        assert int(answer.headers["retry-after"]) >= 1
        for _, writer in waiting:
            writer.close()
