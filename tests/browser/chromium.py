"""The Chromium of a test run, or of each of its workers; the root conftest shares it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, async_playwright, expect

from tests.browser.find_browsers import HELP, chromium_path, headless_shell_path
from tests.patience import PATIENCE_SECONDS

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)
TIMEOUT_MS = PATIENCE_SECONDS * 1000
"""Of every step in a page and every expectation of it."""


@pytest.fixture(scope="session")
async def headless_shell() -> AsyncIterator[Browser]:
    """Chromium without windows: the same engine, at a third of the work. It finds this machine
    only.

    A conftest that imported it would start another one for its folder.
    """
    async with _launched(headless_shell_path()) as browser:
        yield browser


@pytest.fixture(scope="session")
async def whole_chromium() -> AsyncIterator[Browser]:
    """Chromium as people have it, for what a whole browser decides, such as cookies of others.
    Every page is in a private window, which blocks them (test_browser_base.py makes sure)."""
    async with _launched(chromium_path()) as browser:
        yield browser


@pytest.fixture
def chromium(headless_shell: Browser) -> Browser:
    """What the pages of a test are opened in; a folder may have another."""
    return headless_shell


@asynccontextmanager
async def _launched(path: str | None) -> AsyncIterator[Browser]:
    assert path, HELP
    expect.set_options(timeout=TIMEOUT_MS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        await browser.close()
