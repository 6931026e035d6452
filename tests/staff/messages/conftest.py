"""Accounts with addresses, a mail server that insists on TLS, and a worker that sends to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from pydantic import SecretStr

from tests.fakes.mail_server import PASSWORD, USER, MailServer, certificate, mail_server
from tests.jobs.queue_workers import queue_worker
from tests.patience import eventually
from voting_service.i18n.text import Language
from voting_service.infrastructure.clock import system_clock
from voting_service.infrastructure.postgres.database import Database
from voting_service.infrastructure.postgres.pool import Connection, connect, open_pool
from voting_service.infrastructure.postgres.roles import url_with_role
from voting_service.settings import Settings
from voting_service.staff.accounts.model import Account, Role
from voting_service.staff.accounts.repository import NewAccount, create_account
from voting_service.staff.jobs import model as jobs
from voting_service.staff.jobs.model import JobContext
from voting_service.staff.messages.contacts import VerifiedContact, store_verified_contact
from voting_service.staff.messages.delivery import MessageJobs
from voting_service.staff.messages.model import Channel

PEOPLE = {"reader-zh": ("zh", "li@example.org"), "reader-en": ("en", "lee@example.org")}
Sending = Callable[[], AbstractAsyncContextManager[None]]


@pytest.fixture
def tls_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "mail"
    folder.mkdir()
    return folder


@pytest.fixture
async def mail(tls_folder: Path) -> AsyncIterator[MailServer]:
    async with mail_server(certificate(tls_folder)) as server:
        yield server


@pytest.fixture
def mailing(settings: Settings, mail: MailServer, tls_folder: Path) -> Settings:
    """Settings with which messages go to the mail server."""
    return settings.model_copy(update=mail_settings(mail.port, tls_folder))


def mail_settings(port: int, tls_folder: Path, *, scheme: str = "smtp") -> dict[str, object]:
    login = f"{USER}:{quote(PASSWORD, safe='')}"
    return {
        "smtp_url": SecretStr(f"{scheme}://{login}@127.0.0.1:{port}"),
        "smtp_ca_file": tls_folder / "mail.crt",
        "mail_from": "noreply@vote.example.org",
    }


@pytest.fixture
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "FIRST_RETRY_DELAY", timedelta(milliseconds=1))
    monkeypatch.setattr(jobs, "MAX_RETRY_DELAY", timedelta(milliseconds=5))


@asynccontextmanager
async def sending(settings: Settings) -> AsyncIterator[None]:
    """A worker that sends messages, with the rights of `work` and circuits of its own."""
    url = url_with_role(settings.database_url, "voting_jobs")
    async with open_pool(url, size=4) as pool:
        context = JobContext(Database(pool, url), settings, system_clock)
        async with queue_worker([MessageJobs()], context):
            yield


async def account(settings: Settings, name: str, role: Role = "reviewer") -> Account:
    owner = await connect(settings.migration_url)
    key = settings.master_key.get_secret_value()
    made, _ = await create_account(owner, key, NewAccount(name, role, "correct horse battery"))
    await owner.close()
    return made


async def give_address(
    settings: Settings,
    account_id: int,
    address: str,
    *,
    channel: Channel = "email",
    language: Language = "zh",
) -> None:
    """Store a verified address, as if its code had been typed."""
    owner = await connect(settings.migration_url)
    verified = VerifiedContact(channel, address, language, system_clock() - timedelta(hours=1))
    key = settings.master_key.get_secret_value()
    await store_verified_contact(owner, key, account_id, verified)
    await owner.close()


@pytest.fixture
async def people(settings: Settings) -> dict[str, int]:
    """The accounts of a Chinese and an English reader with an e-mail address each."""
    ids: dict[str, int] = {}
    for name, (language, address) in PEOPLE.items():
        ids[name] = (await account(settings, name)).id
        written: Language = "en" if language == "en" else "zh"
        await give_address(settings, ids[name], address, language=written)
    return ids


async def ended(database: Connection, count: int) -> None:
    """Wait until so many messages have an outcome."""

    async def are_ended() -> bool:
        done = await database.fetchval("select count(*) from messages where outcome is not null")
        return bool(done == count)

    await eventually(are_ended)
