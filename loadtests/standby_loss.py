"""What happens when every standby is lost, as Patroni is configured."""

from __future__ import annotations

import asyncio
import signal
import time
from functools import partial
from typing import NamedTuple

import httpx

from loadtests.chaos_voters import Crowd
from loadtests.patroni import PatroniCluster
from loadtests.report import Section
from loadtests.stand import Stand
from loadtests.waiting import seconds_until

_WATCHED_SECONDS = 45.0
"""Longer than Patroni's lease and its next rounds."""
_PATIENCE_SECONDS = 60.0


class Mode(NamedTuple):
    """A configuration of Patroni, and what must come of it: whether votes go on without a standby,
    and the state that `readyz` then shows."""

    name: str
    is_synchronous: bool
    is_strict: bool
    goes_on: bool
    state: str


MODES = (
    Mode("synchronous_mode_strict", True, True, goes_on=False, state="missing"),
    Mode("synchronous_mode", True, False, goes_on=True, state="none"),
    Mode("not synchronous", False, False, goes_on=True, state="none"),
)


async def lose_standbys(
    stand: Stand, cluster: PatroniCluster, crowd: Crowd
) -> tuple[Section, list[str]]:
    """Kill both standbys in each mode while the crowd votes, and bring them back. Return what came
    of it, and what was not as configured."""
    header = [
        "mode",
        "votes stood still, s",
        "readyz after that",
        "votes again, s after the return",
    ]
    section = Section("Every standby lost", header)
    faults: list[str] = []
    for mode in MODES:
        await cluster.configure(synchronous=mode.is_synchronous, strict=mode.is_strict)
        await _wait_for_state(stand, "ok" if mode.is_synchronous else "none")
        leader = await cluster.leader()
        lost = [node for node in cluster.nodes if node is not leader]
        began = time.monotonic()
        for node in lost:
            node.send(signal.SIGKILL)
        await asyncio.sleep(_WATCHED_SECONDS)
        seen = await _readyz(stand)
        went_on = crowd.answered_at[-1] > time.monotonic() - 2
        gap = crowd.longest_gap(began)
        if went_on is not mode.goes_on or seen.get("standby") != mode.state:
            faults.append(f"{mode.name}: votes went on: {went_on}, readyz: {seen}")
        back_at = time.monotonic()
        for node in lost:
            cluster.start_patroni(node)
        answered = partial(_answered_after, crowd, back_at)
        again = await seconds_until(answered, _PATIENCE_SECONDS)
        await cluster.wait_for_followers()
        if again is None:
            faults.append(f"{mode.name}: votes did not come again")
        section.rows.append(
            [
                mode.name,
                f"{gap:.1f}" if went_on else "until a standby was back",
                f"{seen['status']}; standby {seen['standby']}",
                "never" if again is None else f"{again:.1f}",
            ]
        )
    section.figures = {row[0]: row[1:] for row in section.rows}
    return section, faults


async def _answered_after(crowd: Crowd, moment: float) -> bool:
    return crowd.answered_at[-1] > moment


async def _readyz(stand: Stand) -> dict[str, str]:
    async with httpx.AsyncClient(timeout=10) as client:
        answer: dict[str, str] = (await client.get(stand.address() + "/readyz")).json()
    return answer


async def _wait_for_state(stand: Stand, state: str) -> None:
    async def is_so() -> bool:
        return (await _readyz(stand))["standby"] == state

    if await seconds_until(is_so, _PATIENCE_SECONDS) is None:
        raise RuntimeError(f"the standby is not {state!r}: {await _readyz(stand)}")
