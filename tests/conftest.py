"""Real servers for every test: one PostgreSQL and one Valkey a session, a database a test."""

from __future__ import annotations

import asyncio
import gc
import itertools
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from os import urandom
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import structlog
from argon2 import PasswordHasher
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from pydantic import SecretBytes
from redis.asyncio import Redis

from loadtests.valkey_stand import ValkeyCluster
from tests.browser.chromium import chromium, headless_shell, whole_chromium
from tests.fakes.signers import private_pem
from tests.infrastructure.postgres.tcp_proxy import TcpProxy, tcp_proxy
from tests.patience import (
    PATIENCE_SECONDS,
    PRODUCTION_LIMITS,
    PRODUCTION_SKEW_STEPS,
    SKEW_STEPS,
    STORE_LIMITS,
    patient_valkey,
)
from voting_service.demo.embedded_postgres import (
    APPLICATION,
    OWNER,
    SUPERUSER,
    EmbeddedPostgres,
)
from voting_service.demo.embedded_valkey import EmbeddedValkey
from voting_service.infrastructure.postgres.migrations import upgrade
from voting_service.infrastructure.postgres.pool import (
    Connection,
    Pool,
    connect,
    open_pool,
)
from voting_service.infrastructure.valkey import Valkey
from voting_service.settings import Settings
from voting_service.staff.accounts import passwords, second_factor

__all__ = ["chromium", "headless_shell", "whole_chromium"]

TEMPLATE = "voting_template"
MEMORY = Path("/dev/shm")
ROOM_IN_MEMORY = 4 << 30
"""Bytes: more than the servers of a few workers ever hold."""
PRODUCTION_HASHER = passwords.HASHER

# No test trusts anybody outside, and reading who is trusted costs every HTTP client 30 ms.
os.environ["SSL_CERT_DIR"] = str(Path(__file__).parent)
os.environ.pop("SSL_CERT_FILE", None)  # goes before the folder, where a machine sets it

# The tests' Postgres has no TLS, and to offer it costs every connection a millisecond. Tests of it
# say so in the URL.
os.environ["PGSSLMODE"] = "disable"

# Images of Python often forbid bytecode. Every worker would then compile all tests again, and
# every service and command that a test starts all of the product.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# How long an example takes depends on how busy the machine is, and nothing about the code.
hypothesis_settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("any machine")

# Services that a test runs log while another test reads what a command wrote to stdout.
structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.__stderr__))


LONGEST = (
    "tests/sites/public/information/test_every_page_in_every_mode.py",
    "tests/browser/walks/test_walks.py",
    "tests/demo/test_whole_demo.py",
    "tests/sites/public/pages/test_voting_walks.py",
    "tests/sites/public/embed/test_guide.py",
    "tests/demo/test_demo_stages.py",
    "tests/sites/nomination/panel/test_award_documents.py",
    "tests/browser/test_embed_frame.py",
    "tests/sites/nomination/panel/test_panel_walk.py",
    "tests/sites/nomination/review/test_review_walk.py",
    "tests/sites/public/information/test_reading_with_any_eyes.py",
    "tests/browser/test_embed.py",
    "tests/chaos/test_short_faults.py",
    "tests/sites/public/pages/test_captcha_pages.py",
    "tests/sites/nomination/recommendations/test_recommendation_walk.py",
)
"""The files that a worker is busy with for twenty seconds or more. They begin first, so that no
worker is alone with one at the end: `make test` gives out whole files in the order of collection.
"""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    assert all((config.rootpath / file).is_file() for file in LONGEST), "as the files are called"
    places = {file: place for place, file in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.location[0], len(LONGEST)))


def pytest_collection() -> None:
    """What is collected stays to the end: there is no garbage among it worth looking for. Among
    what tests leave behind it is looked for a thirtieth as often as Python would by itself."""
    gc.disable()


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    gc.enable()


