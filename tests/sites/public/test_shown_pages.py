"""Pages that are the same for everybody are read once a second and rendered when they changed."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from voting_service.errors import NotFound
from voting_service.sites.public.caches import shown_pages
from voting_service.sites.public.caches.shown_pages import ShownPages
from voting_service.sites.shared.page_frame import PageFrame, placeholder

FRESH = timedelta(seconds=1)
NOW = datetime(2022, 7, 18, tzinfo=UTC)


async def test_readers_at_once_share_a_read_and_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    pages, values, rendered = ShownPages(), iter(["old", "old", "new", "far"]), []

    async def load() -> str:
        await asyncio.sleep(0)
        return next(values)

    def render(value: str) -> bytes:
        rendered.append(value)
        return value.encode()

    async def read(now: datetime, key: str = "cut") -> bytes:
        return (await pages.get(key, now, load, render)).body

    assert await asyncio.gather(*(read(NOW) for _ in range(50))) == [b"old"] * 50
    assert await read(NOW + FRESH - timedelta(milliseconds=1)) == b"old"
    assert await read(NOW + FRESH) == b"old"
    assert rendered == ["old"], "what has not changed is not rendered again"
    assert await read(NOW + 2 * FRESH) == b"new"
    monkeypatch.setattr(shown_pages, "MAX_PAGES", 1)
    assert await read(NOW + 2 * FRESH, "notice") == b"far"
    with pytest.raises(RuntimeError):  # there was one value for each read, and the first is gone
        await read(NOW + 2 * FRESH)


async def test_what_does_not_exist_is_not_kept() -> None:
    pages = ShownPages()

    async def load() -> str:
        raise NotFound("sites.public.pages.no_such_notice")

    for _ in range(2):
        with pytest.raises(NotFound):
            await pages.get("nothing", NOW, load, str.encode)


def test_a_frame_is_filled_in_wherever_a_value_stands() -> None:
    page = f"<a href='{placeholder('one')}'>{placeholder('two')} {placeholder('one')}</a>"
    frame = PageFrame.of(page.encode())
    assert frame.fill({"one": "1", "two": "<b>", "three": ""}) == b"<a href='1'><b> 1</a>"
