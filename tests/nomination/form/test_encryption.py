"""Encryption of personal data, and the hash that identifies a person."""

from __future__ import annotations

from base64 import b64encode
from datetime import date
from hashlib import blake2b, sha256
from os import urandom

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.nomination.form.people import id_number
from voting_service.errors import InvalidInput, Refused
from voting_service.nomination.privacy.encryption import PersonalKeys
from voting_service.settings import (
    Settings,
    SettingsFault,
    load_settings,
)

MASTER, OLD, NEW = (bytes([number]) * 32 for number in (1, 2, 3))
LABELS = st.text(max_size=40).filter(lambda label: label.isprintable())


@given(LABELS, st.binary(max_size=4000), st.lists(st.binary(min_size=32, max_size=32), max_size=3))
def test_decrypting_returns_what_was_encrypted(
    label: str, content: bytes, listed: list[bytes]
) -> None:
    keys = PersonalKeys(MASTER, tuple(listed))
    encrypted = keys.encrypt(label, content)
    assert keys.decrypt(label, encrypted) == content
    assert keys.is_current(encrypted)
    assert len(content) < 8 or content not in encrypted
    assert keys.encrypt(label, content) != encrypted


def test_a_key_is_replaced() -> None:
    before, between = PersonalKeys(MASTER, (OLD,)), PersonalKeys(MASTER, (NEW, OLD))
    after = PersonalKeys(MASTER, (NEW,))
    encrypted = before.encrypt("form 1", "表".encode())
    assert not between.is_current(encrypted)
    assert between.decrypt("form 1", encrypted) == "表".encode()

    again = between.encrypt("form 1", between.decrypt("form 1", encrypted))
    assert between.is_current(again)
    assert after.decrypt("form 1", again) == "表".encode()
    with pytest.raises(Refused, match="VOTING_PERSONAL_KEYS does not list") as refusal:
        after.decrypt("form 1", encrypted)
    assert "密钥" in refusal.value.zh


def test_older_values_stay_readable_once_a_key_is_listed() -> None:
    without, listed = PersonalKeys(MASTER), PersonalKeys(MASTER, (NEW,))
    encrypted = without.encrypt("form 1", b"")
    assert listed.decrypt("form 1", encrypted) == b""
    assert without.is_current(encrypted)
    assert not listed.is_current(encrypted)
    with pytest.raises(Refused):
        without.decrypt("form 1", listed.encrypt("form 1", b""))
    with pytest.raises(Refused):
        PersonalKeys(NEW).decrypt("form 1", encrypted)


@given(LABELS, LABELS)
def test_encrypted_bytes_belong_to_their_label(label: str, other: str) -> None:
    assume(label != other)
    keys = PersonalKeys(MASTER)
    with pytest.raises(Refused, match="belongs to another record"):
        keys.decrypt(other, keys.encrypt(label, b"content"))


@given(st.data())
def test_changed_bytes_are_refused(data: st.DataObject) -> None:
    keys = PersonalKeys(MASTER, (NEW, OLD))
    encrypted = bytearray(keys.encrypt("form 1", b"content"))
    if data.draw(st.booleans(), label="cut"):
        del encrypted[data.draw(st.integers(0, len(encrypted) - 1)) :]
    else:
        encrypted[data.draw(st.integers(0, len(encrypted) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(Refused, match="form 1"):
        keys.decrypt("form 1", bytes(encrypted))


def test_a_person_has_one_hash_in_every_spelling_and_under_every_listed_key() -> None:
    number = id_number(birth=date(1970, 1, 1), serial=0)
    person = PersonalKeys(MASTER).person_hash(number)
    spaced = f" {number[:6]} {number[6:14]} {number[14:].lower()}"
    assert PersonalKeys(MASTER, (NEW,)).person_hash(spaced) == person
    assert PersonalKeys(NEW).person_hash(number) != person
    assert PersonalKeys(MASTER).person_hash(id_number(serial=12)) != person
    with pytest.raises(InvalidInput):
        PersonalKeys(MASTER).person_hash(number[:-1])


def test_a_hash_of_a_person_needs_the_key() -> None:
    number = id_number().encode()
    person = PersonalKeys(MASTER).person_hash(number.decode())
    assert len(person) == 32
    assert person not in {
        sha256(number).digest(),
        blake2b(number, digest_size=32).digest(),
        blake2b(number, digest_size=32, key=MASTER).digest(),
    }


def test_keys_come_from_the_setting(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = urandom(32), urandom(32)
    given_settings = settings.model_dump(exclude={"personal_keys"})
    monkeypatch.setenv(
        "VOTING_PERSONAL_KEYS", f"{b64encode(new).decode()}, {b64encode(old).decode()}"
    )
    loaded = load_settings(**given_settings)
    master = settings.master_key.get_secret_value()
    encrypted = PersonalKeys(master, (old,)).encrypt("form 1", b"content")
    assert PersonalKeys.of(loaded).decrypt("form 1", encrypted) == b"content"
    assert PersonalKeys.of(loaded).is_current(PersonalKeys(master, (new,)).encrypt("form 1", b""))
    assert b64encode(new).decode() not in repr(loaded)
    assert settings.personal_keys == ()


@pytest.mark.parametrize(
    ("value", "output"),
    [
        ("not base64!", "is not base64"),
        (b64encode(b"short").decode(), "must be 32 bytes in base64, but is 5"),
        (",".join([b64encode(OLD).decode()] * 2), "lists a key twice"),
    ],
)
def test_a_wrong_setting_is_named(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, value: str, output: str
) -> None:
    monkeypatch.setenv("VOTING_PERSONAL_KEYS", value)
    with pytest.raises(SettingsFault, match="VOTING_PERSONAL_KEYS") as refusal:
        load_settings(**settings.model_dump(exclude={"personal_keys"}))
    assert output in str(refusal.value)
    assert value not in str(refusal.value)
