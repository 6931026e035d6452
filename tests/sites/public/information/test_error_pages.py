"""What goes wrong is a page for a person, and a problem document for everything else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.async_api import Page

from tests.browser.accessibility import assert_accessible
from tests.browser.guard import Guard
from tests.browser.site import SLUG, Site
from voting_service.contests.cache import ContestCache
from voting_service.errors import Unavailable
from voting_service.sites.public.caches.pages import PageCache
from voting_service.sites.public.pages.error_pages import refusal
from voting_service.sites.shared.security_headers import SECURITY_HEADERS

BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
PROBLEM = "application/problem+json"
EVERYWHERE = [
    f"/zh/{SLUG}", f"/zh/{SLUG}/candidates/3", f"/en/{SLUG}/standings", f"/en/{SLUG}/rules",
    f"/zh/{SLUG}/cut", f"/zh/{SLUG}/ballot",
]  # fmt: skip


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every prepared page fails."""

    def fail(*_: object) -> None:
        raise RuntimeError("broken on purpose")

    for page in ("candidates", "profile", "rules", "standings"):
        monkeypatch.setattr(PageCache, page, fail)
    yield


async def test_each_language_has_its_own(unchanged_site: Site) -> None:
    for path, words, language in (
        (f"/zh/{SLUG}/candidates/999", "页面不存在", "zh-Hans"),
        (f"/en/{SLUG}/candidates/999", "Page not found", "en"),
        (f"/zh/{SLUG}/candidates/x", "页面不存在", "zh-Hans"),
        (f"/en/{SLUG}/nowhere", "Page not found", "en"),
        ("/zh/no-contest", "页面不存在", "zh-Hans"),
        ("/fr/no-contest", "Page not found", "en"),
        ("/nowhere", "Page not found", "en"),
        ("/", None, None),
    ):
        answer = await unchanged_site.api.get(path, headers={**BROWSER, "accept-language": "en-GB"})
        if words is None:
            assert answer.status_code == 302
            continue
        assert answer.status_code == 404, path
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert words in answer.text
        assert f'<html lang="{language}">' in answer.text


async def test_an_error_names_the_contest_and_leads_on(unchanged_site: Site) -> None:
    for language in ("zh", "en"):
        title = getattr(unchanged_site.contest.rules.title, language)
        page = (await unchanged_site.api.get(f"/{language}/{SLUG}/nowhere", headers=BROWSER)).text
        assert page.count(title) == 2, "in the head and in the title"
        for link in (f"/{language}/{SLUG}", f"/{language}/{SLUG}/rules", f"/{language}"):
            assert f'href="{link}"' in page
        elsewhere = (await unchanged_site.api.get(f"/{language}/nowhere", headers=BROWSER)).text
        assert f'href="/{language}"' in elsewhere
        assert "rules" not in elsewhere


async def test_a_wrong_method_states_it_with_what_is_allowed(unchanged_site: Site) -> None:
    answer = await unchanged_site.api.post(f"/zh/{SLUG}/standings", headers=BROWSER)
    assert answer.status_code == 405
    assert "无法访问该地址" in answer.text
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}


async def test_a_service_that_is_starting_asks_for_patience(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site.state, "registry", ContestCache())
    monkeypatch.setattr(site.state, "contest_states", {})
    for path in ("/en", f"/en/{SLUG}", f"/en/{SLUG}/standings"):
        answer = await site.api.get(path, headers={**BROWSER, "accept-language": "en"})
        assert answer.status_code == 503, path
        assert int(answer.headers["retry-after"]) > 0
        assert "The service is busy" in answer.text


async def test_a_bug_shows_nothing_of_itself(site: Site, broken: None) -> None:
    for path in (f"/en/{SLUG}", f"/en/{SLUG}/candidates/3", f"/en/{SLUG}/standings"):
        answer = await site.api.get(path, headers=BROWSER)
        assert answer.status_code == 500, path
        assert "Sorry, something went wrong" in answer.text
        assert "purpose" not in answer.text
    answer = await site.api.get(f"/en/{SLUG}")
    assert answer.headers["content-type"] == PROBLEM


async def test_too_many_connections_are_a_page_too() -> None:
    scope = {"path": "/zh/x", "headers": [(b"accept", b"text/html")], "state": {}}
    status, headers, body = refusal(
        scope, Unavailable("too many connections", retry_after_seconds=7)
    )
    assert (status, dict(headers)[b"retry-after"]) == (503, b"7")
    assert "系统繁忙" in body.decode()


@pytest.mark.parametrize(
    ("path", "accept"),
    [
        (f"/zh/{SLUG}/candidates/999", "*/*"),
        (f"/zh/{SLUG}/candidates/999", "application/json"),
        ("/nowhere", ""),
        (f"/api/v1/contests/{SLUG}/candidates/999", BROWSER["accept"]),
        ("/api/v1/nowhere", BROWSER["accept"]),
        ("/static/nothing.js", "*/*"),
    ],
)
async def test_everything_else_gets_a_problem_document(
    unchanged_site: Site, path: str, accept: str
) -> None:
    answer = await unchanged_site.api.get(path, headers={"accept": accept})
    assert (answer.status_code, answer.headers["content-type"]) == (404, PROBLEM)
    assert answer.json()["status"] == 404


@pytest.mark.parametrize("path", [*EVERYWHERE, "/nowhere", f"/zh/{SLUG}/candidates/999"])
async def test_every_page_is_guarded_and_answers_head(unchanged_site: Site, path: str) -> None:
    got = await unchanged_site.api.get(path, headers=BROWSER)
    for name, value in SECURITY_HEADERS.items():
        assert got.headers[name] == value, (path, name)
    head = await unchanged_site.api.head(path, headers=BROWSER)
    assert head.status_code == got.status_code
    assert head.content == b""
    for name in ("content-type", "content-length"):
        assert head.headers[name] == got.headers[name]


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_an_error_page_is_for_everybody_and_leads_on(
    phone: Page, site: Site, guard: Guard, language: str
) -> None:
    guard.expect("status of 404")
    await phone.goto(site.page("/nowhere", language=language))
    await assert_accessible(phone)
    home, rules, contests = await phone.get_by_role("main").get_by_role("link").all()
    assert await contests.get_attribute("href") == f"/{language}"
    assert await rules.get_attribute("href") == f"/{language}/{SLUG}/rules"
    await home.click()
    assert phone.url == site.page(language=language)