@pytest.fixture(scope="session")
async def postgres() -> AsyncIterator[EmbeddedPostgres]:
    """The session's PostgreSQL, with a migrated template database.

    Not below pytest's own folder: every pytest that starts closes that one to other users, and
    under root PostgreSQL is another user. In memory where there is room: a disk's file system
    takes twenty times as long to make and remove the five hundred files of a database.
    """
    with tempfile.TemporaryDirectory(prefix="voting-postgres-", dir=in_memory()) as folder:
        async for server in _running_postgres(Path(folder)):
            yield server


@pytest.fixture
def servers_folder() -> Iterator[Path]:
    """A folder for servers of the test's own, like the session's outside of pytest's."""
    with tempfile.TemporaryDirectory(prefix="voting-stores-", dir=in_memory()) as name:
        yield Path(name)


def in_memory() -> Path | None:
    """A folder in memory; None where there is none with enough room, as in most containers."""
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= ROOM_IN_MEMORY:
        return MEMORY
    return None


async def _running_postgres(folder: Path) -> AsyncIterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(folder, durable=False, shared_buffers="128MB")
    try:
        await server.start()
        administrator = await asyncpg.connect(server.url(SUPERUSER, "postgres"))
        try:
            await server.create_database(administrator, TEMPLATE)
        finally:
            await administrator.close()
        await asyncio.to_thread(upgrade, server.url(OWNER, TEMPLATE))
        yield server
    finally:
        await server.stop()


@pytest.fixture(scope="session")
async def valkey(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedValkey]:
    """The session's Valkey."""
    server = EmbeddedValkey(tmp_path_factory.mktemp("valkey"))
    try:
        await server.start()
        yield server
    finally:
        await server.stop()


@pytest.fixture(scope="session")
async def administrator(postgres: EmbeddedPostgres) -> AsyncIterator[Connection]:
    """A superuser's connection, to make and drop the tests' databases."""
    connection = await asyncpg.connect(postgres.url(SUPERUSER, "postgres"))
    yield connection
    await connection.close()


@pytest.fixture(scope="session")
def database_names() -> itertools.count[int]:
    return itertools.count(1)


@pytest.fixture
def database_template() -> str:
    """What a test's database is a copy of: one without a row, unless a folder has another."""
    return TEMPLATE


@pytest.fixture
async def database_name(
    postgres: EmbeddedPostgres,
    administrator: Connection,
    database_names: itertools.count[int],
    database_template: str,
) -> AsyncIterator[str]:
    """A fresh database of the newest migration, dropped after the test."""
    name = f"test_{next(database_names)}"
    await postgres.create_database(administrator, name, template=database_template)
    yield name
    await administrator.execute(f'drop database "{name}" with (force)')


@pytest.fixture
def database_url(postgres: EmbeddedPostgres, database_name: str) -> str:
    """As a member of voting_application: what the services may do, tests may do."""
    return postgres.url(APPLICATION, database_name)


@pytest.fixture
def owner_database_url(postgres: EmbeddedPostgres, database_name: str) -> str:
    """As the owner of the tables, for migrations and for forged rows."""
    return postgres.url(OWNER, database_name)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Connection]:
    connection = await connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def owner(owner_database_url: str) -> AsyncIterator[Connection]:
    """A connection of the owner of the tables, with rights that the application lacks."""
    connection = await connect(owner_database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    async with open_pool(database_url, size=4) as opened:
        yield opened


@pytest.fixture(scope="session")
async def valkey_cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ValkeyCluster]:
    """The session's cluster of three masters with replicas."""
    cluster = ValkeyCluster(tmp_path_factory.mktemp("valkey-cluster"))
    try:
        await cluster.start()
        yield cluster
    finally:
        await cluster.stop()


@pytest.fixture
def valkey_kind() -> str:
    """`server` or `cluster`; tests of what must hold on both are marked `on_both`."""
    return "server"


@pytest.fixture
def valkey_servers(
    valkey_kind: str, request: pytest.FixtureRequest
) -> EmbeddedValkey | ValkeyCluster:
    """The session's Valkey, or its cluster. Neither starts before a test asks for it."""
    of_kind = {"server": "valkey", "cluster": "valkey_cluster"}[valkey_kind]
    servers: EmbeddedValkey | ValkeyCluster = request.getfixturevalue(of_kind)
    return servers


