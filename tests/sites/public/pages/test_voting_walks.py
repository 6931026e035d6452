"""Real walks in Chromium: from a platform's page to the receipt, and what can go wrong there."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import timedelta

import pytest
from playwright.async_api import Page, expect

from tests.browser.accessibility import (
    assert_accessible,
    assert_nothing_lost,
    focused,
    scale_text,
    tab_to,
)
from tests.browser.guard import Guard
from tests.browser.serving import ForeignSite
from tests.browser.site import SLUG, Site
from voting_service.i18n.text import Language
from voting_service.sites.public.rendering import texts

SMALL_TARGETS = """() => [...document.querySelectorAll("main button, main .button, main .box, "
    + "main summary, .choice-bar button, .choice-bar a")]
  .filter((target) => target.checkVisibility())
  .map((target) => [target.innerText.trim(), target.getBoundingClientRect()])
  .filter(([, box]) => box.height < 44 || box.width < 44)
  .map(([name, box]) => `${name}: ${box.width} × ${box.height}`)"""
CUT_ON_PURPOSE = ".card .line"
NUMBERS = (3, 7, 11, 15, 19, 23, 27, 31, 35, 39)


async def history(page: Page) -> list[str]:
    """Every address that the window's history holds."""
    session = await page.context.new_cdp_session(page)
    entries = (await session.send("Page.getNavigationHistory"))["entries"]
    await session.detach()
    return [entry["url"] for entry in entries]


async def examine(page: Page) -> None:
    """What every page of the way has to stand."""
    await assert_accessible(page)
    assert await page.evaluate(SMALL_TARGETS) == []
    await scale_text(page, 2)
    await assert_nothing_lost(page, ignore=CUT_ON_PURPOSE)
    await scale_text(page, 1)


async def choose(page: Page, numbers: Sequence[int]) -> None:
    for number in numbers:
        await page.locator(f"[data-choose='{number}']").click()


async def stored_choices(site: Site) -> list[list[int]]:
    rows = await site.database.fetch("select choices from ballots order by cast_at")
    return [row["choices"] for row in rows]


async def kept(page: Page) -> list[int]:
    """What the browser keeps as the choice."""
    stored = await page.evaluate(f"localStorage.getItem('choices:{SLUG}')")
    return json.loads(stored) if stored else []


def link(address: str) -> str:
    return f'<main><h1>平台</h1><a href="{address}">去投票</a></main>'


def entrance(site: Site, token: str, **more: str) -> str:
    """A platform's page whose button posts its user over."""
    fields = {"platform": "demo", "token": token, **more}
    inputs = "".join(f'<input type="hidden" name="{k}" value="{v}">' for k, v in fields.items())
    return (
        f'<main><h1>平台</h1><form method="post" action="{site.url("/enter")}">{inputs}'
        "<button>去投票</button></form></main>"
    )


async def arrive(page: Page, guard: Guard, platform_site: ForeignSite, body: str) -> None:
    guard.allow_origin(platform_site.origin)
    await page.goto(platform_site.show(body))
    await page.get_by_text("去投票").click()


