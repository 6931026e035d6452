"""150 recommendations reviewed in one sitting: `python -m loadtests.review_sitting`.

Starts a demo of the stage `review` and goes the reviewer's way in Chromium with keys only: score,
verdict, every tenth with a reason, next. A page counts as shown when its text and the first page of
its evidence are drawn. What a reader takes to read is not in these times.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from statistics import median

import click
from playwright.async_api import Page

from loadtests.load import running_demo
from loadtests.screenshots import open_chromium, sign_in
from tests.browser.pages import DESKTOP
from voting_service.demo.data_folder import DataFolder, StaffLogin
from voting_service.demo.embedded_server import HOST, free_port
from voting_service.demo.nomination import SLUG as SELECTION

_FIRST_PAGE = """async () => {
  const picture = document.querySelector('img.page');
  await picture.decode();
  return picture.naturalWidth > 0;
}"""


async def _judge(page: Page, number: int) -> None:
    """Give a score and a verdict by keys, and wait until the next page is loaded."""
    keys = page.keyboard
    await keys.press("s")
    await keys.type(str(60 + number % 40))
    await keys.press("Escape")
    await keys.press("x" if number % 10 == 0 else "a")
    if number % 10 == 0:
        await keys.type("所附证明不足以支持推荐理由。")
    async with page.expect_navigation():
        await keys.press("Control+Enter" if number % 10 == 0 else "Enter")


async def _review_all(address: str, login: StaffLogin, people: int) -> list[float]:
    """Return the seconds of each recommendation, from its first key until the next is shown."""
    async with open_chromium() as browser:
        context = await browser.new_context(locale="zh-CN", **DESKTOP)
        page = await context.new_page()
        await sign_in(page, address, login)
        await page.goto(f"{address}/selections/{SELECTION}/review?state=submitted")
        await page.click("[data-queue] tbody a >> nth=0")
        seconds = []
        for number in range(1, people + 1):
            await page.locator("form[data-decide]").wait_for()
            started = time.monotonic()
            await _judge(page, number)
            if await page.locator("img.page").count():
                await page.evaluate(_FIRST_PAGE)
            seconds.append(time.monotonic() - started)
        return seconds


@click.command()
@click.option("--people", default=150, show_default=True, help="How many are reviewed.")
def review_sitting(people: int) -> None:
    """Review the demo's recommendations by keyboard and print how long the pages took."""
    with tempfile.TemporaryDirectory(prefix="voting-review-", ignore_cleanup_errors=True) as folder:
        data, port = Path(folder), free_port()
        with running_demo(data, staff_port=port, stage="review"):
            logins = {login.name: login for login in DataFolder(data).staff()}
            seconds = asyncio.run(
                _review_all(f"http://{HOST}:{port}", logins["reviewer-1"], people)
            )
    click.echo(
        f"{len(seconds)} recommendations in {sum(seconds):.0f} s;"
        f" one takes {median(seconds):.2f} s at the median, {max(seconds):.2f} s at most"
    )


if __name__ == "__main__":
    review_sitting()
