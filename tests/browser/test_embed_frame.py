"""The framed vote: who may frame it, who is shown what, and who is not listened to."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AsyncExitStack
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.async_api import ConsoleMessage, Frame, Page, Route, expect

from tests.browser.guard import Guard
from tests.browser.serving import ForeignSite
from tests.browser.site import SLUG, Site

# What a page hears is kept with where it came from.
LISTEN = """<script>
  const heard = [];
  addEventListener("message", ({ origin, data }) => heard.push({ origin, ...data }));
</script>"""


@pytest.fixture(autouse=True)
def allowed(guard: Guard, platform_site: ForeignSite, stranger_site: ForeignSite) -> None:
    guard.allow_origin(platform_site.origin, stranger_site.origin)


def element(site: Site, more: str = "") -> str:
    return (
        f"<main><h1>平台首页</h1><public-vote frame platform='demo' contest='{SLUG}' {more}>"
        f"</public-vote></main><script type='module' src='{site.origin}/embed/vote.js'></script>"
    )


def bare_frame(site: Site, platform: str = "demo") -> str:
    """As a platform writes it without our script."""
    address = (
        f"{site.origin}/embed/{SLUG}/frame?platform={platform}&amp;view=candidate&amp;number=7"
    )
    return f"{LISTEN}<main><h1>平台首页</h1><iframe src='{address}' title='投票'></iframe></main>"


async def inner(page: Page, site: Site) -> Frame:
    """The framed page, once it shows something."""
    frame = next(frame for frame in page.frames if frame.url.startswith(site.origin + "/embed/"))
    await expect(frame.get_by_role("link").first).to_be_attached()
    return frame


async def test_a_press_inside_the_frame_leads_the_whole_window_to_the_platforms_sign_in(
    desktop: Page, site: Site, platform_site: ForeignSite
) -> None:
    address = platform_site.show(
        element(site, "view='candidate' number='7' sign-in-url='/sign-in'")
    )
    platform_site.show("<main><h1>登录</h1></main>", "/sign-in")
    await desktop.goto(address)
    frame = await inner(desktop, site)
    await expect(desktop.locator("iframe")).not_to_have_attribute("height", "480")
    await frame.get_by_role("link").click()
    await desktop.wait_for_url("**/sign-in?**")
    assert parse_qs(urlsplit(desktop.url).query)["next"] == [f"/zh/{SLUG}/candidates/7"]


async def test_a_bare_frame_works_without_our_script_and_tells_once_greeted(
    desktop: Page, site: Site, platform_site: ForeignSite
) -> None:
    await desktop.goto(platform_site.show(bare_frame(site)))
    frame = await inner(desktop, site)
    assert await desktop.evaluate("heard") == [], "nobody was greeted yet"
    await greet(desktop, site.origin)
    await desktop.wait_for_function("heard.length > 0")
    [shown] = await desktop.evaluate("heard")
    assert shown["origin"] == site.origin
    assert shown["type"] == "public-vote:height"
    await frame.get_by_role("link").click()
    await desktop.wait_for_url(site.page("/candidates/7"))


async def greet(page: Page, target: str, more: str = "") -> None:
    await page.evaluate(
        f"() => document.querySelector('iframe').contentWindow.postMessage("
        f"{{ type: 'public-vote:hello', {more} }}, '{target}')"
    )


async def test_choices_are_shown_to_a_page_that_takes_them(
    desktop: Page, site: Site, platform_site: ForeignSite
) -> None:
    await desktop.goto(platform_site.show(bare_frame(site)))
    frame = await inner(desktop, site)
    await greet(desktop, site.origin, "takesChoices: true")
    await desktop.wait_for_function("heard.length > 0")
    await frame.get_by_role("link").click()
    await desktop.wait_for_function("heard.some(({type}) => type === 'public-vote:choose')")
    shown = (await desktop.evaluate("heard"))[-1]
    assert (shown["origin"], shown["contest"], shown["number"]) == (site.origin, SLUG, 7)
    assert desktop.url.startswith(platform_site.origin), "the page sees to it itself"


def has_text(text: str) -> Callable[[ConsoleMessage], bool]:
    return lambda message: text in message.text


@pytest.mark.parametrize("platform", ["other", "nobody", ""])
async def test_a_page_that_is_not_the_named_platforms_cannot_frame_it(
    platform: str, desktop: Page, site: Site, platform_site: ForeignSite, guard: Guard
) -> None:
    """The page's origin is registered, but for another platform than it states."""
    complaints = (
        ["frame-ancestors"] if platform == "other" else ["frame-ancestors", "status of 404"]
    )
    async with AsyncExitStack() as listening:
        for text in complaints:
            guard.expect(text)
            await listening.enter_async_context(desktop.expect_console_message(has_text(text)))
        await desktop.goto(platform_site.show(bare_frame(site, platform)))
    assert not [frame for frame in desktop.frames if frame.url.startswith(site.origin + "/embed/")
                and await frame.locator("public-vote").count()]  # fmt: skip


async def test_a_stranger_cannot_frame_it_even_around_the_platforms_own_page(
    desktop: Page, site: Site, platform_site: ForeignSite, stranger_site: ForeignSite, guard: Guard
) -> None:
    guard.expect("frame-ancestors")
    await desktop.goto(stranger_site.show(bare_frame(site)))
    assert await framed_votes(desktop) == 0
    inside = platform_site.show(bare_frame(site))
    await desktop.goto(stranger_site.show(f"<iframe src='{inside}' title='x'></iframe>", "/around"))
    assert await framed_votes(desktop) == 0


async def framed_votes(page: Page) -> int:
    counts = [await frame.locator("public-vote").count() for frame in page.frames[1:]]
    return sum(counts)