async def test_on_a_phone_from_the_platforms_link_to_the_receipt(
    phone: Page, guard: Guard, site: Site, platform_site: ForeignSite
) -> None:
    token = site.token()
    await arrive(phone, guard, platform_site, link(site.sign_in_url(token)))
    await phone.wait_for_url(site.page())
    for address in [*await history(phone), await phone.evaluate("document.referrer")]:
        assert "token" not in address
        assert token not in address
    await examine(phone)

    status = phone.locator(".choice-bar [role=status]")
    await choose(phone, NUMBERS[:7])
    await expect(status).to_have_text("已选 7 人，最多 10 人")
    await expect(phone.locator(".where")).to_have_text("已通过demo登录 · 已选 7 人，最多 10 人")
    await examine(phone)
    await phone.get_by_role("searchbox").fill("31号")
    await phone.locator(".card:visible .card-link").click()
    await expect(status).to_have_text("已选 7 人，最多 10 人")
    await choose(phone, [31])
    await phone.go_back()
    await expect(status).to_have_text("已选 8 人，最多 10 人")
    await phone.get_by_role("searchbox").fill("")
    await choose(phone, NUMBERS[8:])
    await choose(phone, [50])
    await expect(status).to_have_text("最多选 10 人。如需更换，请先取消一位。")
    await expect(phone.locator("[data-choose='50']")).to_have_attribute("aria-pressed", "false")

    await phone.get_by_role("button", name="核对选票").click()
    await expect(phone.get_by_role("heading", level=1)).to_have_text("核对选票")
    assert await stored_choices(site) == []
    assert await phone.locator(".chosen .number").all_inner_texts() == [
        f"{number:02d}" for number in NUMBERS
    ]
    await examine(phone)
    await phone.get_by_role("button", name="投出选票").click()

    await phone.wait_for_url(re.compile("/receipts/[0-9a-f]{32}$"))
    assert await stored_choices(site) == [list(NUMBERS)]
    note = phone.locator("#stored")
    await expect(note).to_contain_text(texts("zh")["receipt"]["stored"])
    await expect(note).to_be_visible()
    await expect(note).to_be_focused()
    assert await kept(phone) == []
    await examine(phone)
    ballot = phone.url[-32:]
    await phone.reload()
    await expect(phone.locator(".code").first).to_have_text(" ".join(re.findall("....", ballot)))
    await expect(note).to_be_hidden()

    await phone.goto(site.page())
    await expect(phone.locator(".voted")).to_be_visible()
    await expect(phone.locator(".where")).to_have_text("已通过demo登录 · 您今天已经投票。")
    await expect(phone.locator("[data-choose='1']")).to_be_hidden()
    await examine(phone)
    await phone.get_by_role("link", name="查看回执").click()
    await phone.wait_for_url(re.compile(ballot))

    await phone.goto(site.page("/ballot"))
    await phone.get_by_label("08号候选人").check()
    await phone.get_by_role("button", name="核对选票").click()
    await expect(phone.locator(".notice.info")).to_contain_text("您今天已经投票")
    await expect(phone.get_by_role("button", name="投出选票")).to_have_count(0)
    await examine(phone)
    await phone.context.clear_cookies(name=f"voted-{SLUG}")  # as in another browser
    await phone.reload()
    guard.expect("status of 409")
    await phone.get_by_role("button", name="投出选票").click()
    await expect(phone.get_by_role("heading", level=1)).to_have_text("您已经投过票")
    await expect(phone.get_by_role("alert")).to_contain_text("以先收到的为准")
    await expect(phone.locator(".code").first).to_have_text(" ".join(re.findall("....", ballot)))
    assert await stored_choices(site) == [list(NUMBERS)]
    await examine(phone)


