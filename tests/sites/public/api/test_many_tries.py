"""Ten thousand tries of one voter at once, over two workers of the real command."""

from __future__ import annotations

import asyncio
import json
import resource
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from loadtests.http_client import Response, Wire, prepare
from tests.contest_data import (
    SLUG,
    store_contest,
    store_platform,
)
from tests.fakes.signers import FakePlatform
from tests.patience import PATIENCE_SECONDS
from tests.sites.public.api.running_service import BALLOTS, SESSIONS
from tests.sites.public.api.serve_process import serve_process
from voting_service.infrastructure.clock import system_clock
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.settings import Settings

TRIES = 10_000
CONNECTING_AT_ONCE = 200
BALLOT, OTHER_BALLOT = b'{"choices":[1,3]}', b'{"choices":[2]}'


@pytest.fixture
def open_files() -> Iterator[int]:
    """How many files may be open; raised as far as the machine allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = 2 * TRIES
    expected = enough if hard == resource.RLIM_INFINITY else min(enough, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, expected), hard))
    yield max(soft, expected)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_one_ballot_whatever_races(
    settings: Settings, database: Connection, tmp_path: Path, open_files: int
) -> None:
    platform = FakePlatform("demo")
    await store_contest(database, settings.master_key.get_secret_value())
    await store_platform(database, "demo", [platform.signer.jwk()])
    async with serve_process(
        settings, tmp_path, WORKERS="2", METRICS_DIR=str(tmp_path / "metrics")
    ) as serving:
        token = platform.token(SLUG, "reader-1", int(system_clock().timestamp()))
        answer = await serving.client.post(SESSIONS, json={"platform": "demo", "token": token})
        assert answer.status_code == 201
        connections = min(TRIES, open_files - 1_000)
        answers = await race(serving.port, answer.json()["session"], connections)
        metrics = await serving.metrics()

    statuses = Counter(response.status for _, response in answers)
    assert len(answers) == TRIES
    assert statuses[201] == 1, statuses
    statuses.pop(503, None)  # as many as a machine refuses that has other things to do
    assert set(statuses) == {200, 201, 409}, statuses
    assert await database.fetchval("select count(*) from ballots") == 1

    first, winner = next((body, r) for body, r in answers if r.status == 201)
    for body, response in answers:
        if response.status == 503:
            continue
        if body == first:
            assert response.body == winner.body
        else:
            assert response.status == 409
            assert json.loads(response.body)["receipt"] == json.loads(winner.body)["receipt"]
    for outcome, count in (
        ("accepted", 1),
        ("duplicate", statuses[200]),
        ("conflict", statuses[409]),
    ):
        assert f'voting_ballots_total{{outcome="{outcome}"}} {float(count)}' in metrics
    workers = {file.stem.split("_")[-1] for file in (tmp_path / "metrics").glob("counter_*.db")}
    assert len(workers) >= 2, "both workers took part"


async def race(port: int, session: str, connections: int) -> list[tuple[bytes, Response]]:
    """Sends TRIES votes at once, every second another ballot; each with its answer."""
    loop = asyncio.get_running_loop()
    answers: list[tuple[bytes, Response]] = []
    waiting: dict[Wire, list[bytes]] = {}
    done = loop.create_future()

    def answered(wire: Wire, response: Response) -> None:
        body, *rest = waiting[wire]
        waiting[wire] = rest
        answers.append((body, response))
        if rest:
            wire.send(requests[rest[0]], loop.time())
        if len(answers) == TRIES and not done.done():
            done.set_result(None)

    def lost(_wire: Wire) -> None:
        if not done.done():
            done.set_exception(AssertionError("a connection ended before its answer"))

    requests = {
        body: prepare("POST", BALLOTS, headers={"authorization": f"Bearer {session}"}, body=body)
        for body in (BALLOT, OTHER_BALLOT)
    }
    together = asyncio.Semaphore(CONNECTING_AT_ONCE)

    async def connect() -> Wire:
        async with together:
            _, wire = await loop.create_connection(lambda: Wire(answered, lost), "127.0.0.1", port)
            return wire

    wires = await asyncio.gather(*(connect() for _ in range(connections)))
    bodies = [(BALLOT, OTHER_BALLOT)[number % 2] for number in range(TRIES)]
    for number, wire in enumerate(wires):
        waiting[wire] = bodies[number::connections]
    for wire in wires:
        wire.send(requests[waiting[wire][0]], loop.time())
    async with asyncio.timeout(PATIENCE_SECONDS):
        await done
    for wire in wires:
        wire.close()
    return answers
