"""The index of contests, a contest under embargo, and the addresses that people shorten."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product

import httpx
import msgspec
import pytest
from playwright.async_api import Page

from tests.browser.accessibility import (
    assert_accessible,
    assert_nothing_lost,
    scale_text,
)
from tests.browser.site import SLUG, Site
from tests.contest_data import rules, store_contest
from voting_service.contests.cache import ContestCache
from voting_service.contests.model import Contest
from voting_service.i18n.text import Text

BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
NEXT_YEAR = "next-year"
NAME = Text(zh="明年的投票活动", en="Next year's vote")
OPENS = datetime(2099, 5, 31, 16, tzinfo=UTC)
"""1 June 2099, 00:00 in Shanghai."""
CLOSES = datetime(2099, 6, 30, 16, tzinfo=UTC)
NAME_BELOW = {
    "zh": ("明年的投票活动", "2099年6月1日 00:00（北京时间）"),
    "en": ("Next year&#39;s vote", "1 June 2099, 00:00 Beijing time (UTC+8)"),
}


async def import_next_year(
    site: Site, *, slug: str = NEXT_YEAR, publish_at: datetime | None = None
) -> Contest:
    """A contest that opens long after the site's own one, as `contest import` stores it."""
    contest = await store_contest(
        site.database,
        site.settings.master_key.get_secret_value(),
        slug=slug,
        contest_rules=msgspec.structs.replace(rules(), title=NAME, publish_at=publish_at),
        opens_at=OPENS,
        closes_at=CLOSES,
    )
    await site.state.registry.refresh(site.state.read_pool)
    return contest


async def home(site: Site, path: str = "/", language: str = "en") -> str:
    """Where an address leads."""
    answer = await site.api.get(path, headers={**BROWSER, "accept-language": language})
    assert answer.status_code == 302
    return answer.headers["location"]


async def read(site: Site, path: str) -> httpx.Response:
    return await site.api.get(path, headers=BROWSER)


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_the_home_page_is_the_index_whatever_is_imported_or_closes(
    language: str, site: Site
) -> None:
    assert await home(site, language=language) == f"/{language}"
    assert f'href="/{language}/{SLUG}"' in (await read(site, f"/{language}")).text
    await import_next_year(site)
    assert await home(site, language=language) == f"/{language}"
    page = (await read(site, f"/{language}")).text
    assert page.index(f'href="/{language}/{SLUG}"') < page.index(f"/{language}/{NEXT_YEAR}/coming")
    await site.change_contest(closes_at=site.clock() - timedelta(hours=1))
    page = (await read(site, f"/{language}")).text
    assert page.index(f"/{language}/{NEXT_YEAR}/coming") < page.index(f'"/{language}/{SLUG}"')
    assert f'href="/{language}/{SLUG}/outcome"' in page


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_a_contest_that_comes_is_shown_with_its_name_and_date(
    language: str, site: Site
) -> None:
    await import_next_year(site)
    address = f"/{language}/{NEXT_YEAR}/coming"
    answer = await read(site, address)
    assert answer.status_code == 200
    for words in NAME_BELOW[language]:
        assert words in answer.text
    assert "候选" not in answer.text.replace("候选人", ""), "no candidate is named"
    site.clock.set(OPENS)
    assert await home(site, address, language) == f"/{language}/{NEXT_YEAR}"


async def test_a_page_under_embargo_is_403_with_the_contests_name_and_opening(site: Site) -> None:
    published = OPENS - timedelta(days=2, hours=-9)
    await import_next_year(site, publish_at=published)
    moments = {"zh": "2099年5月30日 09:00（北京时间）", "en": "30 May 2099, 09:00"}
    for language, below in product(moments, ("", "/candidates/1", "/standings", "/ballot")):
        path = f"/{language}/{NEXT_YEAR}{below}"
        answer = await read(site, path)
        assert (answer.status_code, answer.headers["cache-control"]) == (403, "no-store"), path
        for words in (*NAME_BELOW[language], moments[language]):
            assert words in answer.text, path
        problem = await site.api.get(path)
        assert problem.json()["type"] == "/problems/not-published", path


