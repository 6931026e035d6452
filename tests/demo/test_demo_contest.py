"""The demo contest: the notice's rules, and nobody who could be taken for a person."""

from __future__ import annotations

from datetime import timedelta
from xml.etree import ElementTree

from voting_service.demo import contest
from voting_service.demo.portrait import portrait


def test_the_rules_are_the_announced_ones() -> None:
    rules = contest.RULES
    assert (rules.ballot.min_choices, rules.ballot.max_choices) == (1, 10)
    assert rules.ballot.every == "day"
    assert rules.release.mode == "live"
    assert (rules.cut.size, rules.cut.tie) == (30, "committee")
    assert rules.time_zone == "Asia/Shanghai"
    assert timedelta(days=31) == contest.DURATION


def test_fifty_candidates_who_say_that_they_are_placeholders() -> None:
    candidates = contest.candidates()
    assert [candidate.number for candidate in candidates] == list(range(1, 51))
    for candidate in candidates:
        assert "占位" in candidate.name.zh
        assert "placeholder" in candidate.name.en
        assert "并非真实人物" in candidate.summary.zh
        assert "not a real person" in candidate.summary.en
        assert "placeholders" in candidate.story.en


def test_every_district_of_the_notice_recommends_somebody_and_none_more_than_six() -> None:
    districts = [candidate.district.zh for candidate in contest.candidates()]
    assert len(set(districts)) == 38 + 3
    assert max(districts.count(district) for district in districts) <= 6


def test_portraits_are_drawn_and_differ() -> None:
    drawings = {number: portrait(number, f"Candidate {number}") for number in range(1, 51)}
    assert len(set(drawings.values())) == 50
    for number, drawing in drawings.items():
        root = ElementTree.fromstring(drawing)
        assert root.attrib["aria-label"] == f"Candidate {number}"
        assert root[-1].text == f"{number:02d}"
    assert portrait(7, "same") == portrait(7, "same")
