"""A contest of two days as an organiser rehearses it: both mistakes are found, all else works."""

from __future__ import annotations

import asyncio
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

from tests.commands import process_environment
from tests.contest_data import both, store_platform
from tests.cut_data import member
from tests.rehearsal.contest_files import contest_file
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.nomination.model import NewSelection, SelectionRules
from voting_service.nomination.repository import insert_selection
from voting_service.settings import Settings

KEY = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}


async def store_surroundings(database: Connection, owner: Connection) -> None:
    """What the contest depends on, with two mistakes: a platform has no key, and the notice period
    has no day."""
    await store_platform(database, "daily", [KEY])
    await store_platform(database, "press", [KEY], person_policy="required")
    await store_platform(database, "radio")
    rules = SelectionRules(title=both("选树"), industries={}, notice_days=0)
    begins, ends = datetime(2022, 5, 1, tzinfo=UTC), datetime(2022, 6, 1, tzinfo=UTC)
    selection = NewSelection(slug="crafts-2022", rules=rules, opens_at=begins, closes_at=ends)
    await insert_selection(owner, selection)
    await member(owner, "clerk-1")
    await member(owner, "supervisor-1", "supervisor")


async def test_a_whole_contest_in_seconds(
    database: Connection, owner: Connection, settings: Settings, tmp_path: Path
) -> None:
    await store_surroundings(database, owner)
    file, out = tmp_path / "contest.toml", tmp_path / "reports"
    file.write_text(contest_file(), encoding="utf-8")
    command = [sys.executable, "-m", "voting_service", "rehearse", file, "--out", out]
    process = await asyncio.create_subprocess_exec(
        *map(str, command),
        "--voters=300",
        env=process_environment(settings),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed = (await process.communicate())[0].decode()
    assert process.returncode == 1, printed
    remedies = [line for line in printed.splitlines() if line.startswith("- ")]
    assert len(remedies) == 2, printed
    assert "The notice period has 0 days" in printed
    assert "radio (radio) has no key" in printed

    report = (out / "report.en.txt").read_text(encoding="utf-8")
    for seen in (
        "The profiles of 12 candidates are public in both languages.",
        "The public counts show ",
        "The blackout begins: the public counts stay as they are.",
        "The profile of candidate 1 shows the correction",
        "The person who proposed a withdrawal could not approve it alone.",
        "who can no longer be chosen.",
        "The answer to the objection was found by its number.",
        "Voting is over; the pages say so, and no ballot is taken.",
        "radio: nobody could sign in; ",
        "The person who proposed a ruling could not approve it alone.",
        "The person who proposed the publication could not approve it alone.",
        "A tie at the line: ",
        "The committee's order of the tied candidates was recorded by two people.",
        "The signed cut names 6 candidates and verifies.",
    ):
        assert seen in report
    stopped = re.findall(r"tried (\d+), refused (\d+), asked for work (\d+), .*void (\d+)", report)
    assert len(stopped) == 10
    for tried, refused, challenged, void in stopped:
        assert int(refused) + int(challenged) + int(void) >= 0.9 * int(tried), report

    for language, title in (("zh", "演练报告"), ("en", "Rehearsal")):
        page = (out / f"report.{language}.html").read_text(encoding="utf-8")
        assert title in page
        assert page.count('class="flag"') == 2
        assert "<script" not in page
        assert "{" not in page.partition("</style>")[2]
    assert await owner.fetchval("select count(*) from contests") == 0, "only read"