async def test_no_page_of_the_vote_itself_can_be_framed(
    desktop: Page, site: Site, platform_site: ForeignSite, guard: Guard
) -> None:
    guard.expect("frame-ancestors")
    page = f"<iframe src='{site.page()}' title='x'></iframe>"
    await desktop.goto(platform_site.show(page))
    assert not await desktop.frames[1].locator(".site-title").count()


GREET_SIBLING = (
    LISTEN + "<script>parent.frames[0].postMessage({type: 'public-vote:hello'}, '*')</script>"
)


@pytest.mark.parametrize("who", ["stranger", "platform"])
async def test_the_frame_hears_no_other_frame_beside_it(
    who: str, desktop: Page, site: Site, platform_site: ForeignSite, stranger_site: ForeignSite
) -> None:
    """Not even one of the platform's own."""
    sibling = {"stranger": stranger_site, "platform": platform_site}[who].show(
        GREET_SIBLING, "/beside"
    )
    await desktop.goto(platform_site.show(bare_frame(site)))
    await inner(desktop, site)
    await add_frame(desktop, sibling)
    beside = next(frame for frame in desktop.frames if frame.url == sibling)
    await greet(desktop, site.origin)
    await desktop.wait_for_function("heard.length > 0")
    assert await beside.evaluate("heard") == []
    assert len(await desktop.evaluate("heard")) == 1


async def test_the_frame_hears_no_stranger_around_it_whatever_the_browser_lets_frame_it(
    desktop: Page, site: Site, stranger_site: ForeignSite
) -> None:
    async def without_policy(route: Route) -> None:
        answer = await route.fetch()
        headers = {**answer.headers, "content-security-policy": ""}
        await route.fulfill(response=answer, headers=headers)

    await desktop.route("**/frame?*", without_policy)
    address = stranger_site.show(bare_frame(site))
    await desktop.goto(address)
    frame = await inner(desktop, site)
    # Messages between two windows arrive in order: what follows a greeting was sent after it.
    await desktop.evaluate(
        "() => addEventListener('message', ({data}) => data === 'back' && heard.push('back'))"
    )
    await frame.evaluate(
        "() => addEventListener('message', ({data}) => data === 'there' && "
        "parent.postMessage('back', '*'))"
    )
    await greet(desktop, site.origin, "takesChoices: true")
    await desktop.evaluate(
        "(vote) => document.querySelector('iframe').contentWindow.postMessage('there', vote)",
        site.origin,
    )
    await desktop.wait_for_function("heard.includes('back')")
    shown = await desktop.evaluate("heard.filter(({type}) => type)")
    assert shown == []
    await frame.get_by_role("link").click()
    await desktop.wait_for_url(site.page("/candidates/7"))


async def add_frame(page: Page, address: str) -> None:
    """Puts one more frame into the page and waits until it has loaded."""
    await page.evaluate(
        """(address) => new Promise((loaded) => {
             const frame = Object.assign(document.createElement("iframe"), { src: address });
             frame.title = "x"; frame.onload = loaded; document.body.append(frame); })""",
        address,
    )


async def test_the_element_hears_nobody_but_its_own_frame(
    desktop: Page, site: Site, platform_site: ForeignSite, stranger_site: ForeignSite
) -> None:
    lie = """{
      parent.postMessage({type: 'public-vote:height', height: 9}, '*');
      parent.postMessage({type: 'public-vote:choose', number: 3}, '*');
      parent.postMessage({type: 'told'}, '*'); }"""
    lies = stranger_site.show(f"<script>{lie}</script>")
    address = platform_site.show(LISTEN + element(site, "view='standings'"))
    await desktop.goto(address)
    await inner(desktop, site)
    frame = desktop.locator("public-vote iframe")
    await expect(frame).to_have_attribute("height", re.compile(r"(?!480$)\d{3,}"))
    height = await frame.get_attribute("height")

    await add_frame(desktop, lies)
    await desktop.evaluate(lie)
    another = site.url(f"/embed/{SLUG}/frame?platform=demo&view=candidate&number=7")
    await add_frame(desktop, another)
    await desktop.frames[-1].evaluate(f"() => {lie}")
    await desktop.wait_for_function("heard.filter(({type}) => type === 'told').length === 3")
    assert await frame.get_attribute("height") == height

    await frame.evaluate("(frame, address) => { frame.src = address; }", lies)
    await desktop.wait_for_function("heard.filter(({type}) => type === 'told').length === 4")
    assert await frame.get_attribute("height") == height
    assert desktop.url == address


async def test_the_frames_policy_names_the_platforms_origins_and_nobody_else(
    site: Site, platform_site: ForeignSite
) -> None:
    answer = await site.api.get(f"/embed/{SLUG}/frame?platform=demo")
    policy = answer.headers["content-security-policy"]
    assert policy.endswith(f"frame-ancestors {platform_site.origin}")
    assert "unsafe" not in policy
    assert "x-frame-options" not in answer.headers
    assert re.search(r"<script(?![^>]*src=)|style=|\son\w+=", answer.text) is None
    await site.database.execute(
        "update platforms set enabled = false, revision = revision + 1 where slug = 'demo'"
    )
    await site.state.registry.refresh(site.state.read_pool)
    assert (await site.api.get(f"/embed/{SLUG}/frame?platform=demo")).status_code == 404


@pytest.mark.parametrize(
    "query",
    ["view=ballot", "view=candidate", "view=candidate&number=51", "view=candidate&number=x"],
)
async def test_there_is_no_frame_of_anything_else(query: str, site: Site) -> None:
    answer = await site.api.get(f"/embed/{SLUG}/frame?platform=demo&{query}")
    assert answer.status_code == 404
    assert (await site.api.get("/embed/nothing/frame?platform=demo")).status_code == 404
