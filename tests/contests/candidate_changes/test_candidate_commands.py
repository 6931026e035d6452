"""`voting-service candidate`: two people at two terminals."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.commands import invoke, set_environment
from tests.contest_data import SLUG, store_contest
from tests.cut_data import MASTER_KEY, member
from tests.picture_files import jpeg
from voting_service.contests.pictures.repository import load_all_pictures
from voting_service.contests.repository import load_contest
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.settings import Settings

WHY = ("--reason-zh", "本人申请", "--reason-en", "at their request")


async def test_correct_withdraw_approve_and_list(
    database: Connection, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    set_environment(monkeypatch, settings)
    contest = await store_contest(database, MASTER_KEY)
    for name, role in (("clerk", "tally_clerk"), ("second", "supervisor")):
        await member(database, name, role)  # type: ignore[arg-type]
    portrait = tmp_path / "new.jpg"
    portrait.write_bytes(jpeg())

    async def run(*words: object, name: str) -> str:
        # A one-time code is good once; here nobody waits half a minute for the next.
        await database.execute("update accounts set last_totp_step = 0")
        result = await invoke("candidate", *words, "--as", name)
        return result.output if result.exit_code == 0 else f"{result.exit_code}: {result.exception}"

    async def proposed(*words: object) -> str:
        output = await run(*words, name="clerk")
        match = re.search(r"request (\d+)", output)
        assert match, output
        return match[1]

    correct = ("correct", SLUG, 2, "--set", "name.en=Wang Wu", "--portrait", portrait, *WHY)
    assert "no field nme" in await run("correct", SLUG, 2, "--set", "nme=x", *WHY, name="clerk")
    request = await proposed(*correct)
    assert "cannot approve it" in await run("approve", SLUG, request, name="clerk")
    assert "approved: correct the profile" in await run("approve", SLUG, request, name="second")
    assert (await load_contest(database, SLUG)).candidates[1].name.en == "Wang Wu"
    assert len((await load_all_pictures(database, contest.id))[2]) == 1

    withdraw = ("withdraw", SLUG, 3, "--ground", "stepped_back", *WHY)
    first = await proposed(*withdraw)
    declined = await run("decline", SLUG, first, "--because", "wait", name="second")
    assert "declined request" in declined
    request = await proposed(*withdraw)
    listed = (await invoke("candidate", "list", SLUG)).output
    assert f"request {request} waits, proposed by clerk" in listed
    await run("approve", SLUG, request, name="second")
    listed = (await invoke("candidate", "list", SLUG)).output
    assert "candidate 2 Wang Wu corrected: at their request" in listed
    assert "withdrew, Stepped back: at their request" in listed
