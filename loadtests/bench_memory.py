"""Valkey's memory per voter and day, measured with the service's own admission of new voters."""

from __future__ import annotations

import asyncio
import os
import random
import time
from datetime import UTC, datetime

from redis.asyncio import Redis

from loadtests import CONTEST
from loadtests.plan import Plan
from loadtests.report import Section
from loadtests.stand import Stand
from voting_service.antifraud.screening.client_signals import (
    Device,
    Origin,
    Sender,
)
from voting_service.antifraud.screening.decision import Price
from voting_service.antifraud.screening.rate_limits import LocalLimits
from voting_service.antifraud.screening.user_agents import OTHER
from voting_service.contests.model import Contest, Platform
from voting_service.contests.repository import load_contest, load_platforms
from voting_service.demo.embedded_valkey import EmbeddedValkey
from voting_service.infrastructure.valkey import Valkey
from voting_service.voting.ballots.admit import Admitter
from voting_service.voting.ballots.vote import DatedBallot, Vote

_BATCH = 512
_NETWORKS = 500_000
_SHORT_LIVED_SECONDS = 60.0


async def bytes_per_voter(stand: Stand, plan: Plan) -> Section:
    """Measure memory before and after many voters, once short-lived keys have expired."""
    section = Section("Valkey's memory", ["voters of the day", "bytes a voter", "right after"])
    async with stand.database() as connection:
        contest = await load_contest(connection, CONTEST)
        platforms = {platform.id: platform for platform in await load_platforms(connection)}
    server = EmbeddedValkey(stand.folder / "memory")  # with nothing else in it
    await server.start()
    observer = Redis.from_url(server.url)
    valkey = Valkey(server.url)
    crowd = _Crowd(contest, platforms, Admitter(valkey, LocalLimits()))
    try:
        await crowd.admit(1)  # loads the functions, opens the connection
        before = await _stable_memory(observer)
        admitted = 0
        for voters in plan.remembered_voters:
            await crowd.admit(voters - admitted)
            admitted = voters
            at_once = await _memory(observer) - before
            stable = await _stable_memory(observer) - before
            section.rows.append(
                [f"{voters:,}", f"{stable / voters:.1f}", f"{at_once / voters:.1f}"]
            )
            section.figures[str(voters)] = {"settled_bytes": stable, "at_once_bytes": at_once}
    finally:
        await valkey.close()
        await observer.aclose()
        await server.stop()
    section.notes = [
        "`used_memory` of a Valkey of its own before and after, the voters admitted through the "
        "service's own admission in batches of 512, in a contest that expects "
        f"{contest.rules.expected_voters_per_day:,} voters a day. The limits' keys live for "
        "seconds and are gone from the first figure; the second still has those of the moment."
    ]
    return section


class _Crowd:
    """New voters, admitted as a worker admits them."""

    def __init__(
        self, contest: Contest, platforms: dict[int, Platform], admitter: Admitter
    ) -> None:
        self._contest = contest
        self._platforms = platforms
        self._admitter = admitter

    async def admit(self, voters: int) -> None:
        """Admit voters. Raises RuntimeError if Valkey did not accept a batch."""
        nobody = asyncio.get_running_loop().create_future()
        while voters > 0:
            size = min(voters, _BATCH)
            now = datetime.now(UTC)
            votes = [
                Vote(
                    voter=os.urandom(16),
                    platform_id=min(self._platforms),
                    sender=_sender(),
                    solved=False,
                    ballot=DatedBallot.of(self._contest, [1], now),
                    result=nobody,
                    waiting_since=0.0,
                )
                for _ in range(size)
            ]
            admissions = await self._admitter.admit(
                self._contest,
                self._platforms,
                votes,
                prices=[Price.OVER_RATE] * size,
                now_ms=now.timestamp() * 1000,
            )
            if any(admission.seen or not admission.screened for admission in admissions):
                raise RuntimeError("Valkey did not remember a batch of fresh voters")
            voters -= size


async def _memory(observer: Redis) -> int:
    return int((await observer.info("memory"))["used_memory"])


async def _stable_memory(observer: Redis) -> int:
    """Return the memory once short-lived keys have expired. Raises RuntimeError if they stay."""
    deadline = time.monotonic() + _SHORT_LIVED_SECONDS
    while time.monotonic() < deadline:
        if not [key async for key in observer.scan_iter(match="*:voter:*", count=5000)] and not [
            key async for key in observer.scan_iter(match="*:network:*", count=5000)
        ]:
            return await _memory(observer)
        await asyncio.sleep(0.2)
    raise RuntimeError("the limits' keys have not expired")


def _sender() -> Sender:
    """Return a sender with one of many addresses and devices."""
    network, device = f"{random.randrange(_NETWORKS):016x}", f"{random.randrange(2_000):016x}"
    origin = Origin(network, network, cloud=False, exempt=False)
    return Sender(origin, Device(device, OTHER), account_day=0, seconds_since_sign_in=60)
