"""The prepared pages of a contest over time."""

from __future__ import annotations

from datetime import timedelta

import msgspec
from starlette.responses import Response

from tests.contest_data import make_platform, unstored_contest
from voting_service.contests.phases import published_at
from voting_service.i18n.text import Text
from voting_service.sites.public.caches.pages import PageCache
from voting_service.sites.public.pages.cookies import VisitorCookies
from voting_service.voting.tally.standings import ShownStandings, Standings
from voting_service.voting.tally.trend import Trend


def test_no_page_names_a_picture_before_publication() -> None:
    """It would not be served (403)."""
    contest = unstored_contest()
    publish_at = contest.opens_at - timedelta(hours=1, minutes=30)
    rules = msgspec.structs.replace(contest.rules, publish_at=publish_at)
    contest = msgspec.structs.replace(contest, rules=rules)
    assert published_at(contest) == publish_at
    before, earlier = publish_at - timedelta.resolution, publish_at - timedelta(minutes=1)
    cache = PageCache(contest, earlier, "https://vote.example", {})
    assert b"og:image" not in cache.rules("en", ()).body
    assert cache.is_current(before)
    assert not cache.is_current(publish_at)
    after = PageCache(contest, publish_at, "https://vote.example", {})
    assert b"og:image" in after.rules("en", ()).body


def test_standings_of_nobody_are_a_page() -> None:
    """Every candidate may have withdrawn."""
    contest = unstored_contest()
    cache = PageCache(contest, contest.opens_at, "https://vote.example", {})
    standings = Standings(contest.slug, "live", as_of=contest.opens_at, ballots=0, candidates=())
    shown = ShownStandings(standings, Trend(contest.slug), "1")
    for prepare in (cache.standings, cache.standings_table, cache.standings_chart):
        assert prepare("en", shown).body


def test_a_platform_s_names_need_no_quotes_in_a_cookie() -> None:
    """SimpleCookie quotes a value with a slash, and scripts read the quotes."""
    response = Response()
    platform = msgspec.structs.replace(
        make_platform("press"), name=Text("电视/电台", "TV/Radio; news")
    )
    VisitorCookies(unstored_contest(), "https://vote.example").keep_session(
        response, "token", 60, platform
    )
    kept = [value for name, value in response.raw_headers if b"platform-" in value]
    assert b'"' not in kept[0]
    assert b"|TV%2FRadio%3B%20news;" in kept[0]
