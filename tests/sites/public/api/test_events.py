"""The standings as server-sent events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from ipaddress import IPv4Network
from typing import Any, cast

import httpx
import pytest

from tests.patience import PATIENCE_SECONDS, eventually
from tests.sites.public.api.running_service import (
    ORIGIN,
    STANDINGS,
    MovedClock,
    Service,
    check_problem,
    parse_answer,
    running_service,
)
from voting_service.infrastructure.prepared_response import Prepared
from voting_service.settings import Settings
from voting_service.sites.public import event_streams
from voting_service.voting.tally import standings as tally_standings
from voting_service.voting.tally.standings import StandingsCache

EVENTS = f"{STANDINGS}/events"


class Stream:
    """Messages of an open event stream, one at a time."""

    def __init__(self, parts: AsyncIterator[str]) -> None:
        self._parts = parts
        self._text = ""

    async def message(self) -> str:
        """The next message, comments included; "" at the end of the stream."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while "\n\n" not in self._text:
                try:
                    self._text += await anext(self._parts)
                except StopAsyncIteration:
                    return ""
        message, _, self._text = self._text.partition("\n\n")
        return message

    async def standings(self) -> dict[str, Any]:
        """The next standings; what comes before is left out."""
        while message := await self.message():
            name, _, data = message.partition("\n")
            if name == "event: standings":
                shown: dict[str, Any] = json.loads(data.removeprefix("data: "))
                return shown
        raise AssertionError("the stream ended")


@asynccontextmanager
async def reading(service: Service, **headers: str) -> AsyncIterator[Stream]:
    async with service.client.stream("GET", EVENTS, headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        yield Stream(answer.aiter_text())


async def test_the_first_message_is_what_is_shown_now(service: Service) -> None:
    shown = (await service.client.get(STANDINGS)).json()
    async with reading(service) as stream:
        assert await stream.standings() == shown


async def test_a_stream_ends_when_the_counts_are_withdrawn(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tally_standings, "RECORD_REFRESH_SECONDS", 0.0)
    await service.reconcile()
    async with reading(service) as stream:
        await stream.standings()
        await service.database.execute("update tally_floors set cluster = 1")
        while message := await stream.message():
            assert message.startswith(":")
    assert (await service.client.get(EVENTS)).status_code == 503


async def test_the_next_message_comes_with_the_next_count(service: Service) -> None:
    async with reading(service) as stream, reading(service) as other:
        assert (await stream.standings())["ballots"] == 0
        assert (await other.standings())["ballots"] == 0
        for ballots in (1, 2, 3):
            assert (await service.cast(await service.open_session(), [2])).status_code == 201
            await service.reconcile()
            for item in (stream, other):
                shown = await item.standings()
                assert shown["ballots"] == ballots
                assert shown["candidates"][0]["votes"] == ballots


async def test_silence_is_broken_by_a_comment(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_streams, "HEARTBEAT_SECONDS", 0.05)
    async with reading(service) as stream:
        messages = [await stream.message() for _ in range(4)]
    assert messages[0] == "retry: 3000"
    assert messages[1].startswith("event: standings\n")
    assert messages[2:] == [": still here"] * 2


async def test_streams_end_at_once_when_the_worker_must_stop(service: Service) -> None:
    async with reading(service) as stream:
        await stream.standings()
        service.state.closing.set()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await stream.message():
                pass


async def test_readers_that_leave_are_forgotten(service: Service) -> None:
    async with reading(service) as stream:
        await stream.standings()
        assert service.state.streams.count == 1
    await eventually(lambda: not service.state.streams.count)


async def test_too_many_readers_are_asked_to_poll_and_votes_are_taken(
    settings: Settings, clock: MovedClock
) -> None:
    behind_proxy = settings.model_copy(
        update={"trusted_proxies": (IPv4Network("127.0.0.1/32"),), "exempt_networks": ()}
    )
    async with running_service(behind_proxy, clock=clock) as service, AsyncExitStack() as writers:
        service.state.streams.limit = 12  # one a network
        refused = [
            *[
                await opened(service, "192.0.2.1", writers),
                await opened(service, "192.0.2.200", writers),
            ],
            *[await opened(service, f"198.51.{network}.1", writers) for network in range(13)],
        ]
        assert [answer is None for answer in refused] == [True, False, *[True] * 11, False, False]
        for answer in filter(None, refused):
            check_problem(answer, 503)
            assert answer.headers["retry-after"] == "5"
            assert answer.headers["connection"] == "close", "it makes room for a vote"
        assert service.state.streams.count == 12
        assert (await service.cast(await service.open_session(), [1])).status_code == 201
        service.state.closing.set()
        await eventually(lambda: not service.state.streams.count)


async def opened(service: Service, address: str, writers: AsyncExitStack) -> httpx.Response | None:
    """Opens a stream from an address and leaves it open; returns the answer that refuses it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
    writers.callback(writer.close)
    writer.write(f"GET {EVENTS} HTTP/1.1\r\nhost: x\r\nx-forwarded-for: {address}\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    if head.startswith(b"HTTP/1.1 200"):
        await reader.readuntil(b"event: standings")
        return None
    length = int(parse_answer(head).headers["content-length"])
    return parse_answer(head + await reader.readexactly(length))


async def test_a_reader_that_takes_nothing_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for it, and no second message is kept for it."""
    cache, never = FakeCache(), asyncio.Event()
    sent: list[bytes] = []

    async def deliver(body: bytes) -> None:
        sent.append(body)
        await never.wait()

    stream = event_streams.Stream(cast(StandingsCache, cache), cache.shown(), deliver)
    now = asyncio.get_running_loop().time()
    for seconds, messages, is_over in ((0, 0, False), (1, 1, False), (29, 1, False), (32, 1, True)):
        cache.change()
        if not seconds:
            stream._shown = cache.shown()
        stream.look(now + seconds)
        await asyncio.sleep(0)
        assert (len(sent), stream.over.done()) == (messages, is_over), seconds


class FakeCache:
    """Standings that change whenever a test likes."""

    def __init__(self) -> None:
        self._version = 0

    def change(self) -> None:
        self._version += 1
        self._shown = Prepared.of({"version": self._version})

    def shown(self) -> Prepared:
        if not self._version:
            self.change()
        return self._shown


async def test_an_unknown_contest_has_no_events(shared_service: Service) -> None:
    check_problem(await shared_service.client.get("/api/v1/contests/nobody/standings/events"), 404)


async def test_a_platforms_page_may_read_the_events(service: Service) -> None:
    async with service.client.stream("GET", EVENTS, headers={"origin": ORIGIN}) as answer:
        assert answer.headers["access-control-allow-origin"] == ORIGIN
