"""Kill processes at random moments and restart them; stop stores for a while."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections.abc import Awaitable, Callable

from redis.asyncio import Redis

from loadtests.chaos_voters import Crowd
from loadtests.report import Section
from loadtests.stand import Stand
from loadtests.waiting import seconds_until
from voting_service.demo.child import wait_for_end
from voting_service.demo.embedded_server import EmbeddedServer

_AWAY_SECONDS = 3.0
_RECOVERY_SECONDS = 15.0


class Killer:
    """Kills processes with SIGKILL, restarts them and counts."""

    def __init__(self, stand: Stand, chooser: random.Random) -> None:
        self.kills = {"a web worker": 0, "PostgreSQL": 0, "Valkey": 0}
        self.restart_seconds: dict[str, list[float]] = {"PostgreSQL": [], "Valkey": []}
        self.flushes = 0
        self._stand = stand
        self._chooser = chooser

    async def kill_all_kinds(self, *, seconds: float, kills: int) -> None:
        """Kill each kind `kills` times within `seconds`, with a FLUSHALL in the middle.

        Takes longer if a store needs longer to restart than the kills are apart.
        """
        kinds: list[Callable[[], Awaitable[None]]] = [
            *[self._kill_worker] * kills,
            *[self._kill_postgres] * kills,
            *[self._kill_valkey] * kills,
        ]
        self._chooser.shuffle(kinds)
        kinds.insert(len(kinds) // 2, self._flush)
        moments = sorted(self._chooser.uniform(0.5, seconds) for _ in kinds)
        begins_at = time.monotonic()
        for moment, kill in zip(moments, kinds, strict=True):
            await asyncio.sleep(max(0.0, begins_at + moment - time.monotonic()))
            await kill()

    async def _kill_worker(self) -> None:
        """Kill a worker; uvicorn's supervisor starts another one."""

        async def one_lives() -> bool:
            return bool(self._stand.web_workers())

        if await seconds_until(one_lives, _RECOVERY_SECONDS) is None:
            raise RuntimeError("no worker came back after a kill")
        self._chooser.choice(self._stand.web_workers()).kill()
        self.kills["a web worker"] += 1

    async def _kill_postgres(self) -> None:
        await self._kill_and_restart(self._stand.postgres)

    async def _kill_valkey(self) -> None:
        await self._kill_and_restart(self._stand.valkey)

    async def _kill_and_restart(self, server: EmbeddedServer) -> None:
        begins_at = time.monotonic()
        process = server.process
        if process is None:
            raise RuntimeError(f"{server.title} was not running")
        process.send_signal(signal.SIGKILL)
        await wait_for_end(process, _RECOVERY_SECONDS)
        await server.start()
        self.kills[server.title] += 1
        self.restart_seconds[server.title].append(time.monotonic() - begins_at)

    async def _flush(self) -> None:
        client = Redis.from_url(self._stand.valkey.url)
        try:
            await client.flushall()
        finally:
            await client.aclose()
        self.flushes += 1


async def outages(stand: Stand) -> tuple[Section, list[str]]:
    """Stop each store for a while; record the answers to votes and the time to recovery."""
    section = Section("A store away", ["what", "answers while away", "back after"])
    faults: list[str] = []
    minting = await stand.minting()

    await stand.valkey.stop()
    crowd = Crowd(stand.address(), minting, voters=8)
    async with crowd.voting():
        await asyncio.sleep(_AWAY_SECONDS)
    await stand.valkey.start()
    section.rows.append(["Valkey stopped", f"{len(crowd.confirmed):,} × 201", "–"])
    if not crowd.confirmed or crowd.unavailable or crowd.faults or crowd.lost:
        faults.append(f"without Valkey votes did not go on as usual: {crowd.faults}")

    await stand.postgres.stop()
    crowd = Crowd(stand.address(), minting, voters=8)

    async def somebody_voted() -> bool:
        return bool(crowd.confirmed or crowd.repeated)

    async with crowd.voting():
        await asyncio.sleep(_AWAY_SECONDS)
        while_away = len(crowd.confirmed) + len(crowd.repeated)
        refused, lost = crowd.unavailable, crowd.lost
        await stand.postgres.start()
        recovered = await seconds_until(somebody_voted, _RECOVERY_SECONDS)
    section.rows.append(
        [
            "PostgreSQL stopped",
            f"{refused:,} × 503 with Retry-After, {while_away} confirmed",
            "never" if recovered is None else f"{recovered:.1f} s",
        ]
    )
    if while_away:
        faults.append(f"{while_away} votes were confirmed while PostgreSQL was stopped")
    if not refused or lost or crowd.faults:
        faults.append(f"without PostgreSQL votes were not answered 503: {lost} {crowd.faults}")
    if recovered is None:
        faults.append("after PostgreSQL came back no vote was confirmed")
    return section, faults
