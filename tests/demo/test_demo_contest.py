"""The demo contest: the rules of the notice, and candidates who are nobody."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from joserfc.jwk import OKPKey

from voting_service.contests.model import (
    LINE_CHARACTERS,
    STORY_CHARACTERS,
    count_characters,
    find_text_fault,
)
from voting_service.contests.pictures.repository import load_file
from voting_service.contests.repository import load_platforms
from voting_service.demo import contest
from voting_service.demo.contents import encoded_portrait, insert_platforms
from voting_service.demo.data_folder import DataFolder
from voting_service.demo.placeholder_people import form
from voting_service.demo.portrait import portrait
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.nomination.model import RecommendingBody
from voting_service.nomination.recommending_bodies import LISTED_BODIES


def test_a_recommendation_names_the_place_of_its_body_only() -> None:
    for number, listed in enumerate(LISTED_BODIES, 1):
        body = RecommendingBody(number, listed.slug, "district", listed.name)
        made = form(number, date(2026, 6, 1), body)
        texts = made.deeds + made.skills + made.employer_address
        assert listed.name.zh in made.employer_address
        others = {other.name.zh for other in LISTED_BODIES} - {listed.name.zh}
        assert not [name for name in others if name in texts], number


def test_the_rules_are_the_announced_ones() -> None:
    rules = contest.RULES
    assert (rules.ballot.min_choices, rules.ballot.max_choices) == (1, 10)
    assert rules.ballot.every == "day"
    assert rules.release.mode == "live"
    assert (rules.cut.size, rules.cut.tie) == (30, "committee")
    assert rules.time_zone == "Asia/Shanghai"
    assert timedelta(days=31) == contest.DURATION


def test_fifty_candidates_with_whole_stories_and_nobody_s_name() -> None:
    candidates = contest.candidates()
    assert [candidate.number for candidate in candidates] == list(range(1, 51))
    for candidate in candidates:
        assert re.fullmatch(
            "匠人[甲乙丙丁戊己庚辛壬癸][子丑寅卯辰巳午未申酉戌亥]", candidate.name.zh
        )
        assert "并非真实人物" in candidate.story.zh
        assert "not a real person" in candidate.story.en
        assert 1_300 <= count_characters(candidate.story.zh) <= STORY_CHARACTERS
        assert 1_200 <= count_characters(candidate.story.en) <= STORY_CHARACTERS
        assert 2 <= len(set(candidate.honours)) == len(candidate.honours)
        for text in (candidate.name, candidate.trade, candidate.employer, candidate.skill_grade):
            assert text is not None
            assert find_text_fault("", text.zh, limit=LINE_CHARACTERS, line_breaks=False) is None
            assert find_text_fault("", text.en, limit=LINE_CHARACTERS, line_breaks=False) is None
            assert not re.search(r"[一-鿿]", text.en)
    assert len({candidate.name.zh for candidate in candidates}) == 50
    assert len({candidate.story for candidate in candidates}) == 50
    trades = [candidate.trade.zh for candidate in candidates]
    assert trades[:25] == trades[25:]
    assert len(set(trades)) == 25


def test_a_trade_that_comes_again_tells_of_itself_in_other_words() -> None:
    for number in range(1, 26):
        first, second = (contest.candidate(n).story.zh.split("\n") for n in (number, number + 25))
        assert len(set(first) & set(second)) <= 1


def test_every_district_of_the_notice_recommends_somebody_and_none_more_than_six() -> None:
    districts = [candidate.district.zh for candidate in contest.candidates()]
    assert len(set(districts)) == 38 + 3
    assert max(districts.count(district) for district in districts) <= 6


def test_portraits_are_drawn_and_differ() -> None:
    drawings = {number: portrait(number, contest.trade_index(number)) for number in range(1, 51)}
    assert len({drawing.tobytes() for drawing in drawings.values()}) == 50
    assert {(drawing.mode, drawing.size) for drawing in drawings.values()} == {("RGB", (640, 896))}
    assert portrait(7, 6).tobytes() == drawings[7].tobytes()


def test_a_trade_has_a_pattern_of_its_own() -> None:
    patterns = {portrait(1, trade).tobytes() for trade in range(25)}
    assert len(patterns) == 25


def test_a_portrait_is_encoded_small_and_the_same_every_time() -> None:
    encoded = encoded_portrait(23)
    assert encoded == encoded_portrait(23)
    sizes = {(file.width, file.format): len(file.data) for file in encoded.files}
    assert sizes[160, "avif"] <= 6_000
    assert sizes[160, "webp"] <= 6_000


async def test_one_demo_platform_names_the_person_and_one_never_does(
    database: Connection, tmp_path: Path
) -> None:
    data = DataFolder(tmp_path)
    data.ensure_keys()
    await insert_platforms(database, data)
    platforms = await load_platforms(database)
    policies = {platform.slug: platform.person_policy for platform in platforms}
    assert policies == {"demo": "never", "demo-press": "required"}
    for platform in platforms:
        key = OKPKey.import_key((tmp_path / "platforms" / f"{platform.slug}.pem").read_bytes())
        assert platform.config["keys"] == [key.as_dict(private=False, kid=key.thumbprint())]
        assert platform.entrance is not None and platform.app_name is not None
        assert urlsplit(platform.entrance).netloc.endswith(".example"), "a reserved domain"
        assert platform.logo is not None
        assert await load_file(database, platform.logo.hash, platform.logo.width, "png")
