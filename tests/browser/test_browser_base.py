"""The measures of the browser tests themselves: each sees what it is there to see."""

from __future__ import annotations

import subprocess
import time

import pytest
from playwright.async_api import Page

from tests.browser import find_browsers
from tests.browser.accessibility import (
    assert_accessible,
    assert_nothing_lost,
    focused,
    scale_text,
    tab_to,
    violations,
    violations_in_every_mode,
)
from tests.browser.guard import Guard
from tests.browser.serving import ForeignSite
from tests.browser.site import SLUG, Site
from tests.browser.speed import vitals, watch_traffic

GOOD = "<main><h1>标题</h1><p>正文</p><a href='/next'>下一页</a></main>"


async def test_the_site_holds_the_demos_candidates_and_counts_votes(site: Site) -> None:
    answer = await site.api.get(f"/api/v1/contests/{SLUG}/candidates")
    assert len(answer.json()["candidates"]) == 50
    await site.crowd(3, [7, 9])
    await site.reconcile()
    standings = (await site.api.get(f"/api/v1/contests/{SLUG}/standings")).json()
    assert standings["ballots"] == 3
    assert {line["number"] for line in standings["candidates"] if line["votes"] == 3} == {7, 9}


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        ("console.error('something broke')", "console: something broke"),
        ("setTimeout(() => { throw new Error('thrown') })", "page error: thrown"),
        ("fetch('https://elsewhere.example/x').catch(() => {})", "request to another host"),
    ],
)
async def test_the_guard_sees_what_a_page_does_wrong(
    script: str, complaint: str, phone: Page, guard: Guard, stranger_site: ForeignSite
) -> None:
    guard.allow_origin(stranger_site.origin)
    if "elsewhere" in script:
        guard.expect("ERR_NAME_NOT_RESOLVED")
    await phone.goto(stranger_site.show(GOOD))
    await phone.evaluate(script)
    guard.expect(complaint)
    while not any(complaint in seen for seen in guard.seen):
        await phone.evaluate("() => new Promise((resolve) => setTimeout(resolve))")


def test_the_guard_wants_what_was_expected_to_happen() -> None:
    guard = Guard()
    guard.expect("status of 409")
    assert guard.verdict() == ["expected, but did not happen: status of 409"]


async def test_cookies_of_a_site_inside_another_are_blocked(
    phone: Page, guard: Guard, platform_site: ForeignSite, stranger_site: ForeignSite
) -> None:
    inside = stranger_site.show(GOOD, "/inside")
    stranger_site.headers = {"set-cookie": "here=1; SameSite=None; Secure; Path=/"}
    outside = platform_site.show(f"<iframe src='{inside}' title='inside'></iframe>")
    outside = outside.replace("localhost", "127.0.0.1")
    guard.allow_origin(stranger_site.origin, outside.rstrip("/"))
    await phone.goto(outside)
    assert await phone.frames[1].evaluate("document.cookie") == ""
    await phone.goto(inside)
    assert await phone.evaluate("document.cookie") == "here=1"


async def test_pages_are_examined_under_a_strict_policy(
    desktop: Page, guard: Guard, stranger_site: ForeignSite
) -> None:
    guard.allow_origin(stranger_site.origin)
    stranger_site.headers = {"content-security-policy": "default-src 'none'"}
    await desktop.goto(stranger_site.show(GOOD))
    await assert_accessible(desktop)
    await desktop.goto(stranger_site.show(GOOD + "<img src='data:,'><p style='x'>a</p>", "/bad"))
    guard.expect("Content Security Policy")
    [violation] = [line for line in await violations(desktop) if line.startswith("image-alt")]
    assert "img" in violation
    with pytest.raises(AssertionError, match="image-alt"):
        await assert_accessible(desktop)