async def test_on_a_desktop_in_english_from_the_platforms_form(
    desktop: Page, guard: Guard, site: Site, platform_site: ForeignSite
) -> None:
    await arrive(desktop, guard, platform_site, entrance(site, site.token(), language="en"))
    await desktop.wait_for_url(site.page(language="en"))
    assert "session" not in await desktop.evaluate("document.cookie")
    status = desktop.locator(".choice-bar [role=status]")
    await choose(desktop, [1, 2, 3])
    await expect(status).to_have_text("3 of 10 chosen")
    await examine(desktop)
    await desktop.get_by_role("button", name="Review my ballot").click()
    await expect(desktop.get_by_role("heading", level=1)).to_have_text("Review your ballot")
    await expect(desktop.get_by_text("You are signed in through demo.")).to_be_visible()
    await examine(desktop)
    await desktop.reload()
    await desktop.get_by_role("link", name="Change my choices").click()
    await expect(desktop.get_by_label("Candidate 02")).to_be_checked()
    await desktop.get_by_label("Candidate 02").uncheck()
    await expect(desktop.get_by_role("status")).to_have_text("2 of 10 chosen")
    await examine(desktop)
    await desktop.get_by_role("button", name="Review my ballot").click()
    await desktop.get_by_role("button", name="Cast my vote").click()
    await expect(desktop.get_by_text("Thank you for voting.")).to_be_visible()
    assert await stored_choices(site) == [[1, 3]]
    await examine(desktop)

    await desktop.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await desktop.get_by_role("button", name="Copy receipt").click()
    await expect(desktop.locator(".done")).to_have_text("Copied.")
    copied = await desktop.evaluate("navigator.clipboard.readText()")
    assert desktop.url[-32:] in copied
    async with desktop.expect_download() as saving:
        await desktop.get_by_role("link", name="Save as picture").click()
    picture = await (await saving.value).path()
    assert picture.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(picture.read_bytes()[16:20]) == 1280
    await expect(desktop.locator(".done")).to_have_text(re.compile("^The picture is shown below"))
    await expect(desktop.get_by_role("img", name="Receipt for a public vote")).to_be_visible()
    await examine(desktop)
    await desktop.get_by_role("link", name="中文").click()
    await expect(desktop.get_by_role("heading", level=1)).to_have_text("您的选票已收到")


async def test_by_keyboard_alone(
    desktop: Page, guard: Guard, site: Site, platform_site: ForeignSite
) -> None:
    guard.allow_origin(platform_site.origin)
    await desktop.goto(platform_site.show(link(site.sign_in_url(site.token()))))
    await desktop.keyboard.press("Tab")
    await desktop.keyboard.press("Enter")
    await desktop.wait_for_url(site.page())
    for count in range(1, 11):
        at = await tab_to(desktop, "选择")
        await desktop.keyboard.press("Space" if count % 2 else "Enter")
        after = await focused(desktop)
        assert after is not None
        assert after["name"] == at["name"].replace("选择", "已选 ✓")
        await expect(desktop.locator(".choice-bar [role=status]")).to_have_text(
            f"已选 {count} 人，最多 10 人"
        )
    await tab_to(desktop, "核对选票", at_most=1)
    await desktop.keyboard.press("Enter")
    await expect(desktop.locator("#review")).to_be_focused()
    await desktop.keyboard.press("Enter")
    await expect(desktop.get_by_role("heading", level=1)).to_have_text("核对选票")
    await tab_to(desktop, "投出选票")
    await desktop.keyboard.press("Enter")
    await expect(desktop.locator("#stored")).to_be_focused()
    assert [len(choices) for choices in await stored_choices(site)] == [10]
    await tab_to(desktop, "复制回执")


async def test_a_name_is_removed_on_the_review_and_casting_shows_progress(
    phone: Page, site: Site
) -> None:
    """And the review is one tab stop away from the last name chosen."""
    await phone.goto(site.sign_in_url(site.token()))
    await phone.wait_for_url(site.page())
    await choose(phone, [1, 2, 3])
    await tab_to(phone, "核对选票", at_most=1)
    await phone.keyboard.press("Enter")
    await expect(phone.locator("#review")).to_be_focused()
    await phone.keyboard.press("Enter")
    await phone.get_by_role("button", name="移除 02号候选人").click()
    await expect(phone.locator(".chosen .number")).to_have_text(["01", "03"])
    assert await kept(phone) == [1, 3]
    await examine(phone)
    cast = phone.locator("[data-once]")
    stay = "button => button.form.addEventListener('submit', (event) => event.preventDefault())"
    await cast.evaluate(stay)
    await cast.click()
    await expect(cast).to_have_text("正在提交选票……")
    await expect(cast).to_have_attribute("aria-disabled", "true")
    await phone.reload()
    await cast.click()
    await expect(phone.locator("#stored")).to_be_visible()
    assert await stored_choices(site) == [[1, 3]]
    looks = {
        await note.evaluate(
            "note => getComputedStyle(note).borderLeftColor"
            " + getComputedStyle(note, '::before').content + note.querySelector('.kind').innerText"
        )
        for note in (phone.locator("#stored"), phone.locator("#again"))
    }
    assert len(looks) == 2, "stored now and stored before look alike"


