"""Screenshots of the main pages: `python -m loadtests.screenshots`.

Starts a demo with a crowd, walks through it with Chromium as a phone and as a desktop, from the
list to the receipt, and writes WebP pictures into docs/screenshots/.
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
from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.find_chromium import HELP, chromium_path
from voting_service.demo.data_folder import DataFolder, StaffLogin
from voting_service.demo.embedded_server import HOST, free_port
from voting_service.demo.selection import SLUG as SELECTION

PICTURES = FOLDER.parent / "docs" / "screenshots"
MAX_TOTAL_BYTES = 1_200_000
_DEVICES: dict[str, dict[str, Any]] = {"phone": PHONE, "desktop": DESKTOP}
_CROWD = 20.0
_ENOUGH_BALLOTS = 300
_CHOSEN = (3, 7, 12, 20, 27)
_DESK_PAGES = {"tally": "", "candidate": "/candidates/3", "publication": "/publication"}
_Pages = dict[str, tuple[str, str]]
_OFFICE_PAGES: dict[str, _Pages] = {
    "recommendation": {"form": ("officer-wanzhou", "recommendations/41/steps/work")},
    "result": {
        "review": ("reviewer-1", "review/7"),
        "picks": ("supervisor-1", "picks"),
        "panel": ("reviewer-2", "panel"),
    },
}
"""By the demo's stage: who looks at what."""
_CHARTS_ARE_DRAWN_MS = 1500
"""A chart moves into its place."""


async def _save(page: Page, device: str, name: str) -> Path:
    """What is in the window."""
    await page.wait_for_load_state("networkidle" if name != "standings" else "load")
    picture = Image.open(io.BytesIO(await page.screenshot(scale="css")))
    path = PICTURES / f"{device}-{name}.webp"
    picture.save(path, "WEBP", quality=80, method=6)
    return path


async def _walk(page: Page, device: str, address: str, link: str) -> list[Path]:
    """From the list to the receipt and on to the standings and the rules."""
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
    await page.locator(".choice-bar button").click()
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


async def _sign_in(page: Page, office: str, login: StaffLogin) -> None:
    await page.goto(f"{office}/sign-in")
    await page.locator("[name=name]").fill(login.name)
    await page.locator("[name=password]").fill(login.password)
    await page.locator("[name=code]").fill(pyotp.TOTP(login.totp_secret).now())
    await page.locator("main form button").click()
    await page.wait_for_url(lambda url: "/sign-in" not in url)


async def _desk(page: Page, office: str, login: StaffLogin) -> list[Path]:
    """The staff's pages, as a supervisor sees them while votes come in."""
    await _sign_in(page, office, login)
    saved = []
    for name, path in _DESK_PAGES.items():
        await page.goto(f"{office}/contests/{CONTEST}{path}")
        await page.locator("main h1").wait_for()
        if await page.locator("canvas").count():
            await page.wait_for_timeout(_CHARTS_ARE_DRAWN_MS)
        picture = Image.open(io.BytesIO(await page.screenshot(scale="css")))
        saved.append(PICTURES / f"desk-{name}.webp")
        picture.save(saved[-1], "WEBP", quality=80, method=6)
    return saved


async def _office(office: str, logins: dict[str, StaffLogin], pages: _Pages) -> list[Path]:
    """Pages of the office, each as whoever works there sees it."""
    saved = []
    async with _chromium() as browser:
        for name, (who, path) in pages.items():
            context = await browser.new_context(locale="zh-CN", **DESKTOP)
            page = await context.new_page()
            await _sign_in(page, office, logins[who])
            await page.goto(f"{office}/selections/{SELECTION}/{path}")
            saved.append(await _save(page, "office", name))
            await context.close()
    return saved


async def _wait_for_the_crowd(page: Page, address: str) -> None:
    await page.goto(f"{address}/zh/{CONTEST}/standings")
    await page.wait_for_function(
        "(enough) => Number(document.querySelector('[data-ballots]')"
        ".textContent.replaceAll(',', '')) >= enough",
        arg=_ENOUGH_BALLOTS,
        timeout=120_000,
    )


@asynccontextmanager
async def _chromium() -> AsyncIterator[Browser]:
    path = chromium_path()
    if path is None:
        raise click.ClickException(HELP)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        await browser.close()


async def _take(address: str, signer: PlatformSigner, office: str, login: StaffLogin) -> list[Path]:
    saved = []
    async with _chromium() as browser:
        for device, options in _DEVICES.items():
            context = await browser.new_context(locale="zh-CN", **options)
            page = await context.new_page()
            await _wait_for_the_crowd(page, address)
            token = signer.token(f"reader-{uuid.uuid4().hex}")
            link = f"{address}/enter#{urlencode({'platform': PLATFORM, 'token': token})}"
            saved += await _walk(page, device, address, link)
            await context.close()
        context = await browser.new_context(locale="zh-CN", **DESKTOP)
        saved += await _desk(await context.new_page(), office, login)
        await context.close()
    return saved


def _take_office(stage: str, pages: _Pages) -> list[Path]:
    with tempfile.TemporaryDirectory(prefix="voting-pages-", ignore_cleanup_errors=True) as folder:
        data, office_port = Path(folder), free_port()
        with running_demo(data, office_port=office_port, stage=stage):
            logins = {login.name: login for login in DataFolder(data).staff()}
            return asyncio.run(_office(f"http://{HOST}:{office_port}", logins, pages))


@click.command()
def screenshots() -> None:
    """Take the screenshots that README.md shows."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="voting-pages-", ignore_cleanup_errors=True) as folder:
        data = Path(folder)
        office_port = free_port()
        with running_demo(data, crowd=_CROWD, office_port=office_port) as address:
            signer = PlatformSigner(data / "platforms" / f"{PLATFORM}.pem")
            staff = {login.name: login for login in DataFolder(data).staff()}
            office = f"http://{HOST}:{office_port}"
            saved = asyncio.run(_take(address, signer, office, staff["supervisor-1"]))
    for stage, pages in _OFFICE_PAGES.items():
        saved += _take_office(stage, pages)
    total = sum(path.stat().st_size for path in saved)
    click.echo(f"{len(saved)} pictures, {total / 1000:.0f} KB, in {PICTURES}")
    if total > MAX_TOTAL_BYTES:
        raise click.ClickException(f"they may take {MAX_TOTAL_BYTES / 1000:.0f} KB in all")


if __name__ == "__main__":
    screenshots()
