"""Calls to other servers: what comes back is bounded in time, size and place."""

from __future__ import annotations

import asyncio
import gzip
import itertools
from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from tests.patience import PATIENCE_SECONDS
from voting_service.errors import Unavailable
from voting_service.infrastructure.http_clients.client import (
    MAX_ANSWER_BYTES,
    MAX_CALLS_PER_HOST,
    Answer,
    BoundedClient,
    open_http_client,
)

URL = "https://provider.example/token"
Handler = Callable[[httpx.Request], httpx.Response]


class Stream(httpx.AsyncByteStream):
    """A body without an end; counts how much of it was read."""

    def __init__(self) -> None:
        self.read = 0
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            self.read += 1024
            yield b" " * 1024

    async def aclose(self) -> None:
        self.closed = True


def outside(handler: Handler) -> BoundedClient:
    return BoundedClient(
        httpx.AsyncClient(transport=httpx.MockTransport(handler), follow_redirects=True)
    )


async def test_the_answer_comes_with_its_status() -> None:
    answer = await outside(lambda _: httpx.Response(418, stream=httpx.ByteStream(b"tea"))).get(URL)
    assert answer == Answer(418, b"tea")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed_even_by_a_client_that_would(status: int) -> None:
    requests: list[str] = []

    def redirect(request: httpx.Request) -> httpx.Response:
        requests.append(str(request.url))
        return httpx.Response(status, headers={"location": "http://127.0.0.1:6379/"})

    with pytest.raises(Unavailable, match=r"^provider\.example answered with a redirect"):
        await outside(redirect).post_form(URL, {"code": "c"}, user="u", password="p")
    assert requests == [URL]


async def test_an_endless_answer_is_cut_off_and_closed() -> None:
    stream = Stream()
    with pytest.raises(Unavailable, match=rf"answered with more than {MAX_ANSWER_BYTES} bytes$"):
        await outside(lambda _: httpx.Response(200, stream=stream)).get(URL)
    assert stream.read <= MAX_ANSWER_BYTES + 1024
    assert stream.closed


async def test_an_answer_of_the_largest_size_is_taken() -> None:
    full = b" " * MAX_ANSWER_BYTES
    assert (
        await outside(lambda _: httpx.Response(200, stream=httpx.ByteStream(full))).get(URL)
    ).body == full


async def test_a_packed_answer_is_neither_asked_for_nor_unpacked() -> None:
    requests: list[str] = []

    def bomb(request: httpx.Request) -> httpx.Response:
        requests.append(request.headers["accept-encoding"])
        packed = gzip.compress(b" " * 10_000_000)
        return httpx.Response(200, stream=httpx.ByteStream(packed), headers=GZIP)

    with pytest.raises(Unavailable, match=r"in an encoding that was not requested$"):
        await outside(bomb).get(URL)
    assert requests == ["identity"]


GZIP = {"content-encoding": "gzip"}


@pytest.mark.parametrize(
    "fault",
    [
        httpx.ConnectTimeout("planted"),
        httpx.ReadTimeout("planted"),
        httpx.PoolTimeout("planted"),
        httpx.ConnectError("planted"),
        httpx.RemoteProtocolError("planted"),
        httpx.ReadError("planted"),
    ],
    ids=lambda fault: type(fault).__name__,
)
async def test_every_fault_on_the_way_is_an_outage_without_details(fault: Exception) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise fault

    with pytest.raises(Unavailable, match=r"^provider\.example cannot be reached") as outage:
        await outside(fail).get(URL, {"secret": "planted"})
    assert "planted" not in str(outage.value)
    assert outage.value.__suppress_context__


async def test_slow_servers_take_no_connection_from_another() -> None:
    """Two with every call that they may have: the third answers all the same."""
    released = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if b"/slow" in await reader.readuntil(b"\r\n\r\n"):
            await released.wait()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        writer.close()

    servers = [await asyncio.start_server(answer, "127.0.0.1", 0) for _ in range(3)]
    first, second, third = (
        f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}" for server in servers
    )
    async with open_http_client() as client:
        calls = BoundedClient(client, deadline_seconds=PATIENCE_SECONDS)
        slow = [
            asyncio.create_task(calls.get(f"{address}/slow"))
            for address in (first, second)
            for _ in range(MAX_CALLS_PER_HOST)
        ]
        assert (await calls.get(third)).status == 200
        assert not any(task.done() for task in slow)
        released.set()
        assert {(await task).status for task in slow} == {200}
    for server in servers:
        server.close()


async def test_calls_that_ended_make_room_however_they_ended() -> None:
    statuses = itertools.cycle([200, 302])

    def answer(request: httpx.Request) -> httpx.Response:
        stream = httpx.ByteStream(b"")
        return httpx.Response(next(statuses), headers={"location": "/"}, stream=stream)

    calls = outside(answer)
    for _ in range(MAX_CALLS_PER_HOST):
        assert (await calls.get(URL)).status == 200
        with pytest.raises(Unavailable, match=r"redirect"):
            await calls.get(URL)
