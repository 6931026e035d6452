"""What an announcement alone shows: each mistake with its moment, and nothing invented."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from tests.candidate_changes import TwoPeople
from tests.contest_data import both, store_contest
from tests.rehearsal.contest_files import contest_file
from voting_service.contests.drafts.model import new_content
from voting_service.contests.drafts.repository import insert_draft
from voting_service.contests.model import EarlyClose, Platform
from voting_service.errors import InvalidInput, NotFound
from voting_service.i18n.text import LANGUAGES
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.rehearsal.announcement import Announcement, Surroundings, read_file, read_stored
from voting_service.rehearsal.checks import check
from voting_service.rehearsal.findings import Finding

SHANGHAI = ZoneInfo("Asia/Shanghai")
CLOSES = datetime(2022, 7, 19, 10, tzinfo=UTC)


def announced(tmp_path: Path, **changed: Any) -> Announcement:
    path = tmp_path / "contest.toml"
    path.write_text(contest_file(**changed), encoding="utf-8")
    return read_file(path)


def platform(**changed: Any) -> Platform:
    plain = Platform(
        *(1, "daily", both("Daily"), "jwt", {"keys": [{"kty": "OKP"}]}, (), None, True, 1)
    )
    return msgspec.structs.replace(plain, **changed)


def around(contest: Announcement, **things: Any) -> Announcement:
    return msgspec.structs.replace(contest, surroundings=Surroundings(**things))


def findings(contest: Announcement) -> list[tuple[str, datetime]]:
    """Return name and moment of what would fail; every sentence and remedy can be written."""
    names = check(contest, SHANGHAI)
    for finding in names:
        assert all(getattr(finding.sentence(SHANGHAI), language) for language in LANGUAGES)
        assert all(getattr(finding.remedy(SHANGHAI), language) for language in LANGUAGES)
    return [(finding.name, finding.at) for finding in names]


def test_a_sound_announcement_has_no_finding(tmp_path: Path) -> None:
    contest = announced(tmp_path)
    assert findings(contest) == []
    sound = around(contest, platforms=(platform(),), notice_days=5, deciders=2)
    assert findings(sound) == []
    assert contest.feasible() == contest.contest


def test_a_cut_larger_than_the_field_is_rehearsed_as_far_as_it_goes(tmp_path: Path) -> None:
    contest = announced(tmp_path, size=13)
    assert findings(contest) == [("cut_larger_than_field", CLOSES)]
    assert contest.feasible().rules.cut.size == 12


def test_a_blackout_after_the_close(tmp_path: Path) -> None:
    contest = announced(tmp_path, blackout_hours=-6)
    assert findings(contest) == [("blackout_after_close", CLOSES)]
    assert contest.feasible().rules.release.blackout_hours == 0


def test_a_close_that_was_moved_before_the_announced_blackout(tmp_path: Path) -> None:
    contest = announced(tmp_path)
    early = EarlyClose("supervisor-1", CLOSES + timedelta(days=3))
    moved = msgspec.structs.replace(
        contest,
        contest=contest.contest._replace(
            rules=msgspec.structs.replace(contest.rules, early_close=early)
        ),
    )
    assert findings(moved) == [("blackout_after_close", CLOSES)]


def test_a_blackout_of_the_whole_vote(tmp_path: Path) -> None:
    contest = announced(tmp_path, blackout_hours=33)
    assert [name for name, _ in findings(contest)] == ["blackout_before_opening"]


def test_a_platform_without_a_key(tmp_path: Path) -> None:
    without: tuple[dict[str, Any], ...] = ({}, {"keys": []})
    for config in without:
        contest = around(announced(tmp_path), platforms=(platform(config=config),))
        assert findings(contest) == [("platform_without_key", contest.contest.opens_at)]
    published = platform(config={"jwks_url": "https://daily.example/keys"})
    switched_off = platform(config={}, enabled=False)
    assert findings(around(announced(tmp_path), platforms=(published, switched_off))) == []
    nobody = around(announced(tmp_path), platforms=(switched_off,))
    assert [name for name, _ in findings(nobody)] == ["no_platform"]


def test_a_snapshot_in_the_wrong_zone(tmp_path: Path) -> None:
    contest = announced(tmp_path, time_zone="America/New_York")
    assert findings(contest) == [("snapshot_in_other_zone", datetime(2022, 7, 19, tzinfo=UTC))]
    (finding,) = check(contest, SHANGHAI)
    assert "appear at 08:00 their time" in finding.sentence(contest.zone).en
    assert findings(announced(tmp_path, time_zone="Asia/Taipei")) == []


def test_times_written_with_another_offset(tmp_path: Path) -> None:
    contest = announced(tmp_path, opens_at="2022-07-18T09:00:00Z")
    assert [name for name, _ in findings(contest)] == ["written_in_other_zone"]
    assert contest.other_offsets == ("window.opens_at",)
    assert findings(announced(tmp_path, opens_at="2022-07-18T09:00:00+08:00")) == []


def test_a_notice_period_of_no_day(tmp_path: Path) -> None:
    contest = around(announced(tmp_path), notice_days=0)
    assert findings(contest) == [("no_notice_period", contest.published_at)]


def test_one_person_cannot_decide_and_low_ceilings_hold_votes(tmp_path: Path) -> None:
    assert findings(around(announced(tmp_path), deciders=1)) == [("no_second_person", CLOSES)]
    low, unlimited = platform(daily_ceiling=1_000), platform(slug="press")
    contest = announced(tmp_path)
    assert [name for name, _ in findings(around(contest, platforms=(low,)))] == ["ceilings_too_low"]
    assert findings(around(contest, platforms=(low, unlimited))) == []


def test_other_faults_of_a_file_are_those_of_an_import(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        announced(tmp_path, size=13, time_zone="Mars/Base")
    assert [fault.field for fault in caught.value.faults] == [
        "time_zone (line 3)",
        "cut.size (line 19)",
    ]
    with pytest.raises(InvalidInput):
        read_file(tmp_path / "absent.toml")


def test_a_cut_that_the_file_leaves_out_is_of_the_usual_size(tmp_path: Path) -> None:
    path = tmp_path / "contest.toml"
    path.write_text(contest_file().replace("[cut]\nsize = 6\n", "[cut]\n"), encoding="utf-8")
    contest = read_file(path)
    assert contest.rules.cut.size == 30
    assert findings(contest) == [("cut_larger_than_field", CLOSES)]


def test_a_file_that_names_a_list_of_candidates_is_rehearsed_with_it(tmp_path: Path) -> None:
    tables, *_ = contest_file(size=13).partition("\n[[candidates]]")
    rows = "\n".join(f"{n},焊工{n},焊工,渝中区,…,…" for n in range(1, 13))
    heading = "编号,姓名,职业工种,区县,一句话事迹,事迹材料"
    (tmp_path / "list.csv").write_text(f"{heading}\n{rows}\n", encoding="utf-8")
    path = tmp_path / "contest.toml"
    path.write_text(f'candidates_file = "list.csv"\n{tables}', encoding="utf-8")
    assert findings(read_file(path)) == [("cut_larger_than_field", CLOSES)]


async def test_a_draft_and_a_contest_without_those_who_withdrew(owner: Connection) -> None:
    people = await TwoPeople.store(owner)
    names = {"title": {"zh": "选树", "en": "Vote"}, "slug": "next", "time_zone": "Asia/Shanghai"}
    entries = tomllib.loads(contest_file())["candidates"]
    await insert_draft(people.proposer(), {**new_content(names, CLOSES), "candidates": entries})
    draft = await read_stored(owner, "next")
    assert [name for name, _ in findings(draft)] == ["no_platform", "cut_larger_than_field"]

    stored = await store_contest(owner, b"m" * 32)
    await people.withdraw(stored, 2)
    rehearsed = await read_stored(owner, stored.slug)
    assert [candidate.number for candidate in rehearsed.contest.candidates] == [1, 3, 4, 5]
    with pytest.raises(NotFound):
        await read_stored(owner, "unknown")


def test_the_same_finding_is_one() -> None:
    assert Finding("no_ballot", CLOSES, {"opens": CLOSES}) == Finding(
        "no_ballot", CLOSES, {"opens": CLOSES}
    )