async def test_without_scripts(
    no_scripts: Page, guard: Guard, site: Site, platform_site: ForeignSite
) -> None:
    await no_scripts.goto(site.sign_in_url(site.token(), language="zh"))
    await expect(no_scripts.locator(".notice")).to_contain_text(texts("zh")["enter"]["no_scripts"])
    await arrive(no_scripts, guard, platform_site, entrance(site, site.token()))
    await no_scripts.wait_for_url(site.page())
    await no_scripts.get_by_role("link", name="填写选票").click()
    guard.expect("status of 422")
    await no_scripts.get_by_role("button", name="核对选票").click()
    await expect(no_scripts.get_by_role("alert")).to_contain_text("您尚未选择候选人")
    await no_scripts.get_by_role("link", name="修改选择").click()
    for number in (5, 6, 44):
        await no_scripts.get_by_label(f"{number:02d}号候选人").check()
    await no_scripts.get_by_role("button", name="核对选票").click()
    await no_scripts.get_by_role("button", name="投出选票").click()
    await expect(no_scripts.locator("#stored")).to_be_visible()
    await expect(no_scripts.locator("#again")).to_be_hidden()
    assert await stored_choices(site) == [[5, 6, 44]]
    receipt = no_scripts.url
    await no_scripts.go_back()
    await no_scripts.wait_for_url(site.page("/ballot"))
    for number in (5, 6, 44):
        await no_scripts.get_by_label(f"{number:02d}号候选人").check()
    await no_scripts.get_by_role("button", name="核对选票").click()
    await expect(no_scripts.get_by_text("您今天已经投票")).to_be_visible()
    await expect(no_scripts.get_by_role("button", name="投出选票")).to_have_count(0)
    assert len(await stored_choices(site)) == 1
    await no_scripts.goto(receipt)
    async with no_scripts.expect_download() as saving:
        await no_scripts.get_by_role("link", name="保存为图片").click()
    assert (await saving.value).suggested_filename == f"receipt-{receipt[-15:-7]}.svg"


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_a_session_that_ends_on_the_way_costs_no_choice(
    language: Language, phone: Page, guard: Guard, site: Site, platform_site: ForeignSite
) -> None:
    words = texts(language)
    await phone.goto(site.sign_in_url(site.token("late"), language=language))
    await phone.wait_for_url(site.page(language=language))
    await choose(phone, [12, 13])
    await phone.locator("#review").click()
    site.clock.offset += timedelta(hours=12, minutes=1)
    guard.expect("status of 401")
    await phone.get_by_role("button", name=words["review"]["cast"]).click()
    await expect(phone.get_by_role("heading", level=1)).to_have_text(
        words["problem"]["not-signed-in"]["title"]
    )
    await examine(phone)
    assert sorted(await kept(phone)) == [12, 13]
    await arrive(
        phone,
        guard,
        platform_site,
        link(site.sign_in_url(site.token("late"), language=language)),
    )
    await phone.wait_for_url(site.page(language=language))
    await phone.locator("#review").click()
    await phone.get_by_role("button", name=words["review"]["cast"]).click()
    await expect(phone.locator("#stored")).to_be_visible()
    assert await stored_choices(site) == [[12, 13]]


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_pages_about_problems_are_fit_for_everybody(
    language: Language, phone: Page, guard: Guard, site: Site
) -> None:
    words = texts(language)
    heading = phone.get_by_role("heading", level=1)
    await phone.goto(site.url("/enter"))
    await expect(heading).to_have_text("登录投票")
    await examine(phone)
    guard.expect("status of 401")
    await phone.goto(site.sign_in_url("no-token", language=language))
    await expect(heading).to_have_text(words["enter"]["failed"])
    assert "token" not in phone.url
    await phone.get_by_text(words["enter"]["details"]).click()
    await examine(phone)

    await phone.goto(site.page("/ballot", language=language))
    await examine(phone)
    for number in range(1, 12):
        await phone.locator(f"[name=choice][value='{number}']").click()
    await expect(phone.get_by_role("status")).to_have_text(
        words["choose"]["bar_full"].format(max=10)
    )
    await phone.locator("[name=choice][value='11']").evaluate("(box) => { box.checked = true; }")
    guard.expect("status of 422")
    await phone.get_by_role("button", name=words["choose"]["review"]).click()
    await expect(phone.get_by_role("alert")).to_be_visible()
    await examine(phone)
    await phone.goto(site.page(language=language))
    await phone.locator("#review").click()
    await expect(phone.get_by_text(words["review"]["sign_in"])).to_be_visible()
    await examine(phone)

    await phone.goto(site.sign_in_url(site.token(), language=language))
    await phone.wait_for_url(site.page(language=language))
    await phone.locator("#review").click()
    await expect(heading).to_have_text(words["review"]["title"])
    site.state.contest_state(SLUG).pipeline._queue_limit = 0
    guard.expect("status of 503")
    await phone.get_by_role("button", name=words["review"]["cast"]).click()
    await expect(heading).to_have_text(words["problem"]["busy"]["title"])
    await examine(phone)
    site.state.contest_state(SLUG).pipeline._queue_limit = 100
    await phone.get_by_role("button", name=words["problem"]["again"]).click()
    await expect(phone.locator("#stored")).to_be_visible()
    assert await stored_choices(site) == [list(range(1, 11))]


