"""The vote inside a platform's page, in real Chromium: another site, no third-party cookies."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from PIL import Image
from playwright.async_api import Browser, Page, expect

from tests.browser.accessibility import (
    assert_accessible,
    assert_nothing_lost,
    scale_text,
    tab_to,
)
from tests.browser.guard import Guard
from tests.browser.serving import ForeignSite
from tests.browser.site import SLUG, Site
from tests.browser.speed import vitals
from tests.browser.test_embed_frame import element, inner
from tests.candidate_changes import TwoPeople
from tests.contest_data import show_picture
from tests.patience import eventually
from voting_service.contests.repository import load_contest
from voting_service.i18n.formatting import written_day
from voting_service.i18n.text import LANGUAGES, Language
from voting_service.infrastructure.images.encoding import encode_pixels

ATTRIBUTES = {
    "list": "view='list'",
    "candidate": "view='candidate' number='7'",
    "standings": "view='standings'",
}


OWN = "sign-in-url='/sign-in'"


@pytest.fixture
def chromium(headless_shell: Browser) -> Browser:
    """No cookie is asked for here, and so no rule about those of others is met."""
    return headless_shell


@pytest.fixture(autouse=True)
def allowed(guard: Guard, platform_site: ForeignSite, stranger_site: ForeignSite) -> None:
    guard.allow_origin(platform_site.origin, stranger_site.origin)


def embedding(site: Site, *elements: str, script: str = "") -> str:
    """The body of a platform's page."""
    return (
        "<main><h1>平台首页</h1>"
        + "".join(f"<public-vote contest='{SLUG}' {element}></public-vote>" for element in elements)
        + f"</main><script type='module' src='{site.origin}/embed/vote.js'></script>"
        + script
    )


def strict_policy(site: Site) -> dict[str, str]:
    """What the guide tells a platform with a policy to allow, and nothing else."""
    vote = site.origin
    return {
        "content-security-policy": f"default-src 'none'; script-src {vote}; connect-src {vote}; "
        f"img-src {vote}; frame-src {vote}"
    }


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("view", ATTRIBUTES)
async def test_a_view_inside_a_page_with_a_strict_policy(
    view: str, language: Language, phone: Page, site: Site, platform_site: ForeignSite
) -> None:
    last_day = site.clock() + timedelta(days=20)
    await site.change_contest(closes_at=site.contest.midnight_after(last_day))
    await site.crowd(2, [7])
    await site.reconcile()
    if view == "list":
        people = await TwoPeople.store(site.database)
        await people.withdraw(await load_contest(site.database, SLUG), 9)
        await site.state.registry.refresh(site.state.read_pool)
    platform_site.headers = strict_policy(site)
    body = embedding(site, ATTRIBUTES[view])
    html_language = "zh-Hans" if language == "zh" else "en"
    await phone.goto(platform_site.show(body, language=html_language))
    go = {"zh": "去投票", "en": "vote"}[language]
    await expect(phone.get_by_role("link").last).to_contain_text(go)
    text = await phone.locator("public-vote section").inner_text()
    deadline = written_day(site.contest.local_day(last_day), language)
    assert re.search(f"{deadline}\\D{{1,4}}24:00", text), "not 00:00 of the day after"
    match view:
        case "list":
            assert await phone.get_by_role("listitem").count() == 50
            [withdrawn] = await phone.get_by_text(
                {"zh": "已退出", "en": "Withdrawn"}[language]
            ).all()
            assert await withdrawn.locator("..").get_attribute("href") == site.page(
                "/candidates/9"
            ).replace("/zh/", f"/{language}/")
        case "candidate":
            assert {"zh": "07号候选人", "en": "Candidate 07"}[language] in text
            seventh = next(c for c in site.contest.candidates if c.number == 7)
            assert getattr(seventh.summary, language) in text
        case "standings":
            assert await phone.get_by_role("row").count() == 51
            first = phone.get_by_role("row").nth(1)
            assert (await first.inner_text()).split()[0] == "1"
            assert {"zh": "7 号", "en": "No. 7"}[language] in await first.inner_text()
    await assert_accessible(phone)
    await scale_text(phone)
    await assert_nothing_lost(phone)
    assert await phone.context.cookies() == [], "an embed needs no cookie"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("view", ATTRIBUTES)
