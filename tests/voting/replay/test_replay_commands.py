"""`voting-service audit-export` and `replay` as staff and auditors use them."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import pyotp
import pytest
from click.testing import CliRunner, Result

from tests.contest_data import SLUG
from tests.cut_data import (
    MASTER_KEY,
    PASSWORD,
    SECRET,
    closed_contest,
    member,
)
from voting_service.cli import root
from voting_service.contests.model import CutRules
from voting_service.errors import (
    InvalidInput,
    Refused,
    VotingError,
)
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.settings import Settings


async def call(*words: str) -> Result:
    result = await asyncio.to_thread(CliRunner().invoke, root, words)
    if isinstance(result.exception, VotingError):
        raise result.exception
    return result


@pytest.fixture(autouse=True)
def environment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "DATABASE_URL": settings.database_url,
        "VALKEY_URL": settings.valkey_url,
        "MASTER_KEY": b64encode(MASTER_KEY).decode(),
        "SIGNING_KEY_FILE": str(settings.signing_key_file),
        "STAFF_PASSWORD": PASSWORD,
        "STAFF_CODE": pyotp.TOTP(SECRET).now(),
    }.items():
        monkeypatch.setenv(f"VOTING_{name}", value)


async def test_an_auditor_exports_and_anybody_replays(
    database: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await closed_contest(
        database, cut=CutRules(size=3, tie="committee"), votes={1: 5, 2: 4, 3: 3, 4: 2}, held=2
    )
    await member(database, "auditor", "auditor")
    await member(database, "administrator", "administrator")
    file = tmp_path / "audit.zip"
    with pytest.raises(Refused, match="auditor or tally_clerk or supervisor"):
        await call("audit-export", SLUG, "--out", str(file), "--as", "administrator")
    assert not file.exists()
    answer = await call("audit-export", SLUG, "--out", str(file), "--as", "auditor")
    hashed = sha256(file.read_bytes()).hexdigest()
    assert hashed in answer.stdout
    assert [path.name for path in tmp_path.glob("*audit.zip*")] == ["audit.zip"]
    line = await database.fetchrow(
        "select actor, act, contest, details from journal where act = 'exported'"
    )
    assert line is not None
    assert (line["actor"], line["contest"]) == ("auditor", SLUG)
    assert line["details"] == {"sha256": hashed, "bytes": file.stat().st_size}
    for name in ("DATABASE_URL", "MASTER_KEY", "VALKEY_URL", "SIGNING_KEY_FILE"):
        monkeypatch.delenv(f"VOTING_{name}")
    table = await call("replay", str(file))
    assert table.exit_code == 0
    assert "16 ballots, 0 rulings: everything agrees" in table.stdout
    facts = json.loads((await call("replay", str(file), "--format", "json")).stdout)
    assert {"platform": "1", "candidate": 1, "gross": 7, "held": 2, "void": 0, "net": 5} in facts[
        "rows"
    ]


async def test_nothing_is_overwritten_and_what_differs_fails(
    database: Connection, tmp_path: Path
) -> None:
    await closed_contest(database, cut=CutRules(size=1, tie="committee"), votes={1: 5, 2: 4})
    await member(database, "clerk")
    file = tmp_path / "audit.zip"
    file.write_bytes(b"mine")
    with pytest.raises(Refused, match="already exists"):
        await call("audit-export", SLUG, "--out", str(file), "--as", "clerk")
    assert file.read_bytes() == b"mine"
    with pytest.raises(InvalidInput, match="is not an audit archive"):
        await call("replay", str(file))
