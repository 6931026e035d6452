"""One round of load on one server, from a process of its own.

    python -m loadtests.rounds < round.json

reads a `Round`, prints an `Outcome`. A closed loop keeps every connection busy for the round;
with `rate` set, requests are due at fixed moments and latency counts from when a request was
due, so that a stall of the server is not hidden.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import subprocess
import sys
from array import array
from collections import Counter, deque
from collections.abc import Iterator
from time import perf_counter, process_time

import msgspec
import uvloop

from loadtests.http_client import Response, Target, Wire
from loadtests.voters import Minting, minted_tokens


class Votes(msgspec.Struct, frozen=True, tag="votes"):
    """Requests of a new voter each: `prefix` + session + `suffix`."""

    minting: Minting
    prefix: bytes
    suffixes: list[bytes]


class Same(msgspec.Struct, frozen=True, tag="same"):
    """The same request every time."""

    request: bytes


class Several(msgspec.Struct, frozen=True, tag="several"):
    """These requests in turn."""

    requests: list[bytes]


class Round(msgspec.Struct, frozen=True):
    """The requests, the target and the length of a round."""

    address: str
    requests: Votes | Same | Several
    connections: int
    seconds: float
    rate: float | None = None
    expected_status: int = 201


class Outcome(msgspec.Struct):
    """The answers of a round; latencies in milliseconds, of expected answers only."""

    seconds: float
    statuses: dict[int, int]
    lost: int
    expected: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float
    client_cpu_seconds: float

    @property
    def per_second(self) -> float:
        return self.expected / self.seconds

    @property
    def unexpected(self) -> int:
        return sum(self.statuses.values()) - self.expected + self.lost


def percentile(ordered: list[float], share: float) -> float:
    """Return the nearest-rank percentile of a sorted list; 0 for an empty one."""
    if not ordered:
        return 0.0
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _stream(requests: Votes | Same | Several) -> Iterator[bytes]:
    if isinstance(requests, Same):
        return itertools.repeat(requests.request)
    if isinstance(requests, Several):
        return itertools.cycle(requests.requests)
    suffixes = itertools.cycle(random.Random(1).sample(requests.suffixes, len(requests.suffixes)))
    return (
        requests.prefix + token + suffix
        for token, suffix in zip(minted_tokens(requests.minting), suffixes, strict=False)
    )


class _Driver:
    """Keeps the connections busy and records the answers.

    Uses `perf_counter`: the event loop's clock does not advance within an iteration.
    """

    def __init__(self, round_: Round) -> None:
        self._round = round_
        self._requests = _stream(round_.requests)
        self._loop = asyncio.get_running_loop()
        self._latencies = array("d")
        self._statuses: Counter[int] = Counter()
        self._idle: deque[Wire] = deque()
        self._due: deque[float] = deque()
        self._in_flight = 0
        self._lost = 0
        self._ends_at = float("inf")
        self._drained = asyncio.Event()
        self._finished_at = 0.0

    async def run(self) -> Outcome:
        target = Target.of(self._round.address)
        wires = []
        for _ in range(self._round.connections):
            _, wire = await self._loop.create_connection(
                lambda: Wire(self._on_response, self._on_lost), target.host, target.port
            )
            wires.append(wire)
        begins_at = perf_counter()
        self._ends_at = begins_at + self._round.seconds
        if self._round.rate is None:
            for wire in wires:
                self._send(wire, perf_counter())
        else:
            self._idle.extend(wires)
            await self._send_at_rate(begins_at, self._round.rate)
        await asyncio.wait_for(self._drained.wait(), self._round.seconds + 60)
        for wire in wires:
            wire.close()
        return self._outcome(self._finished_at - begins_at)

    async def _send_at_rate(self, begins_at: float, rate: float) -> None:
        sent, total = 0, int(rate * self._round.seconds)
        while sent < total:
            now = perf_counter()
            for number in range(sent, min(total, int((now - begins_at) * rate) + 1)):
                due = begins_at + number / rate
                if self._idle:
                    self._send(self._idle.popleft(), due)
                else:
                    self._due.append(due)
                sent = number + 1
            await asyncio.sleep(0.001)
        self._ends_at = 0.0
        self._note_drained()

    def _send(self, wire: Wire, due: float) -> None:
        self._in_flight += 1
        wire.send(next(self._requests), due)

    def _on_response(self, wire: Wire, response: Response) -> None:
        now = perf_counter()
        self._in_flight -= 1
        self._statuses[response.status] += 1
        if response.status == self._round.expected_status:
            self._latencies.append(now - wire.sent_at)
        if self._round.rate is None:
            if now < self._ends_at:
                self._send(wire, now)
        elif self._due:
            self._send(wire, self._due.popleft())
        else:
            self._idle.append(wire)
        self._note_drained()

    def _on_lost(self, wire: Wire) -> None:
        if wire.busy and not self._drained.is_set():
            self._lost += 1
            self._in_flight -= 1
            self._note_drained()

    def _note_drained(self) -> None:
        if self._in_flight == 0 and not self._due and perf_counter() >= self._ends_at:
            self._finished_at = perf_counter()
            self._drained.set()

    def _outcome(self, seconds: float) -> Outcome:
        ordered = sorted(self._latencies)
        return Outcome(
            seconds=seconds,
            statuses=dict(self._statuses),
            lost=self._lost,
            expected=len(ordered),
            p50_ms=percentile(ordered, 0.50) * 1000,
            p95_ms=percentile(ordered, 0.95) * 1000,
            p99_ms=percentile(ordered, 0.99) * 1000,
            max_ms=(ordered[-1] if ordered else 0.0) * 1000,
            client_cpu_seconds=process_time(),
        )


async def _drive(round_: Round) -> Outcome:
    return await _Driver(round_).run()


def run_round(round_: Round) -> Outcome:
    """Run a round in a new process. Raises CalledProcessError if it fails."""
    finished = subprocess.run(
        [sys.executable, "-m", "loadtests.rounds"],
        input=msgspec.json.encode(round_),
        stdout=subprocess.PIPE,
        check=True,
    )
    return msgspec.json.decode(finished.stdout, type=Outcome)


def main() -> None:
    round_ = msgspec.json.decode(sys.stdin.buffer.read(), type=Round)
    outcome = uvloop.run(_drive(round_))
    sys.stdout.buffer.write(msgspec.json.encode(outcome))


if __name__ == "__main__":
    main()
