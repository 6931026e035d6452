"""`voting-service hold` and `ruling` as staff use them."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import Result

from tests.commands import Command, run_command, set_environment
from tests.contest_data import SLUG, store_contest
from tests.cut_data import (
    CLOSES,
    MASTER_KEY,
    OPENS,
    StoredBallot,
)
from tests.voting.rulings.rulings_data import (
    get_staff,
    hold,
    propose_one,
    store_ballots,
)
from tests.voting.rulings.test_hold_files import campaign, write
from voting_service.errors import (
    NotFound,
    Refused,
    SecondPersonRequired,
)
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.settings import Settings
from voting_service.voting.tally.repository import count_now


@pytest.fixture
def command(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Command:
    set_environment(monkeypatch, settings)

    async def call(*words: str) -> Result:
        result = await run_command(*words)
        assert result.exit_code == 0, result.output
        return result

    return call


async def test_from_an_examination_to_a_ruling(
    database: Connection, command: Command, tmp_path: Path
) -> None:
    contest = await store_contest(database, MASTER_KEY, opens_at=OPENS, closes_at=CLOSES)
    await get_staff(database)
    ids = await store_ballots(database, contest, [StoredBallot([1])] * 3)
    members: dict[str, int | None] = {ids[0].hex(): 0, ids[1].hex(): 0, ids[2].hex(): None}
    write(tmp_path, [campaign(0, 2)], members)
    made = await command("hold", "import", SLUG, str(tmp_path))
    assert made.stdout == "hold 1 created, 2 ballots\n"
    again = await command("hold", "import", SLUG, str(tmp_path))
    assert again.stdout == "hold 1 already exists, 2 ballots\n"
    assert "证据" in (await command("hold", "list", SLUG, "--state", "open")).stdout
    words = ("--reason", "automated_voting", "--words", "核对过")
    proposed = await command("ruling", "propose", SLUG, "void", "1", *words, "--as", "clerk")
    assert f"ruling approve {SLUG} 1 --as NAME" in proposed.stdout
    assert "证据" not in (await command("hold", "list", SLUG, "--state", "open")).stdout
    assert await count_now(database, contest.id) == (3, {1: 3})
    decided = await command("ruling", "approve", SLUG, "1", "--as", "supervisor")
    assert decided.stdout == "Approved by clerk and supervisor: hold 1: void, automated_voting\n"
    assert await count_now(database, contest.id) == (1, {1: 1})
    shown = (await command("hold", "show", SLUG, "1")).stdout
    for part in ("evidence", "observed 9, expected 1.5", "device a1b2: 2 ballots", "核对过"):
        assert part in shown
    acts = await database.fetch("select act, subject from audit_log where act in ('viewed')")
    assert [tuple(row) for row in acts] == [("viewed", "hold 1")]


async def test_a_proposal_is_declined_and_nobody_approves_alone(
    database: Connection, command: Command
) -> None:
    contest = await store_contest(database, MASTER_KEY, opens_at=OPENS, closes_at=CLOSES)
    staff = await get_staff(database)
    ids = await store_ballots(database, contest, [StoredBallot([1], held=True)])
    questioned = await hold(database, contest, ids)
    await propose_one(database, contest, staff.clerk, questioned, "count")
    with pytest.raises(SecondPersonRequired):
        await command("ruling", "approve", SLUG, "1", "--as", "clerk")
    with pytest.raises(Refused, match="auditor"):
        await command("ruling", "decline", SLUG, "1", "--because", "no", "--as", "auditor")
    with pytest.raises(NotFound):
        await command("ruling", "approve", SLUG, "9", "--as", "supervisor")
