"""Open event streams of one worker: how many there may be, and how changes reach them.

A stream is optional, a vote is not. So streams get at most half of the connections that a worker
may hold, and changes go out at a fixed pace: with more readers each gets them less often, and the
event loop never serves all of them at once.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache

from starlette.types import Receive

from voting_service.errors import Unavailable
from voting_service.infrastructure.ip_addresses import is_within, parse_address, to_networks
from voting_service.infrastructure.prepared_response import Prepared
from voting_service.infrastructure.tasks import run_forever
from voting_service.settings import Settings
from voting_service.sites.shared.client_address import client_address
from voting_service.voting import metrics
from voting_service.voting.tally.standings import StandingsCache

STREAMS_SHARE = 0.5
"""The part of a worker's connections that may be streams."""
NETWORK_SHARE = 0.1
"""The part of the streams that one network may have. Readers who get none poll instead."""
SLICE = 10
SLICE_SECONDS = 0.01
"""So many streams are looked at in so much time: 1,000 a second, some 3% of a core. Ten thousand
readers get every tenth of the standings that change every second."""
HEARTBEAT_SECONDS = 15.0
"""Interval of comment lines, which keep proxies from closing silent connections."""
SLOW_SECONDS = 30.0
"""A reader that has not taken a message for so long is disconnected."""
RETRY_AFTER_SECONDS = 5

Deliver = Callable[[bytes], Awaitable[None]]


class Stream:
    """One open stream. `over` is done when it must end."""

    def __init__(self, cache: StandingsCache, shown: Prepared, deliver: Deliver) -> None:
        loop = asyncio.get_running_loop()
        self.over: asyncio.Future[None] = loop.create_future()
        self._cache = cache
        self._shown = shown
        self._deliver = deliver
        self._delivery: asyncio.Future[None] | None = None
        self._sent_at = loop.time()

    def end(self) -> None:
        """End the stream."""
        if not self.over.done():
            self.over.set_result(None)
        if self._delivery is not None:
            self._delivery.cancel()

    def look(self, now: float) -> None:
        """Send the standings if they have changed, or a sign of life; never wait for the reader."""
        silent_seconds = now - self._sent_at
        if self._delivery is not None and not self._delivery.done():
            if silent_seconds > SLOW_SECONDS:
                self.end()
            return
        try:
            shown = self._cache.shown()
        except Unavailable:  # the next request gets the reason
            self.end()
            return
        if shown is not self._shown:
            self._send(message(shown), now)
            self._shown = shown
        elif silent_seconds > HEARTBEAT_SECONDS:
            self._send(b": still here\n\n", now)

    def _send(self, body: bytes, now: float) -> None:
        self._sent_at = now
        self._delivery = asyncio.ensure_future(self._deliver(body))
        self._delivery.add_done_callback(self._delivered)

    def _delivered(self, delivery: asyncio.Future[None]) -> None:
        if not delivery.cancelled() and delivery.exception() is not None:
            self.end()


def message(shown: Prepared) -> bytes:
    """Return the event that carries the standings."""
    return b"event: standings\ndata: " + shown.body + b"\n\n"


class EventStreams:
    """The open streams, at most `limit`."""

    def __init__(self, limit: int, settings: Settings) -> None:
        self.limit = limit
        self.count = 0
        self._by_network: Counter[str] = Counter()
        self._settings = settings
        self._streams: deque[Stream] = deque()
        self._some = asyncio.Event()
        self._network = lru_cache(maxsize=4096)(self._read_network)

    @contextmanager
    def place(self, peer: str, forwarded_for: str) -> Iterator[None]:
        """Keep a place for a stream inside the block. Raises Unavailable if there are too many, of
        this client's network or of all."""
        network = self._network(peer, forwarded_for)
        per_network = max(1, int(self.limit * NETWORK_SHARE))
        if self.count >= self.limit or (network and self._by_network[network] >= per_network):
            raise Unavailable(
                "sites.public.api.too_many_event_readers", retry_after_seconds=RETRY_AFTER_SECONDS
            )
        self._change(network, 1)
        try:
            yield
        finally:
            self._change(network, -1)

    def _change(self, network: str, by: int) -> None:
        self.count += by
        metrics.STANDINGS_READERS.set(self.count)
        self._by_network[network] += by
        if not self._by_network[network]:
            del self._by_network[network]

    def _read_network(self, peer: str, forwarded_for: str) -> str:
        """Return the client's /24 or /48; "" for exempt ones: a proxy that hides its clients."""
        try:
            address = parse_address(
                client_address(peer, forwarded_for, self._settings.trusted_proxies)
            )
        except ValueError:
            return ""
        exempt = is_within(address, self._settings.exempt_networks)
        return "" if exempt else str(to_networks(address)[-1])

    async def until_over(self, stream: Stream, receive: Receive) -> None:
        """Send a stream the changes from now on; return when it is over or its reader has left."""

        async def until_gone() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass

        self._streams.append(stream)
        self._some.set()
        gone = asyncio.ensure_future(until_gone())
        try:
            await asyncio.wait({gone, stream.over}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            stream.end()

    async def run(self, closing: asyncio.Event) -> None:
        """Look at every stream in turn until cancelled; end all when the worker closes."""

        async def look_at_some() -> None:
            await self._some.wait()
            await asyncio.sleep(SLICE_SECONDS)
            if closing.is_set():
                for stream in self._streams:
                    stream.end()
            now = asyncio.get_running_loop().time()
            for _ in range(min(SLICE, len(self._streams))):
                stream = self._streams.popleft()
                if not stream.over.done():
                    self._streams.append(stream)  # first: an error of one must not lose its reader
                    stream.look(now)
            if not self._streams:
                self._some.clear()

        await run_forever("event streams", look_at_some)
