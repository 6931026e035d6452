"""The rules in plain words: complete for every contest, in both languages."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from html import unescape
from typing import Any, Literal

import msgspec
import pytest
from msgspec.structs import replace

from tests.contest_data import candidates, make_platform
from voting_service.contests.model import (
    BallotRules,
    Contest,
    ContestRules,
    CutRules,
    EarlyClose,
    Organiser,
    Platform,
    ReleaseSchedule,
)
from voting_service.demo import contest as demo
from voting_service.i18n.text import LANGUAGES, Language, Text
from voting_service.sites.public.caches.pages import PageCache
from voting_service.sites.public.rendering import texts

OPENS = datetime(2022, 7, 18, 1, 0, tzinfo=UTC)
CLOSES = datetime(2022, 8, 18, 4, 30, tzinfo=UTC)
MODES: tuple[Literal["live", "daily", "hidden"], ...] = ("live", "daily", "hidden")
TIES: tuple[Literal["committee", "lot", "advance_all"], ...] = ("committee", "lot", "advance_all")
COMBINATIONS = list(
    itertools.product(("day", "contest"), MODES, (0, 24), TIES, (False, True), (False, True))
)


def leaves(section: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    """Every text with the names that lead to it."""
    for key, value in section.items():
        match value:
            case str():
                yield f"{path}{key}", value
            case tuple():
                yield from leaves({str(n): text for n, text in enumerate(value)}, f"{path}{key}.")
            case _:
                yield from leaves(value, f"{path}{key}.")


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"\{(\w*)\}", text))


def test_both_languages_have_the_same_texts_with_the_same_gaps() -> None:
    zh, en = (dict(leaves(texts(language))) for language in LANGUAGES)
    assert zh.keys() == en.keys()
    assert {key for key in zh if placeholders(zh[key]) != placeholders(en[key])} == set()


def test_no_text_is_empty_and_none_has_stray_spaces() -> None:
    for language in LANGUAGES:
        for key, text in leaves(texts(language)):
            assert text.strip() == text, key
            assert text, key


SOURCE = Text(zh="截止后首期开奖号码", en="the first draw after the close")


def make_contest(
    every: Any, mode: Any, blackout_hours: int, tie: Any, has_contact: bool, closed_early: bool
) -> Contest:
    rules: ContestRules = msgspec.structs.replace(
        demo.RULES,
        ballot=BallotRules(min_choices=2, max_choices=9, every=every),
        release=ReleaseSchedule(
            mode=mode,
            daily_at=time(18, 30) if mode == "daily" else None,
            blackout_hours=blackout_hours,
        ),
        cut=CutRules(size=30, tie=tie, lot_source=SOURCE if tie == "lot" else None),
        contact=Text(zh="请致电 12333", en="Call 12333") if has_contact else None,
        early_close=EarlyClose("clerk", CLOSES + timedelta(days=3)) if closed_early else None,
    )
    return Contest(1, "rules-2022", rules, OPENS, CLOSES, 1, candidates(3))


def words(contest: Contest, language: Language, platforms: Sequence[Platform] = ()) -> str:
    """The text of the page's main part, as a reader reads it."""
    page = PageCache(contest, OPENS, "", {}).rules(language, platforms).body.decode()
    main = page[page.index("<main") : page.index("</main>")]
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", main)))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_combination_is_shown_completely(language: Language) -> None:
    rules_texts = texts(language)["rules"]
    dated = {"zh": "18:30（北京时间）", "en": "18:30 Beijing time (UTC+8)"}
    for every, mode, blackout_hours, tie, has_contact, closed_early in COMBINATIONS:
        contest = make_contest(every, mode, blackout_hours, tie, has_contact, closed_early)
        page_text = words(contest, language)
        assert "{" not in page_text and "}" not in page_text and "None" not in page_text
        for section in ("who", "often", "window", "release", "cut", "forbidden", "fraud",
                        "privacy", "complain"):  # fmt: skip
            assert rules_texts[section]["title"] in page_text
        assert rules_texts["often"][every]["account"] in page_text
        other = {"day": "contest", "contest": "day"}[every]
        assert rules_texts["often"][other]["account"] not in page_text
        assert rules_texts["often"]["names"].format(min=2, max=9) in page_text
        assert rules_texts["release"][mode].format(daily_at=dated[language]) in page_text
        blackout = rules_texts["release"]["blackout"].format(hours=blackout_hours)
        assert (blackout in page_text) == (blackout_hours > 0)
        assert rules_texts["cut"]["text"]["final"].format(size=30) in page_text
        assert [rule for rule in TIES if rules_texts["cut"][rule] in page_text] == [tie]
        assert (getattr(SOURCE, language) in page_text) == (tie == "lot")
        assert all(item in page_text for item in rules_texts["forbidden"]["items"])
        assert rules_texts["complain"]["platform"] not in page_text, "there is a telephone"
        nobody = replace(contest.rules, contact=None, telephone=None, email=None, address=None)
        alone = words(replace(contest, rules=nobody), language)
        assert rules_texts["complain"]["platform"] in alone
        assert ("12333" in page_text) == has_contact
        assert (rules_texts["changes"]["title"] in page_text) == closed_early


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_word_of_an_expert_panel_where_none_follows(language: Language) -> None:
    """On the rules page, in the standings, on the page of the outcome and in print."""
    final = make_contest("day", "live", 24, "advance_all", False, False)
    rules = msgspec.structs.replace(final.rules, introduction=None, own_rules=None)
    final = msgspec.structs.replace(final, rules=rules)
    cut = msgspec.structs.replace(final.rules.cut, panel=True)
    panel = msgspec.structs.replace(final, rules=msgspec.structs.replace(final.rules, cut=cut))
    expert = {"zh": "专家", "en": "expert"}[language]
    assert expert in words(panel, language)
    assert expert not in words(final, language)
    elsewhere = [
        path
        for path, text in leaves(texts(language))
        if expert in text.lower() and not path.endswith(".panel")
    ]
    assert {path.split(".")[0] for path in elsewhere} == {"result"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_holds_the_contest_and_what_it_adds_are_shown(language: Language) -> None:
    def both(text: str) -> Text:
        return Text(zh=f"{text}（中）", en=f"{text} (E)")

    contest = make_contest("day", "live", 0, "lot", True, False)
    rules = msgspec.structs.replace(
        contest.rules,
        introduction=both("First paragraph\nsecond paragraph"),
        organisers=(Organiser(both("Host"), both("Joint body")),),
        own_rules=both("Rule A\nRule B <script>"),
        telephone="+86 (23) 1234-5678",
        email="vote@example.org",
        address=both("1 Example Road"),
    )
    contest = msgspec.structs.replace(contest, rules=rules)
    page_text = words(contest, language)
    for shown in ("First paragraph", "Host", "Joint body", "Rule A", "Rule B <script>",
                  "+86 (23) 1234-5678", "vote@example.org", "1 Example Road"):  # fmt: skip
        assert shown in page_text
    page = PageCache(contest, OPENS, "", {}).rules(language, ()).body.decode()
    assert 'href="tel:+86231234-5678"' in page
    assert 'href="mailto:vote@example.org"' in page
    assert "<p>Rule A</p>" in page


@pytest.mark.parametrize("every", ["day", "contest"])
def test_who_is_one_voter_is_said_as_the_platforms_sign_in(every: str) -> None:
    contest = make_contest(every, "live", 0, "lot", False, False)
    paper = make_platform(name=Text(zh="晚报", en="Evening Paper"), person_policy="required")
    radio = make_platform(name=Text(zh="电台", en="Radio"), person_policy="required")
    forum = make_platform(name=Text(zh="论坛", en="Forum"))
    sentences = {
        "day": (
            "每人每天可投一张选票；换用其他账号或平台的，只计一张。",
            "每个平台账号每天可投一张选票。",
            "通过晚报和电台投票的，每人每天可投一张选票；换用其他账号的，只计一张。"
            "通过论坛投票的，每个账号每天可投一张选票。",
        ),
        "contest": (
            "每人只能投一张选票；换用其他账号或平台的，只计一张。",
            "每个平台账号只能投一张选票。",
            "通过晚报和电台投票的，每人只能投一张选票；换用其他账号的，只计一张。"
            "通过论坛投票的，每个账号只能投一张选票。",
        ),
    }
    for listed, sentence in zip(
        ([paper, radio], [forum], [paper, radio, forum]), sentences[every], strict=True
    ):
        assert sentence in words(contest, "zh", listed)
    english = words(contest, "en", [paper, radio, forum])
    assert "Through Evening Paper and Radio: one ballot per person" in english
    assert "Through Forum: one ballot per " in english


def test_the_page_follows_a_change_of_the_platforms() -> None:
    pages = PageCache(make_contest("day", "live", 0, "lot", False, False), OPENS, "", {})
    forum = make_platform()
    first = pages.rules("en", [forum])
    assert pages.rules("en", [forum]) is first
    changed = pages.rules("en", [msgspec.structs.replace(forum, person_policy="required")])
    assert "One ballot per person per day" in changed.body.decode()


def test_times_are_the_contests_own() -> None:
    contest = make_contest("day", "live", 0, "lot", False, True)
    assert "2022年7月18日 09:00至2022年8月18日 12:30（北京时间）" in words(contest, "zh")
    assert "原定2022年8月21日 12:30（北京时间）" in words(contest, "zh")
    page_text = words(contest, "en")
    assert "From 18 July 2022, 09:00 to 18 August 2022, 12:30 Beijing time (UTC+8)" in page_text


def test_sentences_stand_as_their_language_sets_them() -> None:
    contest = make_contest("day", "live", 24, "lot", False, False)
    assert not re.search(r"。 +\w+。", words(contest, "zh"))
    assert not re.search(r"\.[A-Z]", words(contest, "en"))