async def test_a_weak_colour_is_found_in_its_mode_beside_strong_ones(
    desktop: Page, guard: Guard, stranger_site: ForeignSite
) -> None:
    guard.allow_origin(stranger_site.origin)
    style = (
        "<style>body { color: #000; background: #fff } .weak { color: #00000080 } "
        "[data-theme=dark] body { color: #fff; background: #000 } "
        "[data-theme=dark] .strong { color: #222 } [data-theme=dark] .weak { color: #fff }</style>"
    )
    page = (
        GOOD + "<p class='strong'>第一段</p><p class='weak'>第二段</p><p class='strong'>第三段</p>"
    )
    await desktop.goto(stranger_site.show(page, head=style))
    weak_lines = [
        line for line in await violations_in_every_mode(desktop) if "color-contrast" in line
    ]
    assert [
        (line.count(".weak"), line.count(".strong"), "dark: " in line) for line in weak_lines
    ] == [
        (1, 0, False),
        (0, 2, True),
        (1, 0, False),
    ], weak_lines


async def test_the_keyboard_is_followed_and_must_be_seen(
    desktop: Page, guard: Guard, stranger_site: ForeignSite
) -> None:
    guard.allow_origin(stranger_site.origin)
    await desktop.goto(stranger_site.show(GOOD))
    assert (await tab_to(desktop, "下一页"))["href"] == "/next"
    assert await focused(desktop)
    hidden = "<style>a{outline:none}</style>"
    await desktop.goto(stranger_site.show(GOOD, "/unseen", head=hidden))
    with pytest.raises(AssertionError, match="nothing shows"):
        await tab_to(desktop, "下一页")


async def test_large_text_that_is_cut_off_is_found(
    phone: Page, guard: Guard, stranger_site: ForeignSite
) -> None:
    guard.allow_origin(stranger_site.origin)
    box = "<p style='width: 120px; height: 30px; overflow: hidden'>七个字的一行话</p>"
    await phone.goto(stranger_site.show(GOOD + box))
    await assert_nothing_lost(phone)
    await scale_text(phone)
    with pytest.raises(AssertionError, match="cut off"):
        await assert_nothing_lost(phone)


async def test_traffic_paint_and_shift_are_measured(
    phone: Page, guard: Guard, stranger_site: ForeignSite
) -> None:
    guard.allow_origin(stranger_site.origin)
    padding = "<!--" + "x" * 40_000 + "-->"
    address = stranger_site.show(GOOD + padding)
    traffic = await watch_traffic(phone)
    await traffic.simulate()
    began = time.monotonic()
    await phone.goto(address)
    assert time.monotonic() - began > 0.35, "40 KB take 0.2 s and a round trip at 1.6 Mbit/s"
    assert 40_000 < await traffic.bytes_above_the_fold(phone) < 42_000
    measured = await vitals(phone)
    assert measured.largest_paint_ms > 150
    assert measured.layout_shift == 0
    await phone.evaluate(
        """() => { const late = document.createElement("p"); late.style.height = "300px";
                   document.querySelector("main").prepend(late); }"""
    )
    assert (await vitals(phone)).layout_shift > 0.1


def test_browsers_are_installed_where_that_can_be_done() -> None:
    commands: list[list[str]] = []
    nothing = {"apt-get": "/usr/bin/apt-get"}.get
    missing = find_browsers.missing_packages(nothing, fonts=False)
    assert missing == [*find_browsers.PROGRAMS, "fonts-noto-cjk"]
    find_browsers.install(missing, commands.append, is_root=True, find=nothing)
    assert commands[-1][-len(missing) :] == missing

    with pytest.raises(SystemExit, match="apt-get install chromium"):
        find_browsers.install(missing, commands.append, is_root=False, find=nothing)

    def fails(command: list[str]) -> None:
        raise subprocess.CalledProcessError(100, command)

    with pytest.raises(SystemExit, match="failed"):
        find_browsers.install(missing, fails, is_root=True, find=nothing)

    def is_locked(command: list[str]) -> None:
        reason = "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 7 (apt)"
        raise subprocess.CalledProcessError(100, command, stderr=reason)

    with pytest.raises(SystemExit, match=r"held by process 7 \(apt\)\nWait until it has finished"):
        find_browsers.install(missing, is_locked, is_root=True, find=nothing)
    programs = [names[0] for names in find_browsers.PROGRAMS.values()]
    there = dict.fromkeys((name for name in programs if name != "Xvfb"), "/x")
    assert find_browsers.missing_packages(there.get, fonts=True) == ["xvfb"]
    assert find_browsers.headless_shell_path({"chromium": "/x"}.get) == "/x"
