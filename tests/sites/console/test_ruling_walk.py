"""Two people rule a campaign in Chromium, and the public standings follow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx
import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.accessibility import assert_accessible, tab_to
from tests.browser.conftest import DESKTOP, TIMEOUT_MS
from tests.browser.guard import Guard
from tests.contest_data import store_platform
from tests.cut_data import StoredBallot
from tests.infrastructure.postgres.waiting import eventually
from tests.sites.console.running_office import Office
from tests.sites.console.test_publication_pages import public_site
from tests.voting.rulings.rulings_data import hold, store_ballots
from voting_service.infrastructure.valkey import Valkey
from voting_service.jobs.loop_runner import run_loops
from voting_service.jobs.reconcile import reconcile_loop
from voting_service.voting.tally.counters import register_functions

HOLDS = "/contests/test-2022/holds"
DECISIONS = "/contests/test-2022/approvals"


@pytest.fixture
async def second_desktop(chromium: Browser, guard: Guard) -> AsyncIterator[Page]:
    """Another person's browser."""
    context = await chromium.new_context(**DESKTOP, locale="zh-CN")
    context.set_default_timeout(TIMEOUT_MS)
    guard.watch(context)
    yield await context.new_page()
    await context.close()


@asynccontextmanager
async def public_standings(office: Office) -> AsyncIterator[httpx.AsyncClient]:
    """The citizens' face and the reconciler beside the desk, as in production."""
    valkey = Valkey(office.settings.valkey_url)
    register_functions(valkey)
    loops = asyncio.create_task(run_loops([reconcile_loop(valkey)], office.settings.database_url))
    async with public_site(office) as origin, httpx.AsyncClient(base_url=origin) as client:
        yield client
    loops.cancel()
    await asyncio.gather(loops, return_exceptions=True)
    await valkey.close()


async def test_two_people_rule_a_campaign_and_the_standings_follow(
    office: Office, desktop: Page, second_desktop: Page
) -> None:
    await store_platform(office.database)
    await office.refresh()
    opened = office.contest.opens_at + timedelta(hours=1)
    stored = [StoredBallot([1 if n < 5 else 2], cast_at=opened) for n in range(8)]
    ids = await store_ballots(office.database, office.contest, stored)
    hold_id = await hold(office.database, office.contest, ids[:5], label="network 0")
    async with public_standings(office) as public:

        async def votes() -> dict[int, int] | None:
            answer = await public.get("/api/v1/contests/test-2022/standings")
            if answer.status_code != 200:
                return None
            return {line["number"]: line["votes"] for line in answer.json()["candidates"][:2]}

        async def are(wanted: dict[int, int]) -> bool:
            return await votes() == wanted

        await eventually(lambda: are({1: 5, 2: 3}))

        # The clerk reads the evidence and proposes, with the keyboard alone.
        await office.sign_in(desktop, "tally_clerk", HOLDS)
        await assert_accessible(desktop)
        await tab_to(desktop, "· network 0")
        await desktop.keyboard.press("Enter")
        await desktop.wait_for_url(f"{office.origin}{HOLDS}/{hold_id}")
        await expect(desktop.locator("[data-sentence]")).to_have_text("证据")
        await expect(desktop.locator("[data-votes] [data-figure=counted]")).to_have_text("5")
        await assert_accessible(desktop)
        await tab_to(desktop, "请选择")
        await desktop.keyboard.press("ArrowDown")
        await desktop.keyboard.press("Tab")
        await desktop.keyboard.type("五张选票出自同一程序。")
        await tab_to(desktop, "提请审批")
        await desktop.keyboard.press("Enter")
        await desktop.wait_for_url(f"{office.origin}{DECISIONS}?done=proposed")
        await assert_accessible(desktop)

        # Alone the clerk finds nothing to approve.
        await expect(desktop.get_by_role("button", name="批准选中的裁定")).to_have_count(0)
        await expect(desktop.get_by_role("button", name="撤回")).to_have_count(1)
        assert await votes() == {1: 5, 2: 3}

        # Another person approves, and the public sees it.
        await office.sign_in(second_desktop, "supervisor", DECISIONS)
        await assert_accessible(second_desktop)
        await expect(second_desktop.locator("[data-waiting]")).to_contain_text(
            "五张选票出自同一程序"
        )
        await second_desktop.get_by_role("checkbox").press("Space")
        await second_desktop.get_by_role("button", name="批准选中的裁定").press("Enter")
        await second_desktop.wait_for_url(f"{office.origin}{DECISIONS}?done=approved")
        await eventually(lambda: are({2: 3, 1: 0}))
        await second_desktop.goto(f"{office.origin}{HOLDS}/{hold_id}")
        await expect(second_desktop.locator("[data-rulings]")).to_contain_text("生效中")
        await second_desktop.get_by_role("link", name=ids[0].hex()).click()
        await expect(second_desktop.locator("[data-state]")).to_have_text("作废")
        await assert_accessible(second_desktop)
        receipt = await public.get(f"/api/v1/contests/test-2022/receipts/{ids[0].hex()}")
        assert receipt.json()["state"] == "void"


async def test_all_holds_that_are_listed_are_chosen_at_once(office: Office, desktop: Page) -> None:
    opened = office.contest.opens_at + timedelta(hours=1)
    ids = await store_ballots(
        office.database, office.contest, [StoredBallot([1], cast_at=opened) for _ in range(3)]
    )
    for each in ids:
        await hold(office.database, office.contest, [each])
    await office.sign_in(desktop, "tally_clerk", "/contests/test-2022/holds")
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
