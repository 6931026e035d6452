"""The list of changes on the public rules page: complete, in both languages, on every worker."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from tests.browser.site import SLUG, Site
from tests.cut_data import member
from tests.sites.public.information.test_rules_page import (
    leaves,
    make_contest,
    placeholders,
)
from voting_service.contests.settings.descriptions import describe_changes
from voting_service.contests.settings.model import SETTINGS
from voting_service.contests.settings.platform_changes import switch_platform_off
from voting_service.contests.settings.repository import AnnouncedChange
from voting_service.contests.settings.service import approve_change, change_setting
from voting_service.i18n.catalogues import load_catalogue
from voting_service.i18n.text import LANGUAGES, Language, Text
from voting_service.sites.public.caches.pages import PageCache
from voting_service.staff.actor import Actor

WHY = Text("机房停电", "No power")
MOMENT = datetime(2022, 8, 1, 2, 0, tzinfo=UTC)
PLATFORM = {"slug": "demo", "name": {"zh": "日报", "en": "Daily"}, "enabled": True}
VALUES: list[tuple[Any, Any, Any]] = [
    ("title", {"zh": "旧", "en": "Old"}, {"zh": "新", "en": "New"}),
    *(
        (text, None, {"zh": "请致电 12333", "en": "Call 12333"})
        for text in ("theme", "introduction", "own_rules", "contact", "address")
    ),
    ("organisers", [],
     [{"role": {"zh": "主办", "en": "Host"}, "name": {"zh": "市总工会", "en": "City Union"}}]),
    ("telephone", "12333", "12345"),
    ("email", "old@example.org", "new@example.org"),
    ("logo", None, {"hash": "0" * 32, "width": 9, "height": 9}),
    ("publish_at", "2022-07-18T01:00:00Z", None),
    ("opens_at", "2022-07-18T01:00:00Z", "2022-07-19T01:00:00Z"),
    ("closes_at", "2022-07-18T01:00:00Z", "2022-07-19T01:00:00Z"),
    ("release", {"mode": "live", "daily_at": None}, {"mode": "daily", "daily_at": "18:30:00"}),
    ("release", {"mode": "hidden", "daily_at": None}, {"mode": "live", "daily_at": None}),
    ("blackout_hours", 0, 24),
    ("list_order", "shuffled", "number"),
    ("expected_voters_per_day", 1_000_000, 5_000_000),
    *(
        ("ballot", {"min_choices": 1, "max_choices": 9, "every": every},
         {"min_choices": 1, "max_choices": 5, "every": every})
        for every in ("day", "contest")
    ),
    ("cut", {"size": 30, "tie": "committee"},
     {"size": 31, "tie": "lot", "lot_source": {"zh": "首期开奖", "en": "First draw"}}),
    ("cut", {"size": 30, "tie": "lot"}, {"size": 30, "tie": "advance_all"}),
    ("platform", PLATFORM, {**PLATFORM, "enabled": False}),
    ("platform", None, PLATFORM),
]  # fmt: skip


def changes() -> list[AnnouncedChange]:
    return [
        AnnouncedChange(place, MOMENT, setting, before, after, WHY, None)
        for place, (setting, before, after) in enumerate(VALUES)
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_of_change_is_said_in_words(language: Language) -> None:
    contest = make_contest("day", "live", 0, "lot", False, False)
    descriptions = describe_changes(changes(), contest, language)
    assert {setting for setting, _, _ in VALUES} == {*SETTINGS, "platform"}
    for line in descriptions:
        assert line.before != line.after
        for text in (line.setting, line.before, line.after, line.reason):
            assert text and not re.search(r"[{}_]|None|True|False", text), line
        if language == "zh":
            assert re.search(r"[一-鿿]", line.setting + line.after)
        else:
            assert not re.search(r"[一-鿿]", "".join((line.setting, line.before, line.after)))


def test_both_languages_have_the_same_texts() -> None:
    zh, en = (dict(leaves(load_catalogue("contest_settings", x)))
              for x in LANGUAGES)  # fmt: skip
    assert zh.keys() == en.keys()
    assert {key for key in zh if placeholders(zh[key]) != placeholders(en[key])} == set()


def test_the_newest_stands_first_and_nothing_gets_into_the_page() -> None:
    contest = make_contest("day", "live", 0, "lot", False, True)
    hostile = Text("<script>", "{reason} </li><script>")
    listed = [
        AnnouncedChange(1, MOMENT, "blackout_hours", 0, 24, WHY, None),
        AnnouncedChange(2, MOMENT, "blackout_hours", 24, 12, hostile, 3),
    ]
    page = PageCache(contest, MOMENT, "", {}, listed).rules("en", ()).body.decode()
    assert page.index("Changed from “24 hours” to “12 hours”") < page.index(
        "Changed from “no freeze” to"
    )
    assert "{reason} &lt;/li&gt;&lt;script&gt;" in page
    assert "1 August 2022, 10:00 Beijing time (UTC+8)" in page
    assert "Voting closed early" not in page, "that is one of the changes now"


async def test_it_shows_as_soon_as_the_workers_hear_of_it(site: Site) -> None:
    first, second = await member(site.database, "staff-1"), await member(site.database, "staff-2")
    now = site.clock()
    later = msgspec.to_builtins(site.contest.closes_at + timedelta(hours=2))
    assert "规则变更" not in (await site.api.get(f"/zh/{SLUG}/rules")).text
    proposed = await change_setting(
        Actor(site.database, first, now), site.contest, "closes_at", later, reason=WHY
    )
    assert proposed is not None
    await site.state.registry.refresh(site.state.read_pool)
    assert "规则变更" not in (await site.api.get(f"/zh/{SLUG}/rules")).text
    await approve_change(Actor(site.database, second, now), SLUG, proposed)
    assert await site.state.registry.refresh(site.state.read_pool)
    page = (await site.api.get(f"/zh/{SLUG}/rules")).text
    assert "投票截止时间" in page and "原因：机房停电" in page

    await switch_platform_off(site.database, "demo", by="staff-1", reason=WHY, now=now)
    assert await site.state.registry.refresh(site.state.read_pool)
    page = (await site.api.get(f"/en/{SLUG}/rules")).text
    assert "demo: suspended" in page and "Reason: No power" in page
