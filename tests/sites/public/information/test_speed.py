"""The list on a cold phone at slow 4G: its weight, its largest paint, its stillness."""

from __future__ import annotations

import random
from functools import cache

import pytest
from PIL import Image
from playwright.async_api import Page

from tests.browser.site import Site
from tests.browser.speed import vitals, watch_traffic
from tests.contest_data import show_picture
from tests.patience import eventually
from voting_service.contests.list_order import ordered_candidates
from voting_service.infrastructure.images.encoding import encode_pixels
from voting_service.infrastructure.images.model import EncodedPicture

ORDER = 3
IN_SIGHT = 6
COLD_BYTES = 60_000
"""Page, style sheets and scripts as sent, before any picture."""
LARGEST_PAINT_MS = 1000


def photograph(seed: int) -> Image.Image:
    """Detail at every scale, less of it the finer: it packs as a photograph does, not as a
    drawing."""
    chance = random.Random(seed)
    size = (640, 896)
    made = Image.new("RGB", size, (128, 120, 110))
    for level in range(8):
        width, height = 5 << level, 7 << level
        noise = Image.frombytes("RGB", (width, height), chance.randbytes(3 * width * height))
        made = Image.blend(made, noise.resize(size, Image.Resampling.BICUBIC), 0.65**level * 0.6)
    return made


@cache
def encoded_portraits() -> list[EncodedPicture]:
    return [encode_pixels(photograph(n), "portrait", avif_speed=9) for n in range(IN_SIGHT + 1)]


@pytest.fixture
async def with_portraits(site: Site) -> Site:
    """Each of the shortlist has a portrait; nobody else has one of those that are seen first."""
    portraits = encoded_portraits()
    for place, candidate in enumerate(ordered_candidates(site.contest, ORDER)):
        portrait = portraits[min(place, IN_SIGHT)]
        await show_picture(
            site.settings.owner_database_url, site.contest.id, candidate.number, portrait
        )
    await site.change_contest(slug=site.contest.slug)
    return site


@pytest.mark.parametrize("below", ["", "/candidates/7"])
async def test_it_is_light_quick_and_still(phone: Page, with_portraits: Site, below: str) -> None:
    site = with_portraits
    cookie = {"name": "order", "value": str(ORDER), "url": site.origin}
    await phone.context.add_cookies([cookie])  # type: ignore[list-item]
    # Rendered once, as it is in every worker.
    await site.api.get(site.page(below), headers={"cookie": f"order={ORDER}"})
    traffic = await watch_traffic(phone)
    await traffic.simulate()

    async def is_quick() -> bool:
        """Whatever else the machine does delays the paint, but not every time."""
        traffic.forget()
        await phone.goto("about:blank")
        await phone.goto(site.page(below), wait_until="networkidle")
        return (await vitals(phone)).largest_paint_ms <= LARGEST_PAINT_MS

    await eventually(is_quick)
    first = await vitals(phone)
    print(below, round(first.largest_paint_ms), "ms", traffic.bytes_without("/pictures/"), "bytes")
    portraits = [url for url in traffic.bytes_by_url if "/pictures/" in url]
    assert portraits
    assert all(url.endswith(".avif") for url in portraits)
    assert traffic.bytes_without("/pictures/") <= COLD_BYTES
    seen = await vitals(phone)
    weight = await traffic.bytes_above_the_fold(phone)
    assert weight <= 300_000
    assert seen.layout_shift <= 0.02, seen


async def test_the_standings_move_nothing_but_rows(phone: Page, site: Site) -> None:
    await phone.goto(site.page("/standings"), wait_until="load")
    assert (await vitals(phone)).layout_shift <= 0.02
