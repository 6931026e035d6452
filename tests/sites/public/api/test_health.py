"""Liveness, readiness, metrics; the service without one of its stores."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretBytes
from redis.asyncio import Redis
from structlog.testing import capture_logs

from tests.contest_data import SLUG
from tests.patience import eventually
from tests.sites.public.api.running_service import (
    CONTEST,
    PATIENT,
    SESSIONS,
    STANDINGS,
    MovedClock,
    Service,
    check_problem,
    running_service,
    serving,
)
from voting_service.demo.embedded_server import free_port
from voting_service.demo.embedded_valkey import EmbeddedValkey
from voting_service.errors import StoreFault
from voting_service.infrastructure.metrics_server import metrics_text
from voting_service.infrastructure.postgres import pool, schema
from voting_service.infrastructure.tasks import TaskState
from voting_service.infrastructure.timeouts import CACHE_STALE_SECONDS
from voting_service.infrastructure.valkey import client
from voting_service.settings import Settings
from voting_service.sites.shared.health import WORDS
from voting_service.voting.tally import standings


async def test_a_service_with_its_stores_is_ready(shared_service: Service) -> None:
    answer = await shared_service.client.get("/readyz")
    assert answer.status_code == 200
    shown = answer.json()
    assert 0 <= shown.pop("registry_age_seconds") <= CACHE_STALE_SECONDS
    ages = shown.pop("task_ages_seconds")
    assert ages.keys() == {
        *("registry", "clock", "standby", "standings", "counters", "caster", "event streams")
    }
    assert shown == {
        "status": "ready",
        "postgres": "ok",
        "valkey": "ok",
        "contests": "ok",
        "registry": "ok",
        "failing_contests": [],
        "clock": "ok",
        "tasks": "ok",
        "failing_tasks": {},
        "tally": "ok",
        "standby": "none",
    }
    assert (await shared_service.client.get("/healthz")).json() == {"status": "ok"}


async def test_a_worker_that_must_stop_is_not_ready(service: Service) -> None:
    service.state.closing.set()
    answer = await service.client.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (503, "not ready")


async def test_a_restored_dump_takes_votes_shows_no_counts_and_states_it(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standings, "RECORD_REFRESH_SECONDS", 0.0)
    assert (await service.cast(await service.open_session(), [1])).status_code == 201
    await service.reconcile()
    standings_cache = service.state.contest_state(SLUG).standings_cache
    assert (await service.client.get(STANDINGS)).json()["ballots"] == 1
    with capture_logs() as log_lines:
        await service.database.execute("update tally_floors set cluster = 1")
        for _ in range(3):
            await standings_cache.refresh()
    noticed = [line for line in log_lines if line["event"] == "tally_of_another_cluster"]
    assert [(line["log_level"], line["contest"]) for line in noticed] == [("error", SLUG)]
    answer = await service.client.get("/readyz")
    assert (answer.status_code, answer.json()["tally"]) == (200, "another cluster")
    for path in (STANDINGS, f"{STANDINGS}/events"):
        refused = await service.client.get(path)
        check_problem(refused, 503)
        assert refused.headers["retry-after"] == "30"
    assert (await service.cast(await service.open_session(), [2])).status_code == 201
    await service.database.execute("update tally_floors set cluster = current_cluster()")
    await service.reconcile()
    assert (await service.client.get(STANDINGS)).json()["ballots"] == 2
    assert (await service.client.get("/readyz")).json()["tally"] == "ok"


async def test_without_valkey_it_stays_ready_and_states_it_and_votes_count(
    settings: Settings, clock: MovedClock, own_valkey: EmbeddedValkey
) -> None:
    alone = settings.model_copy(update={"valkey_url": own_valkey.url})
    async with running_service(alone, clock=clock) as service:
        session = await service.open_session()
        await own_valkey.stop()
        answer = await service.client.get("/readyz")
        assert answer.status_code == 200
        assert (answer.json()["status"], answer.json()["valkey"]) == ("ready, unscreened", "away")
        assert (await service.cast(session, [1])).status_code == 201
        assert (await service.cast(session, [1])).status_code == 200
        check_problem(await service.cast(session, [2]), 409)
        assert (await service.cast(await service.open_session(), [2])).status_code == 201
        assert (await service.client.get(STANDINGS)).status_code == 200
        assert await service.stored_ballots() == 2
        await own_valkey.start()

        async def is_back() -> bool:
            return bool((await service.client.get("/readyz")).json()["valkey"] == "ok")

        await eventually(is_back)


async def test_a_valkey_that_does_not_let_votes_write_is_named_and_they_count(
    settings: Settings, clock: MovedClock, own_valkey: EmbeddedValkey
) -> None:
    """It answers every PING. What votes need is tried, and the cause is one word."""
    alone = settings.model_copy(update={"valkey_url": own_valkey.url})
    direct: Any = Redis.from_url(own_valkey.url)
    async with running_service(alone, clock=clock) as service:

        async def shown() -> tuple[int, str, str]:
            answer = await service.client.get("/readyz")
            return answer.status_code, answer.json()["status"], answer.json()["valkey"]

        async def becomes_ready() -> bool:
            return await shown() == (200, "ready", "ok")

        for number, (word, spoil, mend) in enumerate(
            [
                ("full", "config set maxmemory 1", "config set maxmemory 0"),
                ("read only", "replicaof 127.0.0.1 1", "replicaof no one"),
                (
                    "not allowed",
                    "acl setuser default -fcall -function",
                    "acl setuser default +@all",
                ),
            ]
        ):
            await eventually(becomes_ready)
            await direct.execute_command(*spoil.split())
            assert await shown() == (200, "ready, unscreened", word)
            session = await service.open_session(f"voter {number}")
            assert (await service.cast(session, [1])).status_code == 201
            await direct.execute_command(*mend.split())
        await direct.execute_command("FUNCTION", "FLUSH")
        await eventually(becomes_ready)
    await direct.aclose()


async def test_keys_that_open_no_contest_are_named(
    service: Service, settings: Settings, clock: MovedClock
) -> None:
    other = settings.model_copy(update={"master_key": SecretBytes(bytes(32))})
    async with (
        serving(other, clock, {}, PATIENT) as (_, address),
        httpx.AsyncClient(base_url=address) as client,
    ):

        async def is_named() -> bool:
            answer = await client.get("/readyz")
            return (answer.status_code, answer.json()["contests"]) == (503, "keys do not open")

        await eventually(is_named)
    assert (await service.client.get("/readyz")).status_code == 200


def test_every_word_of_readyz_is_explained_in_the_guide_for_operators() -> None:
    guide = (Path(__file__).parents[4] / "docs" / "operators.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)`: `([a-z ]+)` \|", guide, re.MULTILINE)
    assert rows == [(name, word) for name, words in WORDS.items() for word in words]
    for state in TaskState:
        assert state == TaskState.OK or state in WORDS["tasks"]


def test_every_fault_of_a_store_has_its_word() -> None:
    codes = {code for _, code in pool._FAULTS} | {"not_durable", "not_the_role"}
    codes |= set(re.findall(r"schema_\w+", Path(schema.__file__).read_text(encoding="utf-8")))
    words = {StoreFault(f"a.{code}").word for code in codes - {"schema_revision"}}
    assert words == set(WORDS["postgres"]) - {"away"}
    words = {StoreFault(f"a.{code}").word for _, code in client._FAULTS}
    words |= {"refuses", "no cluster"}
    assert words == set(WORDS["valkey"]) - {"away"}


class Gate:
    """A way to Postgres that can be shut, connections in use included."""

    def __init__(self, host: str, port: int) -> None:
        self._to = host, port
        self._pipes: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = free_port()
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._pass_on, "127.0.0.1", self.port)

    async def shut(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._writers):
            writer.transport.abort()
        await asyncio.gather(*self._pipes, return_exceptions=True)

    async def _pass_on(self, here: asyncio.StreamReader, out: asyncio.StreamWriter) -> None:
        there, inwards = await asyncio.open_connection(*self._to)
        if self._server is None:
            inwards.transport.abort()
            out.transport.abort()
            return
        for reader, writer in ((here, inwards), (there, out)):
            self._writers.add(writer)
            pipe = asyncio.create_task(self._pipe(reader, writer))
            self._pipes.add(pipe)
            pipe.add_done_callback(self._pipes.discard)

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()
            self._writers.discard(writer)


@pytest.fixture
async def gate(settings: Settings) -> AsyncIterator[Gate]:
    host, port = settings.database_url.rpartition("@")[2].split("/")[0].split(":")
    gate = Gate(host, int(port))
    await gate.open()
    yield gate
    await gate.shut()


def through(gate: Gate, settings: Settings) -> Settings:
    before, _, behind = settings.database_url.rpartition("@")
    url = f"{before}@127.0.0.1:{gate.port}/{behind.partition('/')[2]}"
    return settings.model_copy(update={"database_url": url})


async def test_without_postgres_it_is_not_ready_confirms_nothing_and_recovers(
    settings: Settings, clock: MovedClock, gate: Gate
) -> None:
    async with running_service(through(gate, settings), clock=clock) as service:
        session = await service.open_session()
        await gate.shut()
        answer = await service.client.get("/readyz")
        assert answer.status_code == 503
        assert answer.json()["postgres"] == "away"
        refused = await service.cast(session, [1])
        check_problem(refused, 503)
        assert 1 <= int(refused.headers["retry-after"]) <= 10
        receipt = await service.client.get(f"{CONTEST}/receipts/{'0' * 32}")
        check_problem(receipt, 503)
        assert "retry-after" in receipt.headers
        # What is in memory is still shown.
        for path in (CONTEST, STANDINGS, f"{CONTEST}/candidates", "/healthz"):
            assert (await service.client.get(path)).status_code == 200
        await gate.open()

        async def is_ready() -> bool:
            return (await service.client.get("/readyz")).status_code == 200

        await eventually(is_ready)
        assert (await service.cast(session, [1])).status_code == 201


async def test_metrics_count_what_happened_and_name_nobody(service: Service) -> None:
    before = metrics()
    session = await service.open_session("planted-reader-7")
    await service.cast(session, [1], {"user-agent": "planted-agent-7"})
    await service.cast(session, [1])
    await service.cast(session, [2])
    await service.client.get("/planted-path-7?planted-query-7")
    await service.post_bytes(SESSIONS, b'{"planted-key-7":1}')
    after = metrics()
    for outcome in ("accepted", "duplicate", "conflict"):
        name = f'voting_ballots_total{{outcome="{outcome}"}}'
        assert after[name] - before.get(name, 0) == 1
    text = metrics_text().decode()
    assert "planted" not in text
    assert session not in text
    assert "127.0.0.1" not in text


def metrics() -> dict[str, float]:
    """The samples by their names and labels."""
    samples = {}
    for line in metrics_text().decode().splitlines():
        if not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            samples[name] = float(value)
    return samples
