"""Votes beside what is optional: idle event streams, dear pages, few descriptors.

    python -m loadtests.starving [--streams 20000] [--descriptors 1024] [--pages 400] [--pairs 3]

Votes come at a fixed rate, first alone and then with the load beside them, in pairs one after the
other. Prints the votes' latency of both, and how the load was answered. Exits with 1 if their p99
with the streams is more than twice the quiet one, or if a vote was not confirmed.
"""

from __future__ import annotations

import asyncio
import os
import random
import resource
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from statistics import median
from typing import Any, NamedTuple, cast

import click
import httpx
import uvloop

from loadtests import CONTEST
from loadtests.http_client import prepare
from loadtests.measure import ballot_requests
from loadtests.report import machine_line
from loadtests.rounds import Outcome, Round, Several, run_round
from loadtests.stand import Stand, open_stand
from loadtests.voters import minted
from loadtests.waiting import seconds_until
from voting_service.demo.embedded_server import HOST

EVENTS = f"/api/v1/contests/{CONTEST}/standings/events"
CONNECTIONS = 64
REST_SECONDS = 3.0
RECEIPTS = 100
AT_ONCE = 100
OWN_DESCRIPTORS = 200
"""Of this process, besides the streams."""

Load = AbstractAsyncContextManager[Counter[str]]


class IdleReader(asyncio.Protocol):
    """A reader of the events that notes the status of its answer and ignores the rest."""

    def __init__(self, answered: Callable[[str], None], number: int) -> None:
        self._answered: Callable[[str], None] | None = answered
        self._address = f"100.{64 + number // 65_536}.{number // 256 % 256}.{number % 256}"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        lines = f"GET {EVENTS} HTTP/1.1\r\nhost: x\r\nx-forwarded-for: {self._address}\r\n\r\n"
        cast(asyncio.Transport, transport).write(lines.encode())

    def data_received(self, data: bytes) -> None:
        self._answer(data[9:12].decode("ascii", "replace"))

    def connection_lost(self, exc: Exception | None) -> None:
        self._answer("reset")

    def _answer(self, status: str) -> None:
        answered, self._answered = self._answered, None
        if answered is not None:
            answered(status)


@asynccontextmanager
async def idle_streams(stand: Stand, count: int) -> AsyncIterator[Counter[str]]:
    """Hold that many event streams open, of as many addresses; yield the answers by status."""
    loop, statuses, transports = asyncio.get_running_loop(), Counter[str](), []

    def note(status: str) -> None:
        statuses[status] += 1

    async def open_one(number: int) -> None:
        # A loopback address has 28,000 ports, and those of the votes' connections are among them.
        here = (f"127.0.0.{2 + number % 4}", 0)
        transport, _ = await loop.create_connection(
            lambda: IdleReader(note, number), HOST, stand.port, local_addr=here
        )
        transports.append(transport)

    for start in range(0, count, AT_ONCE):
        numbers = range(start, min(count, start + AT_ONCE))
        await asyncio.gather(*map(open_one, numbers), return_exceptions=True)
    await seconds_until(lambda: _is(statuses.total() >= len(transports)), 60)
    yield statuses
    for transport in transports:
        transport.close()


async def receipt_pages(stand: Stand) -> list[str]:
    """Cast votes; return the addresses of the pages of their receipts."""
    pages = []
    async with httpx.AsyncClient(base_url=stand.address()) as client:
        for _ in range(RECEIPTS):
            session = minted(await stand.minting(), os.urandom(16))
            cast = await client.post(
                f"/api/v1/contests/{CONTEST}/ballots",
                json={"choices": random.sample(range(1, 51), 3)},
                headers={"authorization": f"Bearer {session}"},
            )
            pages.append(f"/zh/{CONTEST}/receipts/{cast.json()['receipt']['ballot']}")
    return pages


@asynccontextmanager
async def dear_pages(stand: Stand, rate: float, seconds: float) -> AsyncIterator[Counter[str]]:
    """Read receipts, as pages and pictures, the cut and the notices at a rate in all."""
    pages = [f"/zh/{CONTEST}/cut", "/zh/notices"]
    for page in await receipt_pages(stand):
        pages += [page, f"{page}/picture.svg"]
    round_ = Round(
        address=stand.address(),
        requests=Several([prepare("GET", page, headers={"accept": "text/html"}) for page in pages]),
        connections=CONNECTIONS,
        seconds=seconds,
        rate=rate,
        expected_status=200,
    )
    reading = asyncio.create_task(asyncio.to_thread(run_round, round_))
    statuses = Counter[str]()
    yield statuses
    outcome = await reading
    statuses.update({str(status): count for status, count in outcome.statuses.items()})


