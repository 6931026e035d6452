"""Simulated voters over HTTP: signed in by the demo platform, one ballot each."""

from __future__ import annotations

import asyncio
import random
import time
import uuid
import warnings
from collections import Counter
from pathlib import Path

import click
import httpx
import structlog
import uvloop
from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import OKPKey

from voting_service.demo.contest import (
    CANDIDATES,
    PLATFORM_SLUG,
    RULES,
    SLUG,
)
from voting_service.infrastructure.logs import configure_logs
from voting_service.infrastructure.tasks import run_forever

TOKEN_SECONDS = 60
MAX_IN_FLIGHT = 200
"""The most requests at a time; while the service is slower, new voters wait."""
REPORT_SECONDS = 10.0
_POPULARITY = [1.5 ** -(number % 9) + 0.05 for number in range(1, CANDIDATES + 1)]

_CHANCE = random.SystemRandom()

log = structlog.get_logger(__name__)


class SimulatedVoters:
    """Voters who each sign in once and vote once."""

    def __init__(self, client: httpx.AsyncClient, key: OKPKey) -> None:
        self._client = client
        self._key = key
        self.outcomes: Counter[str] = Counter()

    async def vote(self) -> None:
        """Sign in and vote once; count the outcome."""
        try:
            outcome = await self._visit()
        except Exception as error:  # a voter's trouble is no other voter's
            outcome = type(error).__name__
        self.outcomes[outcome] += 1

    async def _visit(self) -> str:
        signed_in = await self._client.post(
            "/api/v1/sessions", json={"platform": PLATFORM_SLUG, "token": self._token()}
        )
        if signed_in.status_code != 201:
            return f"sign-in {signed_in.status_code}"
        cast = await self._client.post(
            f"/api/v1/contests/{SLUG}/ballots",
            headers={"Authorization": f"Bearer {signed_in.json()['session']}"},
            json={"choices": _choices()},
        )
        return f"ballot {cast.status_code}"

    def _token(self) -> str:
        now = int(time.time())
        claims = {
            "iss": PLATFORM_SLUG,
            "aud": SLUG,
            "sub": f"crowd-{uuid.uuid4().hex}",
            "iat": now,
            "exp": now + TOKEN_SECONDS,
            "jti": uuid.uuid4().hex,
        }
        header = {"alg": "EdDSA", "kid": self._key.thumbprint()}
        return jwt.encode(header, claims, self._key, algorithms=["EdDSA"])


def _choices() -> list[int]:
    """Return random choices, up to a full ballot; some candidates are more popular."""
    count = _CHANCE.randint(RULES.ballot.min_choices, RULES.ballot.max_choices)
    return sorted(set(_CHANCE.choices(range(1, CANDIDATES + 1), _POPULARITY, k=count)))


async def _arrive(crowd: SimulatedVoters, per_second: float) -> None:
    """Start voters as a Poisson process until cancelled."""
    loop = asyncio.get_running_loop()
    slots = asyncio.Semaphore(MAX_IN_FLIGHT)
    visits: set[asyncio.Task[None]] = set()

    def leave(visit: asyncio.Task[None]) -> None:
        visits.discard(visit)
        slots.release()

    due = loop.time()

    async def arrive() -> None:
        nonlocal due
        due = max(due + _CHANCE.expovariate(per_second), loop.time() - 1)
        await asyncio.sleep(due - loop.time())
        await slots.acquire()
        visit = asyncio.create_task(crowd.vote())
        visits.add(visit)
        visit.add_done_callback(leave)

    await run_forever("crowd", arrive)


async def _report(crowd: SimulatedVoters) -> None:
    async def report() -> None:
        log.info("crowd", seconds=REPORT_SECONDS, **crowd.outcomes)
        crowd.outcomes.clear()

    await run_forever("crowd report", report, pause_seconds=REPORT_SECONDS)


async def _run(address: str, key: OKPKey, per_second: float) -> None:
    async with httpx.AsyncClient(base_url=address, timeout=10) as client:
        crowd = SimulatedVoters(client, key)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_arrive(crowd, per_second))
            tasks.create_task(_report(crowd))


@click.command()
@click.argument("address")
@click.argument("key_file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("per_second", type=float)
def main(address: str, key_file: Path, per_second: float) -> None:
    """Send PER_SECOND votes a second to ADDRESS, signed in with KEY_FILE."""
    configure_logs("info")
    # RFC 9864 renamed the algorithm to Ed25519; platforms still use EdDSA.
    warnings.simplefilter("ignore", SecurityWarning)
    uvloop.run(_run(address, OKPKey.import_key(key_file.read_bytes()), per_second))


if __name__ == "__main__":
    main()
