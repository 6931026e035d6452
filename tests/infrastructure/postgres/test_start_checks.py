"""What keeps a process from starting: each fault in a sentence, and no traceback."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from base64 import b64encode
from os import urandom
from pathlib import Path

import asyncpg
import pytest
import structlog
from pydantic import SecretBytes

from tests.commands import invoke, process_environment, set_environment
from tests.contest_data import store_contest
from tests.infrastructure.postgres.pooler import running_pooler
from voting_service.commands import start_checks
from voting_service.commands.start_checks import check_start
from voting_service.demo.embedded_postgres import OWNER, EmbeddedPostgres
from voting_service.demo.embedded_server import free_port
from voting_service.errors import StoreFault
from voting_service.infrastructure.postgres import connection_budget
from voting_service.infrastructure.postgres.connection_budget import load_room
from voting_service.infrastructure.postgres.migrations import latest_revision
from voting_service.infrastructure.postgres.pool import Connection, acquire, connect, open_pool
from voting_service.infrastructure.postgres.schema import known_revisions, require_session
from voting_service.jobs.lease import try_lease
from voting_service.settings import Settings, SettingsFault


async def faults(settings: Settings, **changed: object) -> list[str]:
    """Return the faults of changed settings."""
    checked = settings.model_copy(update=changed)
    with pytest.raises(SettingsFault) as refused:
        await asyncio.to_thread(check_start, checked, "serve")
    assert all(fault.zh for fault in refused.value.faults)
    return [str(fault) for fault in refused.value.faults]


def elsewhere(url: str, **changed: str) -> str:
    """Return a URL with another password, database or port."""
    login, _, place = url.rpartition("@")
    host, _, database = place.partition("/")
    if "password" in changed:
        login = login.rpartition(":")[0] + ":" + changed["password"]
    if "port" in changed:
        host = host.partition(":")[0] + ":" + changed["port"]
    return f"{login}@{host}/{changed.get('database', database)}{changed.get('query', '')}"


async def test_every_fault_is_named_at_once_and_none_is_a_traceback(
    settings: Settings, tmp_path: Path
) -> None:
    unreadable = tmp_path / "none.pem"
    secrets = tmp_path / "secrets.toml"
    secrets.write_text("= no TOML")
    named = await faults(
        settings,
        signing_key_file=unreadable,
        platform_secrets_file=secrets,
        captcha_secrets_file=secrets,
        database_url=elsewhere(settings.database_url, password="wrong"),
    )
    assert [fault.split(":")[0] for fault in named] == [
        "VOTING_SIGNING_KEY_FILE",
        "VOTING_PLATFORM_SECRETS_FILE",
        "VOTING_CAPTCHA_SECRETS_FILE",
        "VOTING_DATABASE_URL",
    ]
    assert "refuses the password" in named[3]


async def test_a_database_that_cannot_be_used_is_named(
    settings: Settings, owner: Connection
) -> None:
    url = settings.database_url
    for changed, word in (
        (elsewhere(url, database="nowhere"), "no such database"),
        (elsewhere(url, query="?sslmode=require"), "encrypted connection to the database failed"),
    ):
        assert word in (await faults(settings, database_url=changed))[0]
    for statement, word in (
        ("update alembic_version set version_num = '9999_later'", "newer than this version"),
        ("delete from alembic_version", "no schema yet"),
    ):
        await owner.execute(statement)
        assert word in (await faults(settings))[0]


async def test_a_master_key_that_opens_nothing_is_named(
    settings: Settings, database: Connection
) -> None:
    await store_contest(database, settings.master_key.get_secret_value())
    other = SecretBytes(urandom(32))
    assert (await faults(settings, master_key=other))[0].startswith("VOTING_MASTER_KEY: ")


async def test_an_unavailable_store_is_waited_for(
    settings: Settings, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A logger keeps the stream that it wrote to first, in another test.
    monkeypatch.setattr(start_checks, "log", structlog.get_logger())
    away = settings.model_copy(
        update={"database_url": elsewhere(settings.database_url, port=str(free_port()))}
    )
    await asyncio.to_thread(check_start, away, "serve", "127.0.0.1:8000")
    shown = capfd.readouterr().err
    assert "postgres_away_at_start" in shown
    assert '"event": "started"' in shown
    assert settings.database_url.split(":")[2].split("@")[0] not in shown


def test_serve_imports_no_metric_before_it_shares_them() -> None:
    code = (
        "import sys, voting_service.commands.serve as serve;"
        "sys.exit('prometheus_client' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_revisions_are_those_of_the_migrations() -> None:
    assert known_revisions()[-1] == latest_revision()


async def test_a_pooler_in_session_mode_is_used_though_it_refuses_parameters(
    database_url: str,
) -> None:
    async with running_pooler(database_url, size=3) as url:
        with pytest.raises(asyncpg.ProtocolViolationError):
            await asyncpg.connect(url, server_settings={"jit": "off"})
        first, second = await connect(url), await connect(url)
        await require_session(first, second)
        assert await try_lease(first, "lease")
        assert not await try_lease(second, "lease")
        async with open_pool(url, size=1) as pool, acquire(pool) as connection:
            assert await connection.fetchval("show jit") == "off"
            assert await connection.fetchval("show idle_in_transaction_session_timeout") == "10s"
        assert (await load_room(first, url)).pooled
        await first.close()
        await second.close()


async def test_a_process_that_gets_too_few_connections_states_how_many(
    settings: Settings,
    owner: Connection,
    database_name: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(start_checks, "log", structlog.get_logger())
    monkeypatch.setattr(connection_budget, "_PROBE_SECONDS", 0.5)
    own = settings.model_copy(update={"workers": 2})
    async with running_pooler(settings.database_url, size=4) as url:
        behind = own.model_copy(update={"database_url": url})
        await asyncio.to_thread(check_start, behind, "serve")
    shown = capfd.readouterr().err
    assert '"pooler_gives_too_few"' in shown
    assert '"needed": 12, "given": 4' in shown
    assert "connections_over_budget" not in shown

    await owner.execute(f'alter database "{database_name}" connection limit 30')
    await asyncio.to_thread(check_start, own, "serve")
    assert '"by_process": "serve 12, console 12, work 20"' in capfd.readouterr().err
    await owner.execute(f'alter database "{database_name}" connection limit 11')
    assert "VOTING_WORKERS: `serve` may open 12" in (await faults(settings, workers=2))[0]


async def test_a_pooler_in_transaction_mode_is_refused_in_a_sentence(settings: Settings) -> None:
    async with running_pooler(settings.database_url, mode="transaction") as url:
        first, second = await connect(url), await connect(url)
        with pytest.raises(StoreFault) as refused:
            await require_session(first, second)
        assert refused.value.word == "transaction pooling"
        await first.close()
        await second.close()
        assert "pool_mode = session" in (await faults(settings, database_url=url))[0]


async def test_migrate_needs_no_other_setting_and_fails_in_a_sentence(
    postgres: EmbeddedPostgres,
    database_name: str,
    database_url: str,
    owner: Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("VOTING_DATABASE_URL", "VOTING_MASTER_KEY", "VOTING_DATA"):
        monkeypatch.delenv(name, raising=False)
    owner_url = postgres.url(OWNER, database_name)

    async def migrate(url: str) -> tuple[int, str]:
        result = await invoke("migrate", VOTING_OWNER_DATABASE_URL=url)
        return result.exit_code, str(result.exception or result.output)

    for query in ("", "?sslmode=prefer", "?ssl=prefer", "?ssl=off"):
        assert (await migrate(owner_url + query))[0] == 0
    connection = await connect(owner_url)
    await connection.close()
    for url, word in (
        (elsewhere(owner_url, port=str(free_port())), "did not answer"),
        (elsewhere(owner_url, password="wrong"), "refuses the password"),
        (owner_url + "?ssl=maybe", "sslmode must be one of"),
        (owner_url + "?ssl=require", "encrypted connection"),
    ):
        code, output = await migrate(url)
        assert (code, word in output) == (1, True), output
    await owner.execute("delete from alembic_version")
    assert "lacks a right" in (await migrate(database_url))[1]
    await owner.execute("insert into alembic_version values ('9999_later')")
    assert "newer than this version" in (await migrate(owner_url))[1]


async def test_misspelt_and_empty_variables_are_named_all_at_once(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_environment(monkeypatch, settings)
    result = await invoke(
        "tally",
        "anything",
        VOTING_METRICS_DIR="",
        VOTING_TRUSTED_PROXY="10.0.0.0/8",
        VOTING_EXEMPT_NETWORKS="",
        VOTING_PUBLIC_URL="https://example.org/vote",
        VOTING_VALKEY_URL="http://127.0.0.1",
        VOTING_MASTER_KEY=b64encode(b"short").decode(),
    )
    assert isinstance(result.exception, SettingsFault)
    named = dict(str(fault).split(": ", 1) for fault in result.exception.faults)
    assert named.keys() == {
        "VOTING_METRICS_DIR",
        "VOTING_TRUSTED_PROXY",
        "VOTING_PUBLIC_URL",
        "VOTING_VALKEY_URL",
        "VOTING_MASTER_KEY",
    }
    assert "did you mean VOTING_TRUSTED_PROXIES?" in named["VOTING_TRUSTED_PROXY"]
    assert "as https://example.org does" in named["VOTING_PUBLIC_URL"]


async def test_a_refused_process_ends_with_the_sentence_and_no_traceback(
    settings: Settings, owner: Connection
) -> None:
    await owner.execute("update alembic_version set version_num = '9999_later'")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "voting_service", "work"),
        env=process_environment(settings),
        stderr=asyncio.subprocess.PIPE,
    )
    _, err = await process.communicate()
    assert process.returncode == 1
    assert err.decode().splitlines() == [
        "error: VOTING_DATABASE_URL: the database's schema 9999_later is newer than this version of"
        " the service. Install the version that made it"
    ]
