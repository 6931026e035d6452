"""How fast a page is on a slow phone network, and what it transfers."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, NamedTuple

from playwright.async_api import CDPSession, Page

SLOW_4G = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 1_600_000 / 8,
    "uploadThroughput": 750_000 / 8,
}
"""1.6 Mbit/s and 150 ms there and back, as Lighthouse simulates it."""

_VITALS = """() => new Promise((resolve) => {
  const seen = {largest_paint_ms: 0, layout_shift: 0, largest_element: ""};
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      seen.largest_paint_ms = entry.startTime;
      seen.largest_element = entry.element?.outerHTML.slice(0, 120) ?? "";
    }
  }).observe({type: "largest-contentful-paint", buffered: true});
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) seen.layout_shift += entry.value;
  }).observe({type: "layout-shift", buffered: true});
  // Observers are told of what was buffered before the next frame but one is drawn.
  requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => resolve(seen))));
})"""

_BELOW_THE_FOLD = """() => [...document.images]
  .filter((image) => image.getBoundingClientRect().top >= innerHeight)
  .map((image) => image.currentSrc)"""


class Vitals(NamedTuple):
    """Largest contentful paint, and the sum of all layout shifts: also of those that Chromium
    puts down to the reader, since it takes the start of a pretended phone for a touch."""

    largest_paint_ms: float
    layout_shift: float
    largest_element: str


class Traffic:
    """What a page transfers, headers included and packed as it came."""

    def __init__(self, session: CDPSession) -> None:
        self._session = session
        self._url_of: dict[str, str] = {}
        self.bytes_by_url: dict[str, int] = defaultdict(int)
        session.on("Network.requestWillBeSent", self._on_request)
        session.on("Network.loadingFinished", self._on_finished)

    def _on_request(self, event: dict[str, Any]) -> None:
        self._url_of[event["requestId"]] = event["request"]["url"]

    def _on_finished(self, event: dict[str, Any]) -> None:
        self.bytes_by_url[self._url_of[event["requestId"]]] += int(event["encodedDataLength"])

    def forget(self) -> None:
        self.bytes_by_url.clear()

    @property
    def total_bytes(self) -> int:
        return sum(self.bytes_by_url.values())

    def bytes_without(self, part: str) -> int:
        """All but the addresses that hold `part`."""
        return sum(size for url, size in self.bytes_by_url.items() if part not in url)

    async def bytes_above_the_fold(self, page: Page) -> int:
        """All but the pictures that begin below the window."""
        below = set(await page.evaluate(_BELOW_THE_FOLD))
        return sum(size for url, size in self.bytes_by_url.items() if url not in below)

    async def simulate(self, network: dict[str, Any] = SLOW_4G) -> None:
        """Slows the network down from now on."""
        await self._session.send("Network.emulateNetworkConditions", network)


async def watch_traffic(page: Page) -> Traffic:
    """Counts from now on; the cache is cold."""
    session = await page.context.new_cdp_session(page)
    traffic = Traffic(session)
    await session.send("Network.enable")
    await session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    await session.send("Emulation.setCPUThrottlingRate", {"rate": 1})
    return traffic


async def vitals(page: Page) -> Vitals:
    """As measured up to now; call it when the page has loaded."""
    return Vitals(**await page.evaluate(_VITALS))