async def test_the_frame_takes_the_height_it_needs_and_is_accessible(
    view: str, language: str, phone: Page, site: Site, platform_site: ForeignSite
) -> None:
    attributes = f"view='{view}' number='7' language='{language}'"
    await phone.goto(platform_site.show(element(site, attributes)))
    frame = await inner(phone, site)
    needed = await frame.evaluate("() => Math.ceil(document.body.getBoundingClientRect().height)")
    await expect(phone.locator("iframe")).to_have_attribute("height", str(needed))
    assert (needed > 1000) == (view != "candidate")
    await assert_accessible(phone)
    await assert_accessible(frame)
    assert await phone.context.cookies() == []


async def test_the_reader_goes_to_the_vote_or_to_the_platforms_own_sign_in(
    desktop: Page, site: Site, platform_site: ForeignSite
) -> None:
    own = "sign-in-url='/sign-in?from=home'"
    address = platform_site.show(embedding(site, f"{ATTRIBUTES['candidate']} {own}"))
    platform_site.show("<main><h1>登录</h1></main>", "/sign-in")
    await desktop.goto(address)
    await tab_to(desktop, "去投票")
    await desktop.keyboard.press("Enter")
    await desktop.wait_for_url("**/sign-in?**")
    sent = urlsplit(desktop.url)
    assert f"{sent.scheme}://{sent.netloc}" == platform_site.origin
    assert parse_qs(sent.query) == {
        "from": ["home"], "contest": [SLUG], "next": [f"/zh/{SLUG}/candidates/7"],
    }  # fmt: skip

    await desktop.goto(platform_site.show(embedding(site, ATTRIBUTES["list"])))
    await desktop.get_by_role("link", name="去投票").click()
    await desktop.wait_for_url(site.page())


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", "blob:x"])
async def test_a_sign_in_address_that_is_no_web_page_is_not_used(
    address: str, phone: Page, site: Site, platform_site: ForeignSite
) -> None:
    await phone.goto(platform_site.show(embedding(site, f"view='list' sign-in-url='{address}'")))
    links = await expect_links(phone)
    assert len(links) == 51
    assert all(link.startswith(site.origin + "/") for link in links)


async def expect_links(page: Page) -> Sequence[str]:
    await expect(page.get_by_role("link").nth(1)).to_be_attached()
    links: Sequence[str] = await page.get_by_role("link").evaluate_all(
        "all => all.map(({href}) => href)"
    )
    return links


async def test_a_page_can_take_the_choice_itself(
    phone: Page, site: Site, platform_site: ForeignSite
) -> None:
    await phone.goto(platform_site.show(embedding(site, ATTRIBUTES["candidate"])))
    await phone.evaluate(
        """() => document.addEventListener("public-vote-choose", (event) => {
             event.preventDefault(); document.title = JSON.stringify(event.detail); })"""
    )
    await phone.get_by_role("link").click()
    assert json.loads(await phone.title()) == {
        "contest": SLUG, "number": 7, "next": f"/zh/{SLUG}/candidates/7",
    }  # fmt: skip
    assert phone.url.startswith(platform_site.origin)


async def test_the_list_is_shuffled_for_every_reader(
    phone: Page, site: Site, platform_site: ForeignSite
) -> None:
    address = platform_site.show(embedding(site, "view='list'"))
    orders = set()
    for _ in range(3):
        await phone.goto(address)
        orders.add(tuple(await expect_links(phone)))
    assert len(orders) == 3


async def test_the_standings_move(phone: Page, site: Site, platform_site: ForeignSite) -> None:
    await phone.clock.install()
    await phone.goto(platform_site.show(embedding(site, "view='standings'")))
    leader = phone.get_by_role("row").nth(1)
    await expect(leader).to_contain_text("1 号")
    await site.crowd(3, [42])
    await site.reconcile()
    await phone.clock.fast_forward(7000)
    await expect(leader).to_contain_text("42 号")
    await expect(phone.locator("public-vote section")).to_contain_text("共 3 张选票")


