"""A connection pooler that speaks PostgreSQL's protocol, as PgBouncer does as far as it matters.

It refuses a session that names a parameter it does not know. In transaction mode all clients share
one session of the server, each for the time of one transaction.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit, urlunsplit

_SSL_REQUEST = 80877103
_KNOWN = {b"user", b"database", b"application_name", b"client_encoding"}
_ASKS_CLIENT = (10, 11)
"""Kinds of authentication message that the client answers."""


class Pooler:
    """Stands before the server of `url`."""

    def __init__(self, url: str, *, transaction_mode: bool) -> None:
        self._parts = urlsplit(url)
        self._transaction_mode = transaction_mode
        self._shared: asyncio.StreamWriter | None = None
        self._turn = asyncio.Lock()
        self._owner: asyncio.StreamWriter | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []
        self._listening: asyncio.Server | None = None
        self._port = 0

    @property
    def url(self) -> str:
        credentials = self._parts.netloc.rpartition("@")[0]
        return urlunsplit(self._parts._replace(netloc=f"{credentials}@127.0.0.1:{self._port}"))

    async def listen(self) -> None:
        self._listening = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._port = self._listening.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        with suppress(OSError, asyncio.IncompleteReadError):
            startup = await _startup(reader, writer)
            names = set(startup[8:].split(b"\0")[::2]) - {b""}
            if unknown := names - _KNOWN:
                message = b"unsupported startup parameter: " + sorted(unknown)[0]
                fields = b"SFATAL\0VFATAL\0C08P01\0M" + message + b"\0\0"
                writer.write(b"E" + struct.pack("!i", len(fields) + 4) + fields)
                writer.close()
                return
            server = await asyncio.open_connection(self._parts.hostname, self._parts.port)
            self._writers.append(server[1])
            server[1].write(startup)
            await _authenticate((reader, writer), server)
            if not self._transaction_mode:
                self._start(_pump(server[0], writer))
                await _pump(reader, server[1])
            else:
                await self._take_turns(reader, writer, server)
        writer.close()

    async def _take_turns(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        server: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        if self._shared is None:
            self._shared = server[1]
            self._start(self._answer(server[0]))
        while True:
            kind, message = await _message(reader)
            if kind == b"X":
                return
            if self._owner is not writer:
                await self._turn.acquire()
                self._owner = writer
            self._shared.write(message)

    async def _answer(self, server: asyncio.StreamReader) -> None:
        """Pass answers to the client whose turn it is, which ends outside of a transaction."""
        with suppress(asyncio.IncompleteReadError, OSError):
            while True:
                kind, message = await _message(server)
                if self._owner is not None:
                    self._owner.write(message)
                if kind == b"Z" and message.endswith(b"I"):
                    self._owner = None
                    self._turn.release()

    def _start(self, work: Coroutine[None, None, None]) -> None:
        self._tasks.add(asyncio.create_task(work))

    async def close(self) -> None:
        if self._listening is not None:
            self._listening.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._writers:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


async def _startup(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    while True:
        size = await reader.readexactly(4)
        body = await reader.readexactly(struct.unpack("!i", size)[0] - 4)
        if struct.unpack("!i", body[:4])[0] != _SSL_REQUEST:
            return size + body
        writer.write(b"N")


async def _message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readexactly(5)
    return head[:1], head + await reader.readexactly(struct.unpack("!i", head[1:])[0] - 4)


async def _authenticate(
    client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    server: tuple[asyncio.StreamReader, asyncio.StreamWriter],
) -> None:
    while True:
        kind, message = await _message(server[0])
        client[1].write(message)
        if kind == b"Z":
            return
        if kind == b"R" and struct.unpack("!i", message[5:9])[0] in _ASKS_CLIENT:
            server[1].write((await _message(client[0]))[1])


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def running_pooler(url: str, *, transaction_mode: bool = False) -> AsyncIterator[Pooler]:
    """Run a pooler on a free port."""
    pooler = Pooler(url, transaction_mode=transaction_mode)
    await pooler.listen()
    try:
        yield pooler
    finally:
        await pooler.close()