@pytest.mark.parametrize("sender", ["stranger", "platform"])
async def test_other_sites_pages_cannot_cast_for_a_signed_in_reader(
    sender: str,
    phone: Page,
    guard: Guard,
    site: Site,
    platform_site: ForeignSite,
    stranger_site: ForeignSite,
) -> None:
    await phone.goto(site.sign_in_url(site.token()))
    await phone.wait_for_url(site.page())
    await choose(phone, [1])
    await phone.locator("#review").click()
    csrf_token = await phone.locator("[name=csrf_token]").get_attribute("value")
    other = stranger_site if sender == "stranger" else platform_site
    guard.allow_origin(other.origin)
    guard.expect("status of 403")
    for path in ("/ballot", "/ballot/review", "/leave"):
        fields = f'<input name="choice" value="9"><input name="csrf_token" value="{csrf_token}">'
        await phone.goto(
            other.show(
                f'<form method="post" action="{site.page(path)}">{fields}<button>奖</button></form>'
            )
        )
        async with phone.expect_response(site.page(path)) as answering:
            await phone.get_by_text("奖").click()
        answer = await answering.value
        assert answer.status == 403
        assert "cookie" not in await answer.request.all_headers(), "the session came along"
        await expect(phone.get_by_role("heading", level=1)).to_have_text("请在本站投票")
    assert await stored_choices(site) == []
    await phone.goto(site.page("/ballot"))
    await phone.get_by_role("button", name="核对选票").click()
    await expect(phone.get_by_role("button", name="投出选票")).to_be_visible()


async def test_a_stranger_cannot_sign_readers_in_by_form(
    phone: Page, guard: Guard, site: Site, stranger_site: ForeignSite
) -> None:
    guard.expect("status of 403")
    await arrive(phone, guard, stranger_site, entrance(site, site.token()))
    await expect(phone.get_by_role("heading", level=1)).to_have_text("进入失败")
    assert [c["name"] for c in await phone.context.cookies(site.origin)] == []


async def test_a_link_in_the_page_of_the_door_itself_is_taken_too(
    phone: Page, guard: Guard, site: Site
) -> None:
    guard.expect("status of 401")
    await phone.goto(site.sign_in_url("no-token"))
    await expect(phone.get_by_role("alert")).to_be_visible()
    await phone.goto(site.sign_in_url(site.token()))
    await phone.wait_for_url(site.page())
    assert not [url for url in await history(phone) if "token" in url]
