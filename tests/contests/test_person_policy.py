"""Who counts as one voter of a platform: set by command, and fixed while a contest needs it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.commands import Command, invoke, set_environment
from tests.contest_data import arrange_contest, rules, store_contest, store_platform
from voting_service.contests.model import PersonPolicy
from voting_service.contests.repository import load_platforms
from voting_service.errors import Refused
from voting_service.infrastructure.postgres.pool import Connection, domain_errors
from voting_service.settings import Settings

CHANGE = "update platforms set person_policy = $1, revision = revision + 1 where slug = 'press'"
NAMES = ("--name-zh", "日报", "--name-en", "Daily")


@pytest.fixture
def command(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Command:
    set_environment(monkeypatch, settings, master_key=settings.master_key.get_secret_value())
    return invoke


async def policies(database: Connection) -> list[str]:
    return [platform.person_policy for platform in await load_platforms(database)]


async def test_it_is_chosen_when_a_platform_is_added_and_shown(
    command: Command, database: Connection, tmp_path: Path
) -> None:
    key_file = tmp_path / "public.pem"
    public = Ed25519PrivateKey.generate().public_key()
    key_file.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    keys = ("--key", key_file)
    press = await command(
        *("platform", "add", "press", *NAMES, *keys, "--person-policy", "required")
    )
    assert press.exit_code == 0, press.output
    assert (await command("platform", "add", "forum", *NAMES, *keys)).exit_code == 0
    assert await policies(database) == ["required", "never"]
    listed = (await command("platform", "list")).output.splitlines()
    assert ["person required" in line for line in listed] == [True, False]
    assert "person never" in listed[1]
    changed = await command("platform", "change", "forum", "--person-policy", "required")
    assert changed.exit_code == 0, changed.output
    assert await policies(database) == ["required", "required"]
    [details] = await database.fetch(
        "select details::text from audit_log where act = 'platform_changed'"
    )
    assert '"person_policy"' in details[0]
    unknown = await command("platform", "change", "nobody", "--person-policy", "never")
    assert unknown.exit_code == 1


async def test_it_stays_from_the_announcement_and_half_a_day_before_the_opening_to_the_close(
    settings: Settings, database: Connection
) -> None:
    await store_platform(database, "press")
    contest = await store_contest(database, settings.master_key.get_secret_value())
    now, day = datetime.now(UTC), timedelta(days=1)
    windows = [
        # opens, closes, published, may be changed
        (now + 3 * day, now + 4 * day, None, True),
        (now + 3 * day, now + 4 * day, now + 2 * day, True),
        (now + 3 * day, now + 4 * day, now - day, False),
        (now + day / 2, now + 4 * day, None, False),
        (now - day, now + day, None, False),
        (now - 2 * day, now - day, None, True),
        (now - 2 * day, now - day, now - 3 * day, True),
    ]
    policy: PersonPolicy = "never"
    for opens_at, closes_at, publish_at, is_free in windows:
        changed = msgspec.structs.replace(rules(), publish_at=publish_at)
        await arrange_contest(
            settings.owner_database_url, contest.id, opens_at=opens_at, closes_at=closes_at,
            rules=msgspec.to_builtins(changed),
        )  # fmt: skip
        other: PersonPolicy = "required" if policy == "never" else "never"
        if is_free:
            await database.execute(CHANGE, other)
            policy = other
        else:
            with pytest.raises(Refused, match="you cannot change who counts as one voter"):
                with domain_errors():
                    await database.execute(CHANGE, other)
        assert await policies(database) == [policy]


async def test_the_shared_key_is_the_contest_s_own_until_the_voter_key_is_destroyed(
    command: Command, settings: Settings, database: Connection
) -> None:
    past = datetime.now(UTC) - timedelta(hours=1)
    for slug in ("one", "two"):
        await store_contest(
            database, settings.master_key.get_secret_value(), slug=slug, closes_at=past
        )
    keys = [(await command("contest", "person-key", slug)).output for slug in ("one", "one", "two")]
    assert keys[0] == keys[1] != keys[2]
    assert all(len(bytes.fromhex(key)) == 32 for key in keys)
    shown = await database.fetch("select contest from audit_log where act = 'person_key_shown'")
    assert [row["contest"] for row in shown] == ["one", "one", "two"]
    assert (await command("contest", "destroy-keys", "one", "--confirm", "one")).exit_code == 0
    refused = await command("contest", "person-key", "one")
    assert refused.exit_code == 1
    assert (await command("contest", "person-key", "two")).output == keys[2]
