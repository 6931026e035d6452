"""The measuring client: what it sends, what it understands, what it refuses."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.http_client import (
    Caller,
    ConnectionLostError,
    Response,
    Target,
    prepare,
    take_response,
)

ANSWER = b"HTTP/1.1 201 Created\r\ncontent-type: application/json\r\nContent-Length: 2\r\n\r\n{}"


def test_a_prepared_request_is_complete() -> None:
    request = prepare("POST", "/x", headers={"authorization": "Bearer s"}, body=b'{"a":1}')
    head, _, body = request.partition(b"\r\n\r\n")
    assert head.split(b"\r\n") == [
        b"POST /x HTTP/1.1",
        b"host: 127.0.0.1",
        b"authorization: Bearer s",
        b"content-type: application/json",
        b"content-length: 7",
    ]
    assert body == b'{"a":1}'


def test_a_request_without_a_body_has_no_length() -> None:
    assert prepare("GET", "/") == b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"


@given(st.integers(0, len(ANSWER) - 1))
def test_an_incomplete_answer_is_waited_for(length: int) -> None:
    assert take_response(ANSWER[:length]) is None


@given(st.binary(max_size=50))
def test_what_follows_an_answer_is_left(rest: bytes) -> None:
    taken = take_response(ANSWER + rest)
    assert taken is not None
    response, left = taken
    assert (response.status, response.body, left) == (201, b"{}", rest)
    assert response.header("content-type") == "application/json"
    assert response.header("Content-Length") == "2"
    assert response.header("etag") is None


def test_304_has_no_body() -> None:
    taken = take_response(b'HTTP/1.1 304 Not Modified\r\netag: "a"\r\n\r\nHTTP')
    assert taken == (Response(304, b'HTTP/1.1 304 Not Modified\r\netag: "a"', b""), b"HTTP")


def test_an_answer_of_unknown_length_is_refused() -> None:
    with pytest.raises(ValueError, match="content-length"):
        take_response(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n")


async def test_a_caller_connects_again_after_its_connection_was_lost() -> None:
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        if connections == 1:
            await reader.readuntil(b"\r\n\r\n")
        else:
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(ANSWER)
                if connections == 3:
                    break
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        caller = Caller(Target.of(f"http://127.0.0.1:{port}"))
        with pytest.raises(ConnectionLostError):
            await caller.call(prepare("GET", "/"))
        assert (await caller.call(prepare("GET", "/"))).status == 201
        assert (await caller.call(prepare("GET", "/"))).body == b"{}"
        assert connections == 2
        caller.close()


async def test_a_caller_gives_up_on_a_silent_server() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        caller = Caller(Target("127.0.0.1", port), timeout_seconds=0.05)
        with pytest.raises(ConnectionLostError, match=r"0\.05 s"):
            await caller.call(prepare("GET", "/"))


def test_only_http_addresses_are_taken() -> None:
    with pytest.raises(ValueError, match="http://"):
        Target.of("https://127.0.0.1")
