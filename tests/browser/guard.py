"""Nothing may go wrong quietly: what a page logs, throws or asks other hosts for is collected."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from playwright.async_api import BrowserContext, ConsoleMessage, Request, WebError

_LOUD = ("error", "assert")


class Guard:
    """Watches browser contexts; `verdict` is empty when nothing happened but what was allowed."""

    def __init__(self, *origins: str) -> None:
        self._origins = set(origins)
        self._expected: list[str] = []
        self.seen: list[str] = []

    def allow_origin(self, *origins: str) -> None:
        """The test goes to these sites too."""
        self._origins.update(origins)

    def expect(self, pattern: str) -> None:
        """Something that matches must be complained about, at least once."""
        self._expected.append(pattern)

    def watch(self, context: BrowserContext) -> None:
        context.on("console", self._on_console)
        context.on("weberror", self._on_error)
        context.on("request", self._on_request)

    def verdict(self) -> list[str]:
        """What happened and was not expected, and what was expected and did not happen."""
        surprising = [
            first
            for first in self.seen
            if not any(re.search(item, first) for item in self._expected)
        ]
        return surprising + [
            f"expected, but did not happen: {item}"
            for item in self._expected
            if not any(re.search(item, first) for first in self.seen)
        ]

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in _LOUD:
            self.seen.append(f"console: {message.text} ({message.location['url']})")

    def _on_error(self, error: WebError) -> None:
        self.seen.append(f"page error: {error.error}")

    def _on_request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        origin = f"{parts.scheme}://{parts.netloc}"
        if parts.scheme not in {"data", "blob", "about"} and origin not in self._origins:
            self.seen.append(f"request to another host: {request.url}")