async def test_attributes_can_change_and_an_element_can_leave(
    phone: Page, site: Site, platform_site: ForeignSite
) -> None:
    await phone.goto(platform_site.show(embedding(site, ATTRIBUTES["candidate"])))
    card, vote = phone.locator("public-vote section"), phone.locator("public-vote")
    await expect(card).to_contain_text("07号候选人")
    await vote.evaluate("vote => vote.setAttribute('number', 8)")
    await expect(card).to_contain_text("08号候选人")
    await vote.evaluate("vote => vote.setAttribute('language', 'en')")
    await expect(card).to_contain_text("Candidate 08")
    await vote.evaluate("vote => vote.remove()")
    await expect(vote).to_have_count(0)


async def test_candidates_under_embargo_appear_by_themselves_at_their_moment(
    phone: Page, site: Site, platform_site: ForeignSite, guard: Guard
) -> None:
    guard.expect("status of 403")
    moment = datetime.now(UTC) + timedelta(seconds=4)
    rules = msgspec.structs.replace(site.contest.rules, publish_at=moment)
    await site.change_contest(rules=msgspec.to_builtins(rules))
    await phone.goto(platform_site.show(embedding(site, "view='list'")))
    await expect(phone.get_by_role("status")).to_contain_text("公布")
    assert datetime.now(UTC) < moment, "this machine is too slow for the test"
    await assert_accessible(phone)
    await expect(phone.get_by_role("listitem")).to_have_count(50)
    assert datetime.now(UTC) >= moment


async def test_portraits_are_shown_in_the_size_that_is_needed(
    phone: Page, site: Site, platform_site: ForeignSite
) -> None:
    portrait = encode_pixels(Image.new("RGB", (320, 448), "#9b2a1a"), "portrait", avif_speed=9)
    await show_picture(site.settings.owner_database_url, site.contest.id, 7, portrait)
    await site.state.registry.refresh(site.state.read_pool)
    platform_site.headers = strict_policy(site)
    await phone.goto(platform_site.show(embedding(site, ATTRIBUTES["candidate"])))
    picture = phone.locator("public-vote img")
    await expect(picture).to_have_js_property("complete", value=True)
    shown = await picture.evaluate(
        "({currentSrc, naturalWidth, alt}) => ({currentSrc, naturalWidth, alt})"
    )
    assert shown["currentSrc"].startswith(f"{site.origin}/pictures/{portrait.hash}-")
    assert shown["naturalWidth"] > 0
    assert shown["alt"] == "", "the name stands beside it"


async def test_what_is_shown_stays_while_the_service_is_unavailable(
    phone: Page, site: Site, platform_site: ForeignSite, guard: Guard
) -> None:
    guard.expect("ERR_INTERNET_DISCONNECTED")
    await phone.clock.install()
    await phone.goto(platform_site.show(embedding(site, "view='standings'")))
    await expect(phone.get_by_role("row")).to_have_count(51)
    await phone.context.set_offline(True)
    async with phone.expect_event("requestfailed"):
        await phone.clock.fast_forward(7000)
    assert await phone.get_by_role("row").count() == 51
    await phone.context.set_offline(False)
    await site.crowd(2, [9])
    await site.reconcile()
    await phone.clock.fast_forward(17_000)
    await expect(phone.get_by_role("row").nth(1)).to_contain_text("9 号")


async def test_what_is_unavailable_is_said(
    phone: Page, site: Site, platform_site: ForeignSite, guard: Guard
) -> None:
    for expected in ("status of 404", "<public-vote>: there is no candidate 999\\."):
        guard.expect(expected)
    hints = console_hints(phone)
    await phone.goto(platform_site.show(embedding(site, f"view='candidate' number='999' {OWN}")))
    await expect(phone.get_by_role("status")).to_contain_text("没有找到")
    await assert_accessible(phone)
    await eventually(lambda: len(hints) == 1)


async def test_pages_of_other_origins_get_no_data_and_the_console_names_the_origin(
    phone: Page, site: Site, stranger_site: ForeignSite, guard: Guard
) -> None:
    for expected in ("blocked by CORS policy", "ERR_FAILED", "<public-vote>"):
        guard.expect(expected)
    hints = console_hints(phone)
    await phone.goto(stranger_site.show(embedding(site, f"view='list' {OWN}")))
    await expect(phone.get_by_role("status")).to_have_text("本页无法显示投票内容。")
    assert (
        f"the origin {stranger_site.origin} is not registered for any platform; "
        "ask the organiser to register it" in hints[0]
    )


