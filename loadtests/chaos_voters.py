"""Persistent voters: each sends one ballot until it has a receipt, then sends it again."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

import msgspec

from loadtests import CONTEST
from loadtests.contests import CANDIDATES, CHOICES
from loadtests.http_client import Caller, ConnectionLostError, Response, Target, prepare
from loadtests.voters import Minting, minted

_PAUSE_SECONDS = 0.05
"""Less than a Retry-After asks for: the point is to be in the way of every kill."""
_ASK_AGAIN_SHARE = 0.1
_PATIENCE_SECONDS = 60.0


class _Receipt(msgspec.Struct):
    ballot: str


class _Answer(msgspec.Struct):
    receipt: _Receipt


def read_ballot_id(body: bytes) -> str:
    """Return the ballot id in a receipt."""
    return msgspec.json.decode(body, type=_Answer).receipt.ballot


def cast_request(minting: Minting, voter: bytes, choices: list[int]) -> bytes:
    """Return the request of a voter's ballot; the same bytes every time."""
    return prepare(
        "POST",
        f"/api/v1/contests/{CONTEST}/ballots",
        headers={"authorization": f"Bearer {minted(minting, voter)}"},
        body=msgspec.json.encode({"choices": choices}),
    )


class Crowd:
    """Many concurrent voters. `confirmed` maps voters to the ballot ids of 201 answers.

    `repeated` does the same for voters whose first answer was 200, as the earlier one was lost.
    Between two ballots each waits `pause_seconds`.
    """

    def __init__(
        self, address: str, minting: Minting, *, voters: int, pause_seconds: float = 0.0
    ) -> None:
        self.confirmed: dict[bytes, str] = {}
        self.repeated: dict[bytes, str] = {}
        self.faults: list[str] = []
        self.lost = 0
        self.unavailable = 0
        self.same_receipts = 0
        self.choices: dict[bytes, list[int]] = {}
        self.answered_at: list[float] = []
        """When each first receipt came, in seconds of `time.monotonic`."""
        self._target = Target.of(address)
        self._minting = minting
        self._voters = voters
        self._pause_seconds = pause_seconds
        self._leaving = False

    @asynccontextmanager
    async def voting(self) -> AsyncIterator[None]:
        """Vote while the block runs; at its end, wait until every started voter has finished."""
        self._leaving = False
        voters = [asyncio.create_task(self._vote_on()) for _ in range(self._voters)]
        try:
            yield
        finally:
            self._leaving = True
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await asyncio.gather(*voters)

    async def _vote_on(self) -> None:
        caller = Caller(self._target)
        while not self._leaving:
            voter = os.urandom(16)
            choices = sorted(random.sample(range(1, CANDIDATES + 1), CHOICES))
            request = cast_request(self._minting, voter, choices)
            response = await self._insist(caller, request)
            into = self.confirmed if response.status == 201 else self.repeated
            into[voter] = read_ballot_id(response.body)
            self.choices[voter] = choices
            self.answered_at.append(time.monotonic())
            if random.random() < _ASK_AGAIN_SHARE:
                again = await self._insist(caller, request)
                if again.status != 200 or again.body != response.body:
                    self._note(f"a retry was answered {again.status} and another receipt")
                self.same_receipts += 1
            await asyncio.sleep(self._pause_seconds)
        caller.close()

    def longest_gap(self, since: float) -> float:
        """Return the longest time without a first receipt since that moment, until now."""
        moments = [since, *(m for m in self.answered_at if m > since), time.monotonic()]
        return max(later - earlier for earlier, later in pairwise(moments))

    async def _insist(self, caller: Caller, request: bytes) -> Response:
        """Return the first final answer for the ballot; unexpected answers are faults."""
        while True:
            try:
                response = await caller.call(request)
            except (ConnectionLostError, OSError):
                self.lost += 1
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            if response.status in (200, 201):
                return response
            if response.status == 503 and response.header("retry-after"):
                self.unavailable += 1
            else:
                self._note(f"a vote was answered {response.status}: {response.body[:200].decode()}")
            await asyncio.sleep(_PAUSE_SECONDS)

    def _note(self, fault: str) -> None:
        if fault not in self.faults:
            self.faults.append(fault)
