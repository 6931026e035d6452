"""The head of a contest's pages: what happens, how long, and where one is."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from playwright.async_api import Page, expect

from tests.browser.site import Site
from tests.contest_data import candidates, rules
from voting_service.contests.model import Contest, Organiser
from voting_service.i18n.text import Text
from voting_service.sites.public.caches.countdown import count_down
from voting_service.sites.public.caches.pages import PageCache

OPENS = datetime(2022, 7, 18, 1, tzinfo=UTC)
CLOSES = OPENS + timedelta(days=31)
CONTEST = Contest(1, "c", rules(), OPENS, CLOSES, 1, ())
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("now", "unit", "left"),
    [
        (OPENS - 3 * DAY, "days", 3),
        (OPENS - SECOND, "soon", 0),
        (OPENS, "days", 31),
        (OPENS + SECOND, "days", 30),
        (CLOSES - 2 * DAY, "days", 2),
        (CLOSES - 2 * DAY + SECOND, "hours", 47),
        (CLOSES - 2 * HOUR, "hours", 2),
        (CLOSES - 2 * HOUR + SECOND, "soon", 0),
        (CLOSES - SECOND, "soon", 0),
    ],
)
def test_a_countdown_and_how_long_it_holds(now: datetime, unit: str, left: int) -> None:
    countdown = count_down(CONTEST, now)
    assert countdown is not None
    assert (countdown.unit, countdown.left) == (unit, left)
    assert count_down(CONTEST, max(now, countdown.holds_to)) == countdown
    assert count_down(CONTEST, countdown.holds_to + timedelta.resolution) != countdown
    pages = PageCache(CONTEST, now, "https://vote.example", {})
    assert pages.is_current(now)
    assert pages.is_current(countdown.holds_to)
    assert not pages.is_current(countdown.holds_to + timedelta.resolution)
    assert not pages.is_current(now - SECOND)


def test_after_the_close_nothing_is_counted() -> None:
    assert count_down(CONTEST, CLOSES) is None
    assert PageCache(CONTEST, CLOSES, "", {}).is_current(CLOSES + 400 * DAY)


def test_before_publication_theme_organisers_and_close_are_shown() -> None:
    held = Organiser(Text("主办", "Host"), Text("市总工会", "Federation"))
    shown = msgspec.structs.replace(
        CONTEST,
        rules=msgspec.structs.replace(
            CONTEST.rules, theme=Text("匠心", "Craft"), organisers=(held,)
        ),
    )
    page = PageCache(shown, OPENS - 3 * DAY, "", {}).coming("en").body.decode()
    for sentence in ("Craft", "Federation", "It closes at"):
        assert sentence in page, sentence


def test_nothing_can_be_chosen_before_the_opening() -> None:
    contest = msgspec.structs.replace(CONTEST, candidates=candidates(2))
    for now, is_open in ((OPENS - DAY, False), (OPENS, True)):
        pages = PageCache(contest, now, "", {})
        listed, profile = pages.candidates("en", 0).body, pages.profile("en", 1).body
        ballot = pages.ballot("en", 0).body
        assert (b"data-choose" in listed) == (b"data-choose" in profile) == is_open
        assert (b'class="choice-bar"' in listed) == is_open
        assert (b'type="checkbox"' in ballot) == is_open
        for body in (listed, profile, ballot):
            assert (b"Voting opens on" in body) != is_open


async def test_the_list_shows_what_happens_and_how_long(site: Site) -> None:
    page = (await site.api.get(site.page())).text
    for step in ("选 1 至 10 人", "通过媒体平台登录并核对", "投出选票，保存回执"):
        assert f"<li>{step}</li>" in page
    assert ">距投票截止还有 29 天<" in page or ">距投票截止还有 30 天<" in page
    site.clock.set(site.contest.closes_at - 5.5 * HOUR)
    assert ">5 hours left to vote<" in (await site.api.get(site.page(language="en"))).text
    site.clock.set(site.contest.closes_at)
    closed = (await site.api.get(site.page())).text
    assert "data-until" not in closed
    assert "<li>选 1 至 10 人</li>" not in closed


async def test_the_navigation_names_the_page_one_is_on(site: Site) -> None:
    for below, current in (
        ("", ("page", "候选人")),
        ("/candidates/7", ("true", "候选人")),
        ("/standings", ("page", "票数榜")),
        ("/rules", ("page", "投票规则")),
    ):
        page = (await site.api.get(site.page(below))).text
        head = page.partition("<nav")[2].partition("</nav>")[0]
        assert re.findall(r'aria-current="(\w+)">([^<]+)<', head) == [current]


async def test_the_device_keeps_the_countdown_unless_its_clock_is_wrong(
    phone: Page, site: Site
) -> None:
    countdown = phone.locator(".countdown")
    site.clock.set(site.contest.closes_at - timedelta(minutes=90))
    await phone.clock.install(time=site.clock())
    await phone.goto(site.page(language="en"))
    await expect(countdown).to_have_text("Voting closes very soon")
    await phone.clock.run_for(60_000)
    await expect(countdown).to_have_text("88 minutes left to vote")
    await phone.clock.set_system_time(site.contest.closes_at - 30 * DAY)
    await phone.reload()
    await phone.clock.run_for(60_000)
    await expect(countdown).to_have_text("Voting closes very soon")
