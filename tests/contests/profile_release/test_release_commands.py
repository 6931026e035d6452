"""`release` from the command line."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import AsyncMock

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.candidate_changes import TwoPeople
from tests.commands import Command, run_command, set_environment
from tests.contest_data import (
    execute_as_owner,
    show_picture,
    store_contest,
    store_platform,
)
from tests.picture_files import encoded
from tests.sites.public.api.running_service import CONTEST, running_service
from voting_service.cli import root
from voting_service.contests.model import Contest
from voting_service.contests.repository import load_contest, load_platforms
from voting_service.errors import (
    InvalidInput,
    NotFound,
    NotPublished,
    Refused,
)
from voting_service.infrastructure.crypto.signed_document import load_signing_key
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.settings import Settings


@pytest.fixture
def command(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Command:
    set_environment(monkeypatch, settings, master_key=settings.master_key.get_secret_value())
    return run_command


def write_public_key(key: Ed25519PrivateKey, path: Path) -> Path:
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    path.write_bytes(pem)
    return path


async def test_a_pack_is_written_and_verified_without_settings(
    command: Command,
    contest: Contest,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pack, again = tmp_path / "pack.zip", tmp_path / "again.zip"
    answer = await command("release", "pack", contest.slug, "--output", pack)
    assert "5 profiles, 45 pictures" in answer.output
    await command("release", "pack", contest.slug, "--output", again)
    assert pack.read_bytes() == again.read_bytes()

    for name in ("DATABASE_URL", "VALKEY_URL", "MASTER_KEY", "SIGNING_KEY_FILE"):
        monkeypatch.delenv(f"VOTING_{name}")
    announced = write_public_key(load_signing_key(settings.signing_key_file), tmp_path / "a.pem")
    assert "not before" in (await command("release", "verify", pack, "--key", announced)).output
    unannounced = (await command("release", "verify", pack)).output
    assert "Compare this key" in unannounced
    other = write_public_key(Ed25519PrivateKey.generate(), tmp_path / "b.pem")
    with pytest.raises(InvalidInput, match="is not the key that was given"):
        await command("release", "verify", pack, "--key", other)
    again.write_bytes(pack.read_bytes()[:-1])
    with pytest.raises(InvalidInput):
        await command("release", "verify", again)


async def test_our_own_pages_pass_the_probe(command: Command, settings: Settings) -> None:
    async with running_service(settings) as service:
        for number in service.contest.numbers:
            await show_picture(
                settings.owner_database_url, service.contest.id, number, encoded(number)
            )
        await service.refresh()
        address = str(service.client.base_url).rstrip("/")
        for path in (f"{CONTEST}/candidates", f"{CONTEST}/candidates/{{number}}"):
            answer = await command(
                "release", "probe", service.contest.slug, f"--address={address}{path}"
            )
            assert "No differences found" in answer.output


async def test_differences_are_a_table_and_exit_code_1(
    command: Command, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_service(settings) as service:
        await show_picture(settings.owner_database_url, service.contest.id, 3, encoded(1))
        await service.refresh()
        # What is served stays as it is now, however long the comparison takes to begin.
        monkeypatch.setattr(service.state.registry, "refresh", AsyncMock(return_value=False))
        address = f"{str(service.client.base_url).rstrip('/')}{CONTEST}/candidates"
        people = await TwoPeople.store(service.database)
        await people.correct(
            await load_contest(service.database, service.contest.slug), 3, encoded(2)
        )
        await execute_as_owner(
            settings.owner_database_url,
            "update candidates set profile = jsonb_set(profile, '{name,zh}', $1)"
            " where number = 4 and contest_id = $2",
            "[b]新名\u202e",
            service.contest.id,
        )
        words = ["release", "probe", service.contest.slug, "--address", address]
        result = await asyncio.to_thread(CliRunner().invoke, root, words)
        with pytest.raises(Refused, match="2 differences"):
            await command(*words)
    name, portrait = [line for line in result.output.splitlines() if address in line]
    assert [cell.strip() for cell in name.split("│")[3:7]] == ["4", "name", "[b]新名", "候选 4"]
    assert [cell.strip() for cell in portrait.split("│")[3:5]] == ["3", "portrait"]
    assert "\u202e" not in result.output


async def test_platforms_are_probed_where_they_show_the_profiles(
    command: Command, contest: Contest, database: Connection
) -> None:
    with pytest.raises(Refused, match="no platform has a profile address"):
        await command("release", "probe", contest.slug)
    await store_platform(database, "paper")
    url = "http://127.0.0.1:9/craftsmen/{number}"
    await command("platform", "profile-url", "paper", url)
    [platform] = await load_platforms(database)
    assert platform.profile_url == url
    with pytest.raises(Refused, match="5 differences"):
        await command("release", "probe", contest.slug)
    with pytest.raises(NotFound, match="no platform 'none'"):
        await command("platform", "profile-url", "none", url)


@pytest.mark.parametrize(
    "url",
    [
        "http://paper.example/",
        "ftp://paper.example/",
        "https://{number}.example/",
        "https://paper.example/{name}",
        "https://paper.example/{number",
        "https://user@paper.example/",
        "https://paper.example/#top",
        "paper.example",
        "https://报.example/",
    ],
)
async def test_an_address_that_cannot_be_is_refused(
    command: Command, contest: Contest, database: Connection, url: str
) -> None:
    await store_platform(database, "paper")
    with pytest.raises(InvalidInput):
        await command("platform", "profile-url", "paper", url)
    with pytest.raises(InvalidInput):
        await command("release", "probe", contest.slug, "--address", url)


async def test_before_the_moment_there_is_nothing_to_look_for(
    command: Command, database: Connection, settings: Settings, tmp_path: Path
) -> None:
    early = await store_contest(
        database,
        settings.master_key.get_secret_value(),
        slug="early",
        opens_at=datetime.now(UTC) + timedelta(days=1),
    )
    with pytest.raises(NotPublished):
        await command("release", "probe", early.slug, "--address", "http://127.0.0.1:9/")
    answer = await command("release", "pack", early.slug, "--output", tmp_path / "pack.zip")
    assert "not before" in answer.output
    with pytest.raises(Refused, match="cannot write"):
        await command("release", "pack", early.slug, "--output", tmp_path / "none" / "pack.zip")
