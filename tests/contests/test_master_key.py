"""The master key is replaced: what it protected opens with the new one, and nothing is lost."""

from __future__ import annotations

from base64 import b64encode
from os import urandom

import asyncpg
import pytest
from pydantic import SecretBytes

from tests.commands import invoke
from tests.contest_data import store_contest
from tests.staff.messages.conftest import give_address
from voting_service.contests.keys import not_opened
from voting_service.demo.embedded_postgres import SUPERUSER, EmbeddedPostgres
from voting_service.errors import Refused
from voting_service.infrastructure.crypto.key_wrapping import unwrap
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.nomination.privacy.encryption import PersonalKeys
from voting_service.nomination.retention.master_key import require_independence
from voting_service.settings import Settings
from voting_service.staff.accounts.repository import NewAccount, create_account, totp_label
from voting_service.staff.messages.contacts import load_contacts
from voting_service.voting.voters.keyring import load_keys

PASSWORD = "correct horse battery"


def text(key: bytes) -> str:
    return b64encode(key).decode()


def environment(settings: Settings, new: bytes) -> dict[str, str]:
    return {
        "VOTING_DATABASE_URL": settings.database_url,
        "VOTING_OWNER_DATABASE_URL": settings.migration_url,
        "VOTING_VALKEY_URL": settings.valkey_url,
        "VOTING_SIGNING_KEY_FILE": str(settings.signing_key_file),
        "VOTING_MASTER_KEY": text(settings.master_key.get_secret_value()),
        "VOTING_NEW_MASTER_KEY": text(new),
    }


async def test_keys_and_second_factors_move_to_the_new_key_and_stay_the_same(
    settings: Settings, database: Connection
) -> None:
    old, new = settings.master_key.get_secret_value(), urandom(32)
    contest = await store_contest(database, old)
    account, secret = await create_account(database, old, NewAccount("clerk", "auditor", PASSWORD))
    await give_address(settings, account.id, "li@example.org")
    before = (await load_keys(database, old)).opened[contest.id]
    for expected in ("2 keys and the second factors of 1 ", "0 keys and the second factors of 0 "):
        result = await invoke("contest", "rewrap-keys", **environment(settings, new))
        assert result.exit_code == 0, result.exception
        assert result.output.startswith(expected)
    assert await not_opened(database, new) == ()
    with pytest.raises(Refused):
        await not_opened(database, old)
    assert (await load_keys(database, new)).opened[contest.id] == before
    contacts = await load_contacts(database, new, account.id)
    assert contacts["email"].address == "l***@example.org"
    wrapped = await database.fetchval("select wrapped_totp_secret from accounts")
    assert unwrap(new, totp_label(account.name), wrapped) == secret.encode()
    acts = await database.fetch("select act from audit_log")
    assert [row["act"] for row in acts] == ["master_key_changed"] * 2


async def test_nothing_changes_when_a_key_is_under_a_third_one(
    settings: Settings, database: Connection
) -> None:
    old, new = settings.master_key.get_secret_value(), urandom(32)
    await store_contest(database, old)
    await store_contest(database, urandom(32), slug="other-2022")
    result = await invoke("contest", "rewrap-keys", **environment(settings, new))
    assert isinstance(result.exception, Refused)
    assert await not_opened(database, old) == ("other-2022",)


async def test_the_nomination_must_not_depend_on_the_old_key(
    postgres: EmbeddedPostgres, database_name: str, settings: Settings
) -> None:
    """Else its personal data could not be read, and earlier winners would not be known again."""
    master_key = settings.master_key.get_secret_value()
    rows: Connection = await asyncpg.connect(postgres.url(SUPERUSER, database_name))
    await rows.execute("set session_replication_role = replica")  # no row of other tables is needed
    await require_independence(rows, master_key, has_person_key=False)
    await rows.execute(
        "insert into nomination.earlier_winners (person_hash, year) values ($1, 2021)", bytes(32)
    )
    with pytest.raises(Refused, match="person-key"):
        await require_independence(rows, master_key, has_person_key=False)
    await require_independence(rows, master_key, has_person_key=True)
    for number, listed in enumerate([(urandom(32),), ()], start=1):
        await rows.execute(
            "insert into nomination.objection_answers (objection_id, verdict, answer, answered_by)"
            " values ($1, 'dismissed', $2, 1)",
            number,
            PersonalKeys(master_key, listed).encrypt(f"answer to objection {number}", b"no"),
        )
        if listed:
            await require_independence(rows, master_key, has_person_key=True)
    with pytest.raises(Refused, match="rotate-keys"):
        await require_independence(rows, master_key, has_person_key=True)
    await rows.close()


def test_the_person_hash_outlives_the_master_key(settings: Settings) -> None:
    before = PersonalKeys.of(settings)
    kept = SecretBytes(before._person_key)
    after = PersonalKeys.of(
        settings.model_copy(update={"master_key": SecretBytes(urandom(32)), "person_key": kept})
    )
    number = "11010519491231002X"
    assert before.person_hash(number) == after.person_hash(number)
