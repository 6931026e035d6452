"""The DATA folder: secrets are private, persistent, and read by every command."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from voting_service.demo.data_folder import STAFF, DataFolder
from voting_service.errors import Refused
from voting_service.settings import PREFIX, SettingsFault, load_settings


@pytest.fixture
def data(tmp_path: Path) -> DataFolder:
    """A folder whose name needs quoting."""
    folder = DataFolder(tmp_path / "it's $HOME #1")
    folder.ensure_keys()
    folder.staff()
    folder.write_settings(
        database_url="postgresql://a:b@127.0.0.1:1/c",
        owner_url="postgresql://o:p@127.0.0.1:1/c",
        valkey_url="redis://:p@127.0.0.1:2/0",
        metrics_port=9,
        witness_ports=(3, 4),
    )
    return folder


def test_secrets_are_readable_by_the_owner_alone(data: DataFolder) -> None:
    files = [path for path in data.path.rglob("*") if path.is_file()]
    assert {path.name for path in files} == {
        "accounts.json",
        "demo-press.pem",
        "demo.pem",
        "documents.crt",
        "documents.pem",
        "key.pem",
        "log.pem",
        "master.key",
        "settings.env",
        "signing.pem",
    }
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_what_exists_is_kept(data: DataFolder) -> None:
    staff, key = data.staff(), data.platform_key_file.read_bytes()
    again = DataFolder(data.path)
    again.ensure_keys()
    assert again.staff() == staff
    assert again.platform_key_file.read_bytes() == key


def test_staff_have_roles_and_secrets_of_their_own(data: DataFolder) -> None:
    staff = data.staff()
    assert {login.name: login.role for login in staff} == STAFF
    assert len({login.password for login in staff}) == len(staff)
    assert len({login.totp_secret for login in staff}) == len(staff)


def test_every_command_finds_the_demo_by_its_folder(
    data: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOTING_DATA", str(data.path))
    settings = load_settings()
    assert settings.database_url == "postgresql://a:b@127.0.0.1:1/c"
    assert settings.migration_url == "postgresql://o:p@127.0.0.1:1/c"
    assert settings.master_key.get_secret_value() == data.master_key
    assert settings.signing_key_file == data.signing_key_file


def test_one_demo_a_folder(data: DataFolder) -> None:
    with data.locked(), pytest.raises(Refused, match="already running"), data.locked():
        pass
    with data.locked():
        assert data.logs.is_dir()


def test_without_any_setting_the_error_names_the_folder_of_a_demo_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    with pytest.raises(SettingsFault) as none_set:
        load_settings()
    assert "VOTING_DATA: no setting is given at all" in str(none_set.value.faults[0])
    assert "VOTING_DATA=data" in none_set.value.faults[0].zh
    monkeypatch.setenv("VOTING_VALKEY_URL", "redis://127.0.0.1:2/0")
    with pytest.raises(SettingsFault) as some_missing:
        load_settings()
    assert "VOTING_DATA:" not in str(some_missing.value)
