"""A TCP proxy in front of a real server that counts messages and fails on command."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit, urlunsplit

_CHUNK = 1 << 16
_HOST = "127.0.0.1"

Match = Callable[[bytes], bool]
"""Whether a piece of a client's bytes is the request that is meant."""


def containing(*pieces: bytes) -> Match:
    return lambda data: all(piece in data for piece in pieces)


class TcpProxy:
    """Forwards to `url`'s server. A round trip is what a client sends between two answers."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname and parts.port
        self._target = parts.hostname, parts.port
        self._parts = parts
        self._server: asyncio.Server | None = None
        self._port = 0
        self._links: set[_Link] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._drop: Match | None = None
        self._deafen: Match | None = None
        self.answer_instead: bytes | None = None
        self.delay_seconds = 0.0
        self.round_trips = 0
        self.connections = 0
        self.requests = bytearray()

    @property
    def port(self) -> int:
        return self._port

    @property
    def url(self) -> str:
        credentials = self._parts.netloc.rpartition("@")[0]
        return urlunsplit(self._parts._replace(netloc=f"{credentials}@{_HOST}:{self._port}"))

    async def listen(self) -> None:
        """Accept connections, on the same port as before."""
        self._server = await asyncio.start_server(self._serve, _HOST, self._port, limit=_CHUNK)
        self._port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Cut every connection and refuse new ones until `listen`."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.cut()

    def cut(self) -> None:
        """Cut every connection."""
        for link in list(self._links):
            link.cut()

    def hang(self) -> None:
        """Hold all data in both directions until `flow`; accept new connections."""
        self._flowing.clear()

    def flow(self) -> None:
        self._flowing.set()

    def drop_next(self, match: Match) -> None:
        """Cut the connection of the next matching request before it reaches the server."""
        self._drop = match

    def deafen_next(self, match: Match) -> None:
        """Cut the connection of the next matching request once the server has answered.

        The request took effect, but the client does not know.
        """
        self._deafen = match

    def forget_rules(self) -> None:
        """Remove the rules of `drop_next` and `deafen_next`."""
        self._drop = self._deafen = None

    def forget(self) -> None:
        """Reset the counters."""
        self.round_trips = self.connections = 0
        self.requests.clear()

    async def close(self) -> None:
        self.flow()
        await self.refuse()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        link = _Link(self, writer)
        self._links.add(link)
        try:
            with suppress(OSError):
                await link.run(reader, *await asyncio.open_connection(*self._target))
        finally:
            link.cut()
            self._links.discard(link)

    async def pass_on(self, link: _Link, data: bytes, server: asyncio.StreamWriter) -> None:
        """A piece of the client's bytes on its way to the server."""
        if not link.asking:
            self.round_trips += 1
            link.asking = True
        self.requests += data
        await asyncio.sleep(self.delay_seconds)
        await self._flowing.wait()
        if self._drop is not None and self._drop(data):
            self._drop = None
            raise ConnectionAbortedError
        if self.answer_instead is not None:
            link.client.write(self.answer_instead)
            return
        if self._deafen is not None and self._deafen(data):
            self._deafen, link.deaf = None, True
        server.write(data)

    async def pass_back(self, link: _Link, data: bytes) -> None:
        """A piece of the server's answer on its way back."""
        await self._flowing.wait()
        if link.deaf:
            raise ConnectionAbortedError
        link.asking = False
        link.client.write(data)


class _Link:
    """One connection through the proxy."""

    def __init__(self, proxy: TcpProxy, client: asyncio.StreamWriter) -> None:
        self._proxy = proxy
        self.client = client
        self._server: asyncio.StreamWriter | None = None
        self.asking = False
        self.deaf = False

    async def run(
        self,
        from_client: asyncio.StreamReader,
        from_server: asyncio.StreamReader,
        server: asyncio.StreamWriter,
    ) -> None:
        """Forward until either end closes or a rule cuts the connection."""
        self._server = server

        async def forth() -> None:
            while data := await from_client.read(_CHUNK):
                await self._proxy.pass_on(self, data, server)

        async def back() -> None:
            while data := await from_server.read(_CHUNK):
                await self._proxy.pass_back(self, data)

        entries = [asyncio.create_task(forth()), asyncio.create_task(back())]
        try:
            await asyncio.wait(entries, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for entry in entries:
                entry.cancel()
            await asyncio.gather(*entries, return_exceptions=True)

    def cut(self) -> None:
        """The client sees a reset, the server a lost client."""
        for end in (self.client, self._server):
            if end is not None:
                end.transport.abort()


@asynccontextmanager
async def tcp_proxy(url: str) -> AsyncIterator[TcpProxy]:
    proxy = TcpProxy(url)
    await proxy.listen()
    try:
        yield proxy
    finally:
        await proxy.close()


def executed_statements(requests: bytes) -> int:
    """How many statements are in the typed messages that a Postgres client sent, in pieces that
    begin with a message: Execute and Query (frontend/backend protocol 3.0)."""
    statements = at = 0
    while at < len(requests):
        statements += requests[at : at + 1] in (b"E", b"Q")
        at += 1 + int.from_bytes(requests[at + 1 : at + 5], "big")
    assert at == len(requests)
    return statements
