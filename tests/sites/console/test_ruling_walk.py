"""Two people rule a campaign in Chromium, and the public standings follow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx
from playwright.async_api import Page, expect

from tests.browser.accessibility import assert_accessible, tab_to
from tests.browser.pages import press_and_confirm
from tests.contest_data import store_platform
from tests.cut_data import StoredBallot
from tests.patience import eventually, patient_valkey
from tests.sites.console.running_staff_app import StaffApp
from tests.sites.public.public_site import public_site
from tests.voting.rulings.rulings_data import hold, store_ballots
from voting_service.jobs.loop_runner import run_loops
from voting_service.jobs.reconcile import reconcile_loop

HOLDS = "/contests/test-2022/holds"
DECISIONS = "/contests/test-2022/approvals"


@asynccontextmanager
async def public_standings(staff_app: StaffApp) -> AsyncIterator[httpx.AsyncClient]:
    """The citizens' site and the reconciler beside the console, as in production."""
    valkey = patient_valkey(staff_app.settings.valkey_url)
    loops = asyncio.create_task(
        run_loops([reconcile_loop(valkey)], staff_app.settings.database_url)
    )
    async with public_site(staff_app.settings, staff_app.clock) as client:
        yield client
    loops.cancel()
    await asyncio.gather(loops, return_exceptions=True)
    await valkey.close()


async def test_two_people_rule_a_campaign_and_the_standings_follow(
    staff_app: StaffApp, desktop: Page, second_desktop: Page
) -> None:
    await store_platform(staff_app.database)
    await staff_app.refresh()
    opened = staff_app.contest.opens_at + timedelta(milliseconds=1)  # on a day that is over
    stored = [StoredBallot([1 if n < 5 else 2], cast_at=opened) for n in range(8)]
    ids = await store_ballots(staff_app.database, staff_app.contest, stored)
    hold_id = await hold(staff_app.database, staff_app.contest, ids[:5], label="network 0")
    async with public_standings(staff_app) as public:

        async def votes() -> dict[int, int] | None:
            answer = await public.get("/api/v1/contests/test-2022/standings")
            if answer.status_code != 200:
                return None
            return {line["number"]: line["votes"] for line in answer.json()["candidates"][:2]}

        async def are(expected: dict[int, int]) -> bool:
            return await votes() == expected

        await eventually(lambda: are({1: 5, 2: 3}))

        # The clerk reads the evidence and proposes, with the keyboard alone.
        await staff_app.sign_in(desktop, "tally_clerk", HOLDS)
        await assert_accessible(desktop)
        await tab_to(desktop, "· network 0")
        await desktop.keyboard.press("Enter")
        await desktop.wait_for_url(f"{staff_app.origin}{HOLDS}/{hold_id}")
        await expect(desktop.locator("[data-sentence]")).to_have_text("证据")
        await expect(desktop.locator("[data-votes] [data-figure=counted]")).to_have_text("5")
        await assert_accessible(desktop)
        await tab_to(desktop, "请选择")
        await desktop.keyboard.press("ArrowDown")
        await desktop.keyboard.press("Tab")
        await desktop.keyboard.type("五张选票出自同一程序。")
        await tab_to(desktop, "提请审批")
        await desktop.keyboard.press("Enter")
        await desktop.wait_for_url(f"{staff_app.origin}{DECISIONS}?done=proposed")
        await assert_accessible(desktop)

        # Alone the clerk finds nothing to approve.
        await expect(desktop.get_by_role("button", name="批准选中的裁定")).to_have_count(0)
        await expect(desktop.get_by_role("button", name="撤回")).to_have_count(1)
        assert await votes() == {1: 5, 2: 3}

        # Another person approves, and the public sees it.
        await staff_app.sign_in(second_desktop, "supervisor", DECISIONS)
        await assert_accessible(second_desktop)
        await expect(second_desktop.locator("[data-waiting]")).to_contain_text(
            "五张选票出自同一程序"
        )
        await second_desktop.get_by_role("checkbox").press("Space")
        await press_and_confirm(second_desktop, "批准选中的裁定")
        await second_desktop.wait_for_url(f"{staff_app.origin}{DECISIONS}?done=approved")
        await eventually(lambda: are({2: 3, 1: 0}))
        await second_desktop.goto(f"{staff_app.origin}{HOLDS}/{hold_id}")
        await expect(second_desktop.locator("[data-rulings]")).to_contain_text("生效中")
        await second_desktop.get_by_role("link", name=ids[0].hex()).click()
        await expect(second_desktop.locator("[data-state]")).to_have_text("作废")
        await assert_accessible(second_desktop)
        receipt = await public.get(f"/api/v1/contests/test-2022/receipts/{ids[0].hex()}")
        assert receipt.json()["state"] == "void"


async def test_all_holds_that_are_listed_are_chosen_at_once(
    staff_app: StaffApp, desktop: Page
) -> None:
    opened = staff_app.contest.opens_at + timedelta(milliseconds=1)  # on a day that is over
    ids = await store_ballots(
        staff_app.database, staff_app.contest, [StoredBallot([1], cast_at=opened) for _ in range(3)]
    )
    for item in ids:
        await hold(staff_app.database, staff_app.contest, [item])
    await staff_app.sign_in(desktop, "tally_clerk", "/contests/test-2022/holds")
    every = desktop.get_by_label("选择此处列出的全部")
    boxes = desktop.locator("input[name=hold]")
    await every.check()
    for box in await boxes.all():
        await expect(box).to_be_checked()
    await boxes.first.uncheck()
    await expect(every).to_be_checked(indeterminate=True)
    await desktop.select_option("#ruling", "count/honest_crowd")
    await desktop.fill("#words", "抽查属实")
    await desktop.get_by_role("button", name="提请审批").click()
    await expect(desktop.locator("[aria-labelledby=mine] > ul > li")).to_have_count(2)