@pytest.fixture
async def valkey_url(valkey_servers: EmbeddedValkey | ValkeyCluster) -> str:
    """The session's Valkey, or its cluster, emptied of data and functions."""
    urls = [valkey_servers.url]
    if isinstance(valkey_servers, ValkeyCluster):
        urls = [master.url for master in await valkey_servers.owners()]
    for url in urls:
        client: Any = Redis.from_url(url)
        await client.flushall()
        await client.function_flush()
        await client.aclose()
    return valkey_servers.url


@pytest.fixture
async def valkey_client(valkey_url: str) -> AsyncIterator[Valkey]:
    client = patient_valkey(valkey_url)
    yield client
    await client.close()


@pytest.fixture
async def own_valkey(tmp_path: Path) -> AsyncIterator[EmbeddedValkey]:
    """A Valkey of the test's own, which it may stop and spoil."""
    server = EmbeddedValkey(tmp_path / "valkey")
    try:
        await server.start()
        yield server
    finally:
        await server.stop()


@pytest.fixture
async def record_wire(database_url: str) -> AsyncIterator[TcpProxy]:
    """A way to the test's database that can fail."""
    async with tcp_proxy(database_url) as proxy:
        yield proxy


@pytest.fixture
async def fast_wire(valkey_url: str) -> AsyncIterator[TcpProxy]:
    """A way to the session's Valkey that can fail."""
    async with tcp_proxy(valkey_url) as proxy:
        yield proxy


@pytest.fixture
def settings(
    database_url: str, owner_database_url: str, valkey_url: str, tmp_path: Path
) -> Settings:
    """Settings for the test's stores, with keys of their own."""
    signing_key_file = tmp_path / "signing.pem"
    signing_key_file.write_bytes(private_pem())
    return Settings(
        database_url=database_url,
        owner_database_url=owner_database_url,
        valkey_url=valkey_url,
        master_key=SecretBytes(urandom(32)),
        signing_key_file=signing_key_file,
        workers=1,
    )


@pytest.fixture(scope="session")
async def lasting_settings(
    postgres: EmbeddedPostgres,
    valkey: EmbeddedValkey,
    administrator: Connection,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Callable[..., Awaitable[Settings]]]:
    """Make settings for what serves many tests, with a database of the name given."""
    names: list[str] = []

    async def make(name: str, template: str = TEMPLATE) -> Settings:
        await postgres.create_database(administrator, name, template=template)
        names.append(name)
        key_file = tmp_path_factory.mktemp("lasting") / "signing.pem"
        key_file.write_bytes(private_pem())
        return Settings(
            database_url=postgres.url(APPLICATION, name),
            owner_database_url=postgres.url(OWNER, name),
            valkey_url=valkey.url,
            master_key=SecretBytes(urandom(32)),
            signing_key_file=key_file,
            workers=1,
        )

    yield make
    for name in names:
        await administrator.execute(f'drop database "{name}" with (force)')


@pytest.fixture(scope="session", autouse=True)
def patient_limits() -> Iterator[None]:
    """A busy machine is no outage: the product waits for its stores as long as a test does.

    Commands that run as processes of their own keep the limits of production.
    """
    with pytest.MonkeyPatch.context() as patch:
        for module, name in STORE_LIMITS:
            patch.setattr(module, name, PATIENCE_SECONDS)
        patch.setattr(second_factor, "SKEW_STEPS", SKEW_STEPS)
        yield


@pytest.fixture
def production_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limits as in production, for a test of what they are."""
    for (module, name), seconds in zip(STORE_LIMITS, PRODUCTION_LIMITS, strict=True):
        monkeypatch.setattr(module, name, seconds)
    monkeypatch.setattr(second_factor, "SKEW_STEPS", PRODUCTION_SKEW_STEPS)


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Iterator[None]:
    """Passwords cost a fifth of a second by design, and nearly every test of the console makes
    accounts. Here they are argon2id too, but with the least parameters; commands that run as
    processes of their own keep those of production."""
    quick = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "HASHER", quick)
        yield


@pytest.fixture
def production_passwords() -> Iterator[None]:
    """Passwords as in production, for what a test states about their hashes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "HASHER", PRODUCTION_HASHER)
        yield
