"""The embedded stores: data survives every kind of end, and no process is left."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import psutil
import pytest
from redis.asyncio import Redis

from tests.conftest import in_memory
from tests.patience import PATIENCE_SECONDS
from voting_service.demo import supervise
from voting_service.demo.child import (
    is_alive,
    spawn,
    stop,
    wait_for_end,
)
from voting_service.demo.embedded_postgres import (
    APPLICATION,
    OWNER,
    EmbeddedPostgres,
)
from voting_service.demo.embedded_server import HOST, EmbeddedServer
from voting_service.demo.embedded_valkey import EmbeddedValkey
from voting_service.errors import Unavailable


@pytest.fixture(scope="module")
async def stopped_server() -> AsyncIterator[Path]:
    """The folder of a durable PostgreSQL with one row, which has stopped."""
    with tempfile.TemporaryDirectory(prefix="voting-stores-", dir=in_memory()) as folder:
        postgres = EmbeddedPostgres(Path(folder) / "postgres", shared_buffers="32MB")
        try:
            await postgres.start()
            connection = await asyncpg.connect(postgres.url(OWNER))
            await connection.execute("create table kept (word text)")
            await connection.execute("insert into kept values ('kept')")
            await connection.close()
        finally:
            await postgres.stop()
        yield postgres.folder


@pytest.fixture
async def server(stopped_server: Path, servers_folder: Path) -> AsyncIterator[EmbeddedPostgres]:
    """A copy of it that runs: to make one from nothing takes a second."""
    servers_folder.chmod(0o711)  # as for a server's own start, whose user is not root
    folder = servers_folder / "postgres"
    copying = await asyncio.create_subprocess_exec("cp", "-a", stopped_server, folder)
    assert await copying.wait() == 0
    postgres = EmbeddedPostgres(folder, shared_buffers="32MB")
    try:
        await postgres.start()
        yield postgres
    finally:
        await postgres.stop()


@pytest.fixture
async def fast_server(tmp_path: Path) -> AsyncIterator[EmbeddedValkey]:
    valkey = EmbeddedValkey(tmp_path / "valkey")
    try:
        await valkey.start()
        yield valkey
    finally:
        await valkey.stop()


async def kept_word(postgres: EmbeddedPostgres) -> str:
    connection = await asyncpg.connect(postgres.url(OWNER))
    word: str = await connection.fetchval("select word from kept")
    await connection.close()
    return word


def main_process(server: EmbeddedServer) -> psutil.Process:
    assert server.process is not None
    return server.process


async def kill(server: EmbeddedServer) -> None:
    process = main_process(server)
    process.kill()
    assert await wait_for_end(process, PATIENCE_SECONDS)


async def test_data_outlives_a_killed_postgres(server: EmbeddedPostgres) -> None:
    port = server.port
    await kill(server)
    await server.start()
    assert await kept_word(server) == "kept"
    assert server.port == port


async def test_everything_durable_is_on(server: EmbeddedPostgres) -> None:
    connection = await asyncpg.connect(server.url(APPLICATION))
    for setting in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums"):
        assert await connection.fetchval(f"show {setting}") == "on", setting
    assert await connection.fetchval("show password_encryption") == "scram-sha-256"
    assert await connection.fetchval("show scram_iterations") == "4096"
    await connection.close()


async def test_postgres_lets_nobody_in_without_the_password(server: EmbeddedPostgres) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(
            host=HOST, port=server.port, user=OWNER, database="voting", password="guessed"
        )


async def test_a_second_start_takes_over_what_is_still_running(server: EmbeddedPostgres) -> None:
    second = EmbeddedPostgres(server.folder)
    await second.start()
    assert main_process(second).pid == main_process(server).pid
    assert await kept_word(second) == "kept"
    await second.stop()
    assert not is_alive(main_process(server) if server.process else None)


async def test_stopping_leaves_no_process(server: EmbeddedPostgres) -> None:
    family = [main_process(server), *main_process(server).children(recursive=True)]
    assert len(family) > 3
    await server.stop()
    assert [process for process in family if is_alive(process)] == []


async def test_a_port_that_was_taken_since_is_replaced(server: EmbeddedPostgres) -> None:
    await server.stop()
    with socket.create_server((HOST, server.port)):
        second = EmbeddedPostgres(server.folder, shared_buffers="32MB")
        await second.start()
        try:
            assert second.port != server.port
            assert await kept_word(second) == "kept"
        finally:
            await second.stop()
    assert second.url(OWNER) == await remembered_url(second)


async def remembered_url(postgres: EmbeddedPostgres) -> str:
    third = EmbeddedPostgres(postgres.folder, shared_buffers="32MB")
    await third.start()
    await third.stop()
    return third.url(OWNER)


async def test_a_left_over_pid_file_that_names_another_program_is_no_obstacle(
    server: EmbeddedPostgres, tmp_path: Path
) -> None:
    other = spawn(
        ["sleep", "300"],
        log_file=tmp_path / "other.log",
        death_signal=signal.SIGKILL,
        user=server.system_user(),
    )
    pid_file = server.folder / "data" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    await kill(server)
    pid_file.write_text("\n".join([str(other.pid), *lines[1:]]) + "\n")
    await server.start()
    assert await kept_word(server) == "kept"
    assert is_alive(other)
    await stop(other, ())


@pytest.mark.parametrize(
    "line",
    [
        'FATAL:  lock file "postmaster.pid" already exists',
        "FATAL:  pre-existing shared memory block (key 1, ID 2) is still in use",
    ],
)
async def test_a_start_beside_a_server_that_is_still_dying_is_tried_again(
    server: EmbeddedPostgres, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The demo was killed and started at once: the first tries end with such a line."""
    command, tries = server.command(), 0

    def refuse_twice() -> list[str]:
        nonlocal tries
        tries += 1
        return command if tries > 2 else ["sh", "-c", f"echo '{line}' >&2; exit 1"]

    await kill(server)
    monkeypatch.setattr(server, "command", refuse_twice)
    await server.start()
    assert tries == 3
    assert await kept_word(server) == "kept"


