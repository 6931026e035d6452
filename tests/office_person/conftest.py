"""The browser, for what it must count as the server does."""

from __future__ import annotations

from tests.browser.conftest import chromium

__all__ = ["chromium"]
