"""`voting-service audit-export` and `replay` as staff and auditors use them."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest

from tests.commands import run_command, set_environment
from tests.contest_data import SLUG
from tests.cut_data import (
    closed_contest,
    member,
)
from voting_service.contests.model import CutRules
from voting_service.errors import (
    InvalidInput,
    Refused,
)
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.settings import Settings


@pytest.fixture(autouse=True)
def environment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch, settings)


async def test_an_auditor_exports_and_anybody_replays(
    database: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await closed_contest(
        database, cut=CutRules(size=3, tie="committee"), votes={1: 5, 2: 4, 3: 3, 4: 2}, held=2
    )
    await member(database, "auditor", "auditor")
    await member(database, "administrator", "administrator")
    file = tmp_path / "audit.zip"
    with pytest.raises(Refused, match="Auditor / Tally clerk / Supervisor"):
        await run_command("audit-export", SLUG, "--out", str(file), "--as", "administrator")
    assert not file.exists()
    answer = await run_command("audit-export", SLUG, "--out", str(file), "--as", "auditor")
    hashed = sha256(file.read_bytes()).hexdigest()
    assert hashed in answer.stdout
    assert [path.name for path in tmp_path.glob("*audit.zip*")] == ["audit.zip"]
    line = await database.fetchrow(
        "select actor, act, contest, details from audit_log where act = 'exported'"
    )
    assert line is not None
    assert (line["actor"], line["contest"]) == ("auditor", SLUG)
    assert line["details"] == {"sha256": hashed, "bytes": file.stat().st_size}
    for name in ("DATABASE_URL", "MASTER_KEY", "VALKEY_URL", "SIGNING_KEY_FILE"):
        monkeypatch.delenv(f"VOTING_{name}")
    table = await run_command("replay", str(file))
    assert table.exit_code == 0
    assert "16 ballots, 0 rulings: everything agrees" in table.stdout
    facts = json.loads((await run_command("replay", str(file), "--format", "json")).stdout)
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
        await run_command("audit-export", SLUG, "--out", str(file), "--as", "clerk")
    assert file.read_bytes() == b"mine"
    with pytest.raises(InvalidInput, match="is not an audit archive"):
        await run_command("replay", str(file))