async def test_a_start_that_fails_quotes_the_log(servers_folder: Path) -> None:
    postgres = EmbeddedPostgres(servers_folder / "postgres", shared_buffers="plenty")
    with pytest.raises(Unavailable, match='invalid value for parameter "shared_buffers"'):
        await postgres.start()
    assert postgres.process is None


async def test_a_killed_valkey_comes_back_empty_at_the_same_address(
    fast_server: EmbeddedValkey,
) -> None:
    url = fast_server.url
    client = Redis.from_url(url)
    await client.set("hint", "1")
    await client.aclose()
    await kill(fast_server)
    await fast_server.start()
    assert fast_server.url == url
    client = Redis.from_url(url)
    assert await client.dbsize() == 0
    await client.aclose()


async def test_a_dead_store_is_restarted(
    fast_server: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervise, "STORE_GRACE_SECONDS", 0.5)
    printed: asyncio.Queue[str] = asyncio.Queue()
    keeping = asyncio.create_task(supervise.keep_store(fast_server, printed.put_nowait))
    killed = main_process(fast_server)
    await kill(fast_server)
    assert await printed.get() == "Valkey has stopped; restarting it unless another process does"
    assert await printed.get() == "Valkey is running again"
    assert main_process(fast_server).pid != killed.pid
    keeping.cancel()


async def test_a_store_that_somebody_else_restarted_is_used_not_fought(
    fast_server: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervise, "STORE_GRACE_SECONDS", PATIENCE_SECONDS)
    printed: asyncio.Queue[str] = asyncio.Queue()
    keeping = asyncio.create_task(supervise.keep_store(fast_server, printed.put_nowait))
    await kill(fast_server)
    somebody = EmbeddedValkey(fast_server.folder)
    await printed.get()
    await somebody.start()
    assert await printed.get() == "Valkey was restarted by another process; using that"
    assert main_process(fast_server).pid == main_process(somebody).pid
    keeping.cancel()
    await somebody.stop()


async def test_a_program_that_died_is_restarted_later_each_time(tmp_path: Path) -> None:
    program = supervise.Program("worker", ["sh", "-c", "exit 3"], {}, tmp_path / "worker.log")
    printed: asyncio.Queue[str] = asyncio.Queue()
    program.start()
    keeping = asyncio.create_task(supervise.keep_program(program, printed.put_nowait))
    pauses = [(await printed.get()).split(" (")[0] for _ in range(2)]
    keeping.cancel()
    assert pauses == [
        "worker ended with exit code 3; restarting it in 0.5 s",
        "worker ended with exit code 3; restarting it in 1 s",
    ]


async def test_what_a_killed_program_started_is_ended_with_it(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    script = f"sleep 300 & echo $! > {pipe}; wait"
    program = supervise.Program("worker", ["sh", "-c", script], {}, tmp_path / "worker.log")
    program.start()
    process = program.process
    assert process is not None
    grandchild = psutil.Process(int(await asyncio.to_thread(pipe.read_text)))
    process.kill()
    assert await wait_for_end(process, PATIENCE_SECONDS)
    assert await program.clear_away() == "was ended by SIGKILL"
    assert not is_alive(grandchild)


async def test_a_folder_that_had_to_be_opened_for_postgres_is_named(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    postgres = EmbeddedPostgres(closed / "postgres", durable=False, shared_buffers="32MB")
    await postgres.start()
    await postgres.stop()
    own_user = postgres.system_user() is not None
    assert (closed in postgres.opened_folders) is own_user
    assert closed.stat().st_mode & 0o777 == (0o701 if own_user else 0o700)
