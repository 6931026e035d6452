"""Screenshots of the main pages: `python -m loadtests.screenshots`.

Starts a demo with simulated voters, opens its pages with Chromium as a phone and as a desktop, and
writes WebP pictures into docs/screenshots/.
"""

from __future__ import annotations

import asyncio
import io
import tempfile
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import click
import pyotp
from PIL import Image
from playwright.async_api import Browser, Page, async_playwright

from loadtests import CONTEST, PLATFORM
from loadtests.load import FOLDER, running_demo
from loadtests.voters import PlatformSigner
from tests.browser.chromium import ARGUMENTS
from tests.browser.find_browsers import HELP, chromium_path
from tests.browser.pages import DESKTOP, PHONE
from voting_service.demo.data_folder import DataFolder, StaffLogin
from voting_service.demo.embedded_server import HOST, free_port
from voting_service.demo.nomination import SLUG as SELECTION

PICTURES = FOLDER.parent / "docs" / "screenshots"
MAX_TOTAL_BYTES = 1_200_000
_DEVICES: dict[str, dict[str, Any]] = {"phone": PHONE, "desktop": DESKTOP}
_VOTES_PER_SECOND = 20.0
_MIN_BALLOTS = 300
_CHOSEN = (3, 7, 12, 20, 27)
_CONSOLE_PAGES = {"tally": "", "candidate": "/candidates/3", "publication": "/publication"}
_Pages = dict[str, tuple[str, str]]
_NOMINATION_PAGES: dict[str, _Pages] = {
    "recommendation": {"form": ("officer-wanzhou", "recommendations/41/steps/work")},
    "result": {
        "review": ("reviewer-1", "review/7"),
        "shortlist": ("supervisor-1", "shortlist"),
        "panel": ("reviewer-2", "panel"),
    },
}
"""By stage of the demo: the account that opens each page, and the page's path."""
_CHART_ANIMATION_MS = 1500
"""How long charts are animated."""


async def _save(page: Page, device: str, name: str) -> Path:
    """Save a screenshot of the visible part of the page."""
    await page.wait_for_load_state("networkidle" if name != "standings" else "load")
    picture = Image.open(io.BytesIO(await page.screenshot(scale="css")))
    path = PICTURES / f"{device}-{name}.webp"
    picture.save(path, "WEBP", quality=80, method=6)
    return path


async def _save_voter_pages(page: Page, device: str, address: str, link: str) -> list[Path]:
    """Vote, and save every page from the list to the receipt, the standings and the rules."""
    home = f"{address}/zh/{CONTEST}"
    saved = []
    await page.goto(link)
    await page.wait_for_url(f"{home}*")
    await page.goto(home)
    for number in _CHOSEN:
        await page.locator(f"[data-choose='{number}']").click()
    await page.evaluate("scrollTo(0, 0)")
    saved.append(await _save(page, device, "list"))
    await page.goto(f"{home}/candidates/{_CHOSEN[0]}")
    saved.append(await _save(page, device, "profile"))
    await page.locator("#review").click()
    await page.wait_for_url("**/ballot/review")
    saved.append(await _save(page, device, "review"))
    await page.locator("form.cast button").click()
    await page.wait_for_url("**/receipts/*")
    saved.append(await _save(page, device, "receipt"))
    await page.goto(f"{home}/standings")
    saved.append(await _save(page, device, "standings"))
    await page.goto(f"{home}/rules")
    saved.append(await _save(page, device, "rules"))
    return saved


async def sign_in(page: Page, staff_address: str, login: StaffLogin) -> None:
    await page.goto(f"{staff_address}/sign-in")
    await page.locator("[name=name]").fill(login.name)
    await page.locator("[name=password]").fill(login.password)
    await page.locator("[name=code]").fill(pyotp.TOTP(login.totp_secret).now())
    await page.locator("main form button").first.click()
    await page.wait_for_url(lambda url: "/sign-in" not in url)


