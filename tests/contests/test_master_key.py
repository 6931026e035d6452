"""The master key is replaced: what it protected opens with the new one, and nothing is lost."""

from __future__ import annotations

from base64 import b64encode
from os import urandom

import pytest
from pydantic import SecretBytes

from tests.commands import invoke, run_command
from tests.contest_data import store_contest
from tests.staff.messages.conftest import give_address
from voting_service.contests.keys import not_opened
from voting_service.errors import Refused
from voting_service.infrastructure.crypto.key_wrapping import older_keys, unwrap
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.nomination.privacy.encryption import PersonalKeys
from voting_service.setting_values import MasterKey
from voting_service.settings import Settings, SettingsFault, load_settings
from voting_service.staff.accounts.repository import NewAccount, create_account, totp_label
from voting_service.staff.messages.contacts import load_contacts
from voting_service.voting.voters.keyring import load_keys

PASSWORD = "correct horse battery"


def text(*keys: bytes) -> str:
    return ",".join(b64encode(key).decode() for key in keys)


def environment(settings: Settings, *keys: bytes) -> dict[str, str]:
    return {
        "VOTING_DATABASE_URL": settings.database_url,
        "VOTING_OWNER_DATABASE_URL": settings.migration_url,
        "VOTING_VALKEY_URL": settings.valkey_url,
        "VOTING_SIGNING_KEY_FILE": str(settings.signing_key_file),
        "VOTING_MASTER_KEY": text(*keys),
        "VOTING_PERSON_KEY": text(bytes(32)),
    }


async def test_keys_and_second_factors_move_to_the_new_key_and_stay_the_same(
    settings: Settings, database: Connection
) -> None:
    old, new = settings.master_key.get_secret_value(), urandom(32)
    contest = await store_contest(database, old)
    account, secret = await create_account(database, old, NewAccount("clerk", "auditor", PASSWORD))
    await give_address(settings, account.id, "li@example.org")
    before = (await load_keys(database, old)).opened[contest.id]
    changing = environment(settings, new, old)
    dry = await run_command("keys", "rotate", "--dry-run", **changing)
    assert "5 values" in dry.output
    assert await not_opened(database, old) == ()
    for values in (5, 0):
        done = await run_command("keys", "rotate", **changing)
        assert done.output.startswith(f"{values} values")
    assert await not_opened(database, new) == ()
    with pytest.raises(Refused):
        await not_opened(database, old)
    assert (await load_keys(database, new)).opened[contest.id] == before
    contacts = await load_contacts(database, new, account.id)
    assert contacts["email"].address == "l***@example.org"
    wrapped = await database.fetchval("select wrapped_totp_secret from accounts")
    assert unwrap(new, totp_label(account.name), wrapped) == secret.encode()
    acts = await database.fetch("select act from audit_log order by entry")
    assert [row["act"] for row in acts] == [
        "master_key_changed",
        "personal_data_reencrypted",
    ] * 2


async def test_processes_with_the_keys_in_either_order_read_what_the_other_writes(
    settings: Settings, database: Connection
) -> None:
    """As they do while they are restarted one after the other."""
    old, new = settings.master_key.get_secret_value(), urandom(32)
    not_restarted, restarted = MasterKey.of(old, new), MasterKey.of(new, old)
    await store_contest(database, not_restarted)
    await store_contest(database, restarted, slug="other-2022")
    for keys in (not_restarted, restarted):
        assert not (await load_keys(database, keys)).not_opened
    assert await not_opened(database, old) == ("other-2022",)
    assert await not_opened(database, new) == ("test-2022",)


async def test_nothing_changes_when_a_key_is_under_a_third_one(
    settings: Settings, database: Connection
) -> None:
    old, new = settings.master_key.get_secret_value(), urandom(32)
    await store_contest(database, old)
    await store_contest(database, urandom(32), slug="other-2022")
    result = await invoke("keys", "rotate", **environment(settings, new, old))
    assert isinstance(result.exception, Refused)
    assert await not_opened(database, old) == ("other-2022",)


def test_personal_data_stays_readable_and_is_encrypted_again() -> None:
    old, new = urandom(32), urandom(32)
    encrypted = PersonalKeys(old).encrypt("form 1", b"text")
    changing = PersonalKeys(MasterKey.of(new, old), person_key=bytes(32))
    assert changing.decrypt("form 1", encrypted) == b"text"
    assert not changing.is_current(encrypted)
    again = changing.encrypt("form 1", b"text")
    assert PersonalKeys(new, person_key=bytes(32)).decrypt("form 1", again) == b"text"


def test_a_second_key_needs_a_person_key_of_its_own(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else earlier winners would not be known again under the new key."""
    for name, value in environment(settings, urandom(32), urandom(32)).items():
        monkeypatch.setenv(name, value)
    assert len(older_keys(load_settings().master_key.get_secret_value())) == 1
    monkeypatch.delenv("VOTING_PERSON_KEY")
    with pytest.raises(SettingsFault, match="VOTING_PERSON_KEY"):
        load_settings()


def test_the_person_hash_outlives_the_master_key(settings: Settings) -> None:
    before = PersonalKeys.of(settings)
    kept = SecretBytes(before._person_key)
    after = PersonalKeys.of(
        settings.model_copy(update={"master_key": SecretBytes(urandom(32)), "person_key": kept})
    )
    number = "11010519491231002X"
    assert before.person_hash(number) == after.person_hash(number)