async def test_after_the_close_every_page_leads_to_the_outcome_and_the_notices(site: Site) -> None:
    links = [f'href="/en/{SLUG}/outcome"', 'href="/en/notices"']
    pages = [f"/en/{SLUG}{below}" for below in ("", "/candidates/1", "/standings", "/rules")]
    for path in pages:
        assert links[0] not in (await read(site, path)).text
    await site.change_contest(closes_at=site.clock() - timedelta(hours=1))
    for path in pages:
        page = (await read(site, path)).text
        assert all(link in page for link in links), path
    assert await home(site, f"/en/{SLUG}/outcome") == f"/en/{SLUG}/cut"
    assert "has not been published yet" in (await read(site, f"/en/{SLUG}/cut")).text


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_the_list_names_every_contest_with_phase_dates_and_a_link(
    language: str, site: Site
) -> None:
    await import_next_year(site)
    await import_next_year(site, slug="named-early", publish_at=site.clock() - timedelta(days=1))
    assert await home(site, "/contests", language) == f"/{language}"
    assert await home(site, f"/{language}/contests") == f"/{language}"
    answer = await read(site, f"/{language}")
    assert answer.status_code == 200
    page = answer.text
    assert site.contest.rules.title.zh in page or language == "en"
    assert page.index(f'href="/{language}/{SLUG}"') < page.index(f"/{language}/{NEXT_YEAR}/coming")
    assert f'href="/{language}/named-early"' in page
    for words in NAME_BELOW[language]:
        assert page.count(words) >= 2
    last_day = {
        "zh": "2099年6月30日24时（北京时间）",
        "en": "The end of 30 June 2099, Beijing time",
    }
    assert page.count(last_day[language]) == 1, "a contest under embargo shows name and opening"
    assert "2099年7月1日" not in page
    assert "1 July 2099" not in page
    listed = (await site.api.get("/api/v1/contests")).json()["contests"]
    assert [(item["contest"], item["phase"]) for item in listed] == [
        (SLUG, "open"), ("named-early", "upcoming"), (NEXT_YEAR, "upcoming"),
    ]  # fmt: skip
    assert listed[2]["title"] == {"zh": NAME.zh, "en": NAME.en}
    assert datetime.fromisoformat(listed[2]["opens_at"]) == OPENS


async def test_without_a_contest_the_home_page_states_it(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site.state, "contest_states", {})
    for language, words in (
        ("zh", "目前暂无投票活动。"), ("en", "There are no votes at the moment."),
    ):  # fmt: skip
        answer = await read(site, f"/{language}")
        assert answer.status_code == 200
        assert words in answer.text
    assert (await site.api.get("/api/v1/contests")).json()["contests"] == []


async def test_a_service_that_is_starting_lists_nothing_yet(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site.state, "registry", ContestCache())
    for path in ("/zh", "/en", "/api/v1/contests"):
        assert (await read(site, path)).status_code == 503


@pytest.mark.parametrize(
    ("path", "target"),
    [
        (f"/zh/{SLUG}/", f"/zh/{SLUG}"),
        (f"/en/{SLUG}/standings/", f"/en/{SLUG}/standings"),
        ("/en/notices//", "/en/notices"),
        (f"/en/{SLUG}/cut/?version=1", f"/en/{SLUG}/cut?version=1"),
        ("/en//example.org/", "/en/example.org"),
        ("/en/", "/en"),
        ("/contests/", "/en"),
        ("/notices/", "/en/notices"),
        ("/notices/x/", "/en/notices/x"),
        ("/enter/", "/enter"),
        (f"/{SLUG}", f"/en/{SLUG}"),
        (f"/{SLUG}/", f"/en/{SLUG}"),
    ],
)
async def test_a_shortened_address_leads_to_the_page_and_never_elsewhere(
    path: str, target: str, unchanged_site: Site
) -> None:
    assert await home(unchanged_site, path) == target


@pytest.mark.parametrize("below", ["", "/rules"])
async def test_every_page_links_to_the_list(below: str, unchanged_site: Site) -> None:
    for language in ("zh", "en"):
        answer = await read(unchanged_site, f"/{language}/{SLUG}{below}")
        assert f'href="/{language}"' in answer.text
        assert f'href="/{language}"' in (await read(unchanged_site, f"/{language}/notices")).text


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_the_list_and_a_waiting_contest_read_well_on_a_phone(
    language: str, phone: Page, site: Site
) -> None:
    await import_next_year(site)
    for path in (f"/{language}", f"/{language}/{NEXT_YEAR}/coming", f"/{language}/help"):
        await phone.goto(site.url(path))
        assert await phone.get_by_role("heading", level=1).count() == 1
        await assert_accessible(phone)
        await scale_text(phone)
        await assert_nothing_lost(phone)