async def test_mistakes_in_the_attributes_are_named_in_the_console(
    phone: Page, site: Site, platform_site: ForeignSite, guard: Guard
) -> None:
    for expected in ("<public-vote>", "status of 404", "frame-ancestors"):
        guard.expect(expected)
    hints = console_hints(phone)
    elements = (
        "contest='nothing' view='standing'",
        "view='list'",
        f"contest='{SLUG}' view='candidate'",
        f"contest='{SLUG}' view='candidate' number='77'",
        f"contest='{SLUG}' frame",
        f"contest='{SLUG}' frame platform='dmeo' sign-in-url='/sign-in'",
    )
    body = embedding(site) + "".join(
        f"<public-vote {element}></public-vote>" for element in elements
    )
    await phone.goto(platform_site.show(body))
    await expect(phone.get_by_text("没有找到")).to_have_count(4)
    await eventually(lambda: len(hints) == 8)
    assert {hint.removeprefix("<public-vote>: ").partition(". ")[0] for hint in hints} == {
        'view="standing" is none of list, candidate, standings',
        "there is no contest nothing",
        "contest is missing",
        "view=candidate needs number",
        "there is no candidate 77",
        "frame needs platform, the slug you registered",
        "sign-in-url is missing: its links open the voting site, "
        "where your reader is not signed in",
        "frame of the platform dmeo: No platform with this name has registered an origin",
    }
    hints.clear()
    await phone.goto(platform_site.show(embedding(site, f"frame platform='demo' {OWN}")))
    frame = phone.frame_locator("public-vote iframe")
    await expect(frame.get_by_role("link").first).to_be_attached()
    assert hints == [], "nor is one missing in our own frame"
    assert all(hint.endswith(f"{site.origin}/en/platforms#embed") for hint in hints)


def console_hints(page: Page) -> list[str]:
    """What the element will write to the console."""
    hints: list[str] = []
    page.on(
        "console",
        lambda line: hints.append(line.text) if "<public-vote>" in line.text else None,
    )
    return hints


async def test_the_script_is_small_and_depends_on_nothing(site: Site) -> None:
    answer = await site.api.get("/embed/vote.js", headers={"origin": "https://other.example"})
    assert len(answer.content) <= 16_000
    assert "import " not in answer.text.replace("import.meta", "")
    assert "innerHTML" not in answer.text
    assert answer.headers.get_list("access-control-allow-origin") == ["https://other.example"]
    stranger = await site.api.get("/embed/vote.js", headers={"origin": "https://no.example"})
    assert stranger.headers.get_list("access-control-allow-origin") == ["*"]
    assert answer.headers["vary"] == "Origin"
    again = await site.api.get("/embed/vote.js", headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code == 304
    assert (await site.api.get("/embed/nothing.js")).status_code == 404


async def test_an_embed_below_other_content_shifts_nothing_above_it(
    phone: Page, site: Site, platform_site: ForeignSite
) -> None:
    await phone.goto(platform_site.show(embedding(site, "view='list'")))
    await expect_links(phone)
    assert (await vitals(phone)).layout_shift <= 0.02


async def test_from_the_embed_over_the_platforms_sign_in_to_the_candidate_signed_in(
    phone: Page, site: Site, platform_site: ForeignSite
) -> None:
    own = f"{ATTRIBUTES['candidate']} sign-in-url='/sign-in'"
    address = platform_site.show(embedding(site, own))
    over = site.sign_in_url(site.token(), next=f"/zh/{SLUG}/candidates/7")
    platform_site.show(f"<script>location.replace({json.dumps(over)})</script>", "/sign-in")
    await phone.goto(address)
    await phone.get_by_role("link").click()
    await phone.wait_for_url(site.page("/candidates/7"))
    names = {cookie["name"] for cookie in await phone.context.cookies()}
    assert any("session" in name or "voter" in name for name in names), names
    await phone.go_back()
    assert "token" not in phone.url