async def _save_console_pages(page: Page, staff_address: str, login: StaffLogin) -> list[Path]:
    """Save the console's pages as a supervisor sees them during the vote."""
    await sign_in(page, staff_address, login)
    saved = []
    for name, path in _CONSOLE_PAGES.items():
        await page.goto(f"{staff_address}/contests/{CONTEST}{path}")
        await page.locator("main h1").wait_for()
        if await page.locator("canvas").count():
            await page.wait_for_timeout(_CHART_ANIMATION_MS)
        picture = Image.open(io.BytesIO(await page.screenshot(scale="css")))
        saved.append(PICTURES / f"console-{name}.webp")
        picture.save(saved[-1], "WEBP", quality=80, method=6)
    return saved


async def _save_nomination_pages(
    staff_address: str, logins: dict[str, StaffLogin], pages: _Pages
) -> list[Path]:
    """Save pages of the nomination site, each as the account that uses it sees it."""
    saved = []
    async with open_chromium() as browser:
        for name, (account_name, path) in pages.items():
            context = await browser.new_context(locale="zh-CN", **DESKTOP)
            page = await context.new_page()
            await sign_in(page, staff_address, logins[account_name])
            await page.goto(f"{staff_address}/selections/{SELECTION}/{path}")
            saved.append(await _save(page, "nomination", name))
            await context.close()
    return saved


async def _wait_for_ballots(page: Page, address: str) -> None:
    await page.goto(f"{address}/zh/{CONTEST}/standings")
    await page.wait_for_function(
        "(min) => Number(document.querySelector('[data-ballots]')"
        ".textContent.replaceAll(',', '')) >= min",
        arg=_MIN_BALLOTS,
        timeout=120_000,
    )


@asynccontextmanager
async def open_chromium() -> AsyncIterator[Browser]:
    path = chromium_path()
    if path is None:
        raise click.ClickException(HELP)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        await browser.close()


async def _save_vote_pages(
    address: str, signer: PlatformSigner, staff_address: str, login: StaffLogin
) -> list[Path]:
    saved = []
    async with open_chromium() as browser:
        for device, options in _DEVICES.items():
            context = await browser.new_context(locale="zh-CN", **options)
            page = await context.new_page()
            await _wait_for_ballots(page, address)
            token = signer.token(f"reader-{uuid.uuid4().hex}")
            link = f"{address}/enter#{urlencode({'platform': PLATFORM, 'token': token})}"
            saved += await _save_voter_pages(page, device, address, link)
            await context.close()
        context = await browser.new_context(locale="zh-CN", **DESKTOP)
        saved += await _save_console_pages(await context.new_page(), staff_address, login)
        await context.close()
    return saved


def _run_stage(stage: str, pages: _Pages) -> list[Path]:
    with tempfile.TemporaryDirectory(prefix="voting-pages-", ignore_cleanup_errors=True) as folder:
        data, staff_port = Path(folder), free_port()
        with running_demo(data, staff_port=staff_port, stage=stage):
            logins = {login.name: login for login in DataFolder(data).staff()}
            return asyncio.run(_save_nomination_pages(f"http://{HOST}:{staff_port}", logins, pages))


@click.command()
def screenshots() -> None:
    """Take the screenshots that README.md shows."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="voting-pages-", ignore_cleanup_errors=True) as folder:
        data = Path(folder)
        staff_port = free_port()
        with running_demo(data, crowd=_VOTES_PER_SECOND, staff_port=staff_port) as address:
            signer = PlatformSigner(data / "platforms" / f"{PLATFORM}.pem")
            staff = {login.name: login for login in DataFolder(data).staff()}
            staff_address = f"http://{HOST}:{staff_port}"
            saved = asyncio.run(
                _save_vote_pages(address, signer, staff_address, staff["supervisor-1"])
            )
    for stage, pages in _NOMINATION_PAGES.items():
        saved += _run_stage(stage, pages)
    total = sum(path.stat().st_size for path in saved)
    click.echo(f"{len(saved)} pictures, {total / 1000:.0f} KB, in {PICTURES}")
    if total > MAX_TOTAL_BYTES:
        raise click.ClickException(f"the limit for all pictures is {MAX_TOTAL_BYTES / 1000:.0f} KB")


if __name__ == "__main__":
    screenshots()