async def _is(value: bool) -> bool:
    return value


async def vote(stand: Stand, rate: float, seconds: float) -> Outcome:
    """Cast votes at a rate; return their outcome."""
    requests = ballot_requests(await stand.minting())
    round_ = Round(stand.address(), requests, CONNECTIONS, seconds, rate)
    return await asyncio.to_thread(run_round, round_)


class Beside:
    """The votes' latency in pairs: quiet, and with a load beside them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.quiet: list[Outcome] = []
        self.loaded: list[Outcome] = []

    @property
    def ratio(self) -> float:
        """How many times the quiet p99 the p99 is with the load: the median of the pairs."""
        pairs = zip(self.quiet, self.loaded, strict=True)
        return median(loaded.p99_ms / quiet.p99_ms for quiet, loaded in pairs)

    @property
    def unconfirmed(self) -> int:
        return sum(outcome.unexpected for outcome in (*self.quiet, *self.loaded))

    def show(self, load: Counter[str]) -> None:
        """Print the newest pair."""
        for state, outcome in (("quiet", self.quiet[-1]), (self.name, self.loaded[-1])):
            click.echo(
                f"{state:34} p50 {outcome.p50_ms:7.1f}  p99 {outcome.p99_ms:7.1f}  "
                f"max {outcome.max_ms:7.1f} ms  {outcome.expected:6} confirmed, "
                f"{outcome.unexpected} not"
            )
        click.echo(f"{'':34} the load was answered {dict(load)}")


class Plan(NamedTuple):
    """How many votes a second, for how long and how often; and the load beside them."""

    rate: float
    seconds: float
    pairs: int
    streams: int
    pages: float
    descriptors: int | None


async def measure(stand: Stand, beside: Beside, load: Callable[[], Load], plan: Plan) -> None:
    """Measure pairs of rounds and print them."""
    for _ in range(plan.pairs):
        beside.quiet.append(await vote(stand, plan.rate, plan.seconds))
        async with load() as statuses:
            await asyncio.sleep(REST_SECONDS)
            beside.loaded.append(await vote(stand, plan.rate, plan.seconds))
        beside.show(statuses)
        await asyncio.sleep(REST_SECONDS)
    click.echo(f"median ratio of the p99: {beside.ratio:.2f}")


async def run(plan: Plan) -> bool:
    """Run every part; return whether every vote was confirmed, and their p99 beside the streams at
    most twice the quiet one."""
    good = True
    async with open_stand(workers=os.cpu_count() or 1, descriptors=plan.descriptors) as stand:
        await vote(stand, plan.rate, 2.0)
        if plan.streams:
            beside = Beside(f"{plan.streams:,} idle event streams")
            await measure(stand, beside, lambda: idle_streams(stand, plan.streams), plan)
            good = beside.ratio <= 2 and not beside.unconfirmed
        if plan.pages:
            beside = Beside(f"{plan.pages:g} dear pages a second")
            seconds = plan.seconds + 2 * REST_SECONDS
            await measure(stand, beside, lambda: dear_pages(stand, plan.pages, seconds), plan)
            good = good and not beside.unconfirmed
    return good


def raise_descriptors() -> int:
    """Raise this process's limit of open files as far as it goes; return it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


@click.command()
@click.option("--streams", default=20_000, show_default=True)
@click.option("--pages", default=400.0, show_default=True, help="Dear pages a second.")
@click.option("--descriptors", type=click.IntRange(256), help="The service's limit of open files.")
@click.option("--rate", default=200.0, show_default=True, help="Votes a second.")
@click.option("--seconds", default=10.0, show_default=True)
@click.option("--pairs", default=3, show_default=True)
def starving(**options: Any) -> None:
    """Measure votes beside what is optional."""
    hard = raise_descriptors()
    options["streams"] = min(options["streams"], hard - OWN_DESCRIPTORS)
    click.echo(machine_line() + "\n")
    sys.exit(not uvloop.run(run(Plan(**options))))


if __name__ == "__main__":
    starving()
