"""The log on the pages: a ballot's proof, a saved proof, and the check of the whole log."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.browser.accessibility import assert_accessible_in_every_mode, assert_nothing_lost
from tests.browser.guard import Guard
from tests.browser.older import WITHOUT
from tests.browser.site import SLUG, Site
from tests.sites.public.log.published_log import PublishedLog, open_log, open_receipt
from tests.voting.public_log.log_builder import LogPlan, build_log
from voting_service.settings import Settings
from voting_service.sites.public.rendering import show_log

WITHOUT_ED25519 = f"{WITHOUT} delete Crypto.prototype.subtle;"
"""What the oldest browsers of docs/browsers.md lack, on a site without https, too."""
RIGHT = "您的选票自"
STATUS = "[data-status]"


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    """Of a service with public logs."""
    return settings.model_copy(update={"log_folder": tmp_path})


@pytest.fixture
async def published(phone: Page) -> PublishedLog:
    """The log of a vote that goes on, on the phone."""
    published = open_log()
    await published.serve(phone)
    return published


async def test_a_receipt_proves_in_the_browser_that_its_ballot_is_in_the_log(
    phone: Page, site: Site, guard: Guard, published: PublishedLog
) -> None:
    ballot = (await site.cast([4]))["ballot"]
    guard.expect("status of 404")
    await open_receipt(phone, site, ballot)
    await expect(phone.locator(STATUS)).to_contain_text("通常在十分钟之内")
    published.add(ballot)
    await open_receipt(phone, site, ballot)
    await expect(phone.locator(STATUS)).to_contain_text(RIGHT)
    steps = phone.locator(".proof-path li")
    await expect(steps).to_have_count(4)
    await expect(steps.nth(1)).to_contain_text("150")
    assert await phone.locator(".proof-path svg .place").count() == 4
    assert await phone.locator(".proof-path svg circle.beside").count() > 5
    await assert_accessible_in_every_mode(phone)
    await assert_nothing_lost(phone)
    published.damage = 1
    await phone.reload()
    await expect(phone.locator(STATUS)).to_contain_text("证明有误：该文件不是选票证明")
    await expect(phone.locator(".proof-path")).to_be_hidden()
    published.files.clear()
    await phone.reload()
    await expect(phone.locator("[data-proof]")).to_be_hidden()


async def test_a_saved_proof_is_checked_without_the_server_in_the_oldest_browsers(
    phone: Page, site: Site, published: PublishedLog, tmp_path: Path
) -> None:
    ballots = [(await site.cast([4]))["ballot"] for _ in range(2)]
    published.add(ballots[0])
    await published.serve(phone)
    proof = published.proof(ballots[0])
    assert proof is not None
    (tmp_path / "right.json").write_bytes(proof)
    (tmp_path / "wrong.json").write_bytes(proof.replace(b'"tag_index":', b'"tag_index":1'))
    await phone.add_init_script(WITHOUT_ED25519)
    await phone.goto(site.page("/receipts"))
    sent: list[str] = []
    phone.on("request", lambda request: sent.append(request.method))
    await phone.set_input_files("#proof-file", tmp_path / "right.json")
    await expect(phone.locator(STATUS)).to_contain_text(RIGHT)
    await phone.fill("#code", ballots[1])
    await phone.locator("#code").blur()
    await expect(phone.locator(STATUS)).to_contain_text("该证明属于另一张选票")
    await phone.fill("#code", ballots[0])
    await phone.locator("#code").blur()
    await expect(phone.locator(STATUS)).to_contain_text(RIGHT)
    await assert_accessible_in_every_mode(phone)
    await phone.set_input_files("#proof-file", tmp_path / "wrong.json")
    await expect(phone.locator(STATUS)).to_contain_text("选票不在证明所称的批次之中")
    assert set(sent) == {"GET"}


async def test_anybody_checks_the_whole_log_on_its_page(
    phone: Page, site: Site, guard: Guard
) -> None:
    guard.expect("status of 404")
    published = PublishedLog(build_log(LogPlan(ballots=600, seed=7)))
    await published.serve(phone)
    await phone.goto(site.page("/rules", language="en"))
    await phone.get_by_role("link", name="Check the vote yourself").click()
    await expect(phone.locator("[data-fact=ballots]")).to_have_text("600")
    await expect(phone.locator("[data-witnesses] li")).to_have_count(2)
    await phone.get_by_role("button", name="Check the whole log").click()
    await expect(phone.locator("[data-outcome]")).to_have_text("The log is right.")
    await assert_accessible_in_every_mode(phone)
    await assert_nothing_lost(phone)
    script = await phone.get_by_role("link", name="Download verify.mjs").get_attribute("href")
    assert (await site.api.get(site.url(script or ""))).status_code == 200
    published.files["bundles/2"] = published.files["bundles/1"]
    await phone.get_by_role("button", name="Check the whole log").click()
    await expect(phone.locator("[data-outcome]")).to_have_text("The log is wrong.")
    await expect(phone.locator("[data-sentences]")).to_contain_text("bundle 2")
    published.files.clear()
    await phone.reload()
    await expect(phone.locator("[data-state]")).to_have_text(
        "There is no public log for this vote yet."
    )


async def test_without_scripts_there_are_sentences_and_the_file(
    no_scripts: Page, site: Site
) -> None:
    ballot = (await site.cast([4]))["ballot"]
    await open_receipt(no_scripts, site, ballot, "en")
    link = no_scripts.get_by_role("link", name="Save the proof as a file")
    address = f"/api/v1/contests/{SLUG}/receipts/{ballot}/proof"
    assert await link.get_attribute("href") == address
    await expect(no_scripts.locator("[data-proof] noscript p")).to_be_visible()
    await no_scripts.goto(site.page("/log", language="en"))
    await expect(no_scripts.locator("[data-log] noscript p")).to_be_visible()
    await expect(no_scripts.locator("pre")).to_contain_text(f"/log/{SLUG}")


async def test_a_service_without_logs_does_not_speak_of_them(unchanged_site: Site) -> None:
    show_log(unchanged_site.settings)  # a service of another test in this process may have logs
    for below in ("/rules", "/receipts"):
        assert "/log" not in (await unchanged_site.api.get(f"/en/{SLUG}{below}")).text
    page = await unchanged_site.api.get(f"/en/{SLUG}/log")
    assert "There is no public log for this vote yet." in page.text
