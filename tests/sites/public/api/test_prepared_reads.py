"""What the protocol answers by itself is what the app would answer, byte for byte."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest

from tests.browser.site import SLUG, Site
from tests.contest_data import unstored_contest
from tests.patience import PATIENCE_SECONDS
from tests.sites.public.conftest import site
from voting_service.sites.public import prepared_reads, rendering
from voting_service.sites.public.caches import filtered_pages, pages
from voting_service.sites.public.caches.candidate_list import ListFilter
from voting_service.sites.public.caches.filtered_pages import FilteredPage
from voting_service.sites.public.caches.pages import PageCache
from voting_service.sites.public.overload import PublicHttpProtocol
from voting_service.sites.public.prepared_reads import PreparedAnswer
from voting_service.sites.shared.prepared_pages import PreparedPage

__all__ = ["site"]

API = f"/api/v1/contests/{SLUG}"
PREPARED = [
    f"/zh/{SLUG}", f"/en/{SLUG}?q=7", f"/zh/{SLUG}/candidates/7", f"/en/{SLUG}/candidates/7?q=7",
    f"/zh/{SLUG}/corrections", f"/en/{SLUG}/standings", f"{API}/candidates", f"{API}/candidates/7",
    f"{API}/corrections", f"{API}/standings", f"{API}/standings?", f"{API}/standings/trend",
    f"{API}/standings.csv?language=en", f"/embed/{SLUG}/standings.svg",
]  # fmt: skip
OTHERS = [
    f"/zh/{SLUG}/candidates/999", f"{API}/candidates/999", "/zh/nothing", "/zh", "/zh/notices",
    "/zh/platforms", "/healthz", f"/zh/{SLUG}/" + "x" * 300,
]  # fmt: skip
ELSEWHERE = {"origin": "https://unregistered.example"}
"""Sends a request through the app, which adds nothing for this origin."""


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[PreparedAnswer]]:
    """The answers that the protocol wrote by itself."""
    answers: list[PreparedAnswer] = []
    write = PublicHttpProtocol.write

    def record(protocol: PublicHttpProtocol, cycle: Any, *answer: Any) -> None:
        answers.append(PreparedAnswer(*answer))
        write(protocol, cycle, *answer)

    monkeypatch.setattr(PublicHttpProtocol, "write", record)
    yield answers


async def fetch(site: Site, method: str, path: str, headers: dict[str, str]) -> tuple[Any, ...]:
    request = site.api.build_request(
        method, path, headers={"cookie": "order=7", "accept": "text/html", **headers}
    )
    answer = await site.api.send(request, stream=True)
    body = b"".join([chunk async for chunk in answer.aiter_raw()])
    await answer.aclose()
    shown = [(name, value) for name, value in answer.headers.raw if name.lower() != b"date"]
    assert answer.headers["date"]
    return answer.status_code, sorted(shown), body, answer.headers.get("etag")


async def test_both_give_the_same_answer(site: Site, written: list[PreparedAnswer]) -> None:
    variations: list[dict[str, str]] = [
        {"accept-encoding": "identity"}, {"accept-encoding": "br, gzip"},
        {"accept-encoding": "gzip;q=0"}, {"if-none-match": "{etag}"}, {"if-none-match": "*"},
        {"if-none-match": '"other"'}, {"connection": "close"}, {"accept-language": "en"},
    ]  # fmt: skip
    for path in PREPARED + OTHERS:
        etag = (await fetch(site, "GET", path, {}))[3] or ""
        for method, varied in product(("GET", "HEAD"), variations):
            headers = {name: value.replace("{etag}", etag) for name, value in varied.items()}
            written.clear()
            by_protocol = await fetch(site, method, path, headers)
            assert len(written) == (path in PREPARED), (method, path)
            by_app = await fetch(site, method, path, headers | ELSEWHERE)
            assert len(written) == (path in PREPARED), "another origin goes through the app"
            assert by_protocol == by_app, (method, path, headers)


async def test_registered_origins_and_other_methods_go_through_the_app(
    site: Site, written: list[PreparedAnswer]
) -> None:
    origin = next(iter(site.state.origins))
    answer = await site.api.get(f"{API}/standings", headers={"origin": origin})
    assert answer.headers["access-control-allow-origin"] == origin
    assert (await site.api.put(f"{API}/standings")).status_code == 405
    assert written == []
    assert (await site.api.request("OPTIONS", f"{API}/standings")).status_code in {204, 405}


async def test_the_embargo_holds_for_what_was_prepared(
    site: Site, written: list[PreparedAnswer]
) -> None:
    assert (await site.api.get(f"{API}/candidates")).status_code == 200
    later = site.clock() + (site.contest.closes_at - site.contest.opens_at) / 2
    await site.change_contest(opens_at=later)
    written.clear()
    for path in PREPARED:
        assert (await site.api.get(path)).status_code == 403
    assert written == []


async def test_who_asks_without_reading_gets_every_answer_in_order(
    site: Site, written: list[PreparedAnswer]
) -> None:
    """The connection's buffer stays within its bounds: beyond, the app waits for the reader."""
    host, port = site.api.base_url.host, site.api.base_url.port
    reader, writer = await asyncio.open_connection(host, port)
    numbers = [number % 50 + 1 for number in range(1500)]
    for number in numbers:
        writer.write(f"GET {API}/candidates/{number} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
    asking = asyncio.create_task(writer.drain())
    async with asyncio.timeout(PATIENCE_SECONDS):
        for number in numbers:
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            assert (await reader.readexactly(length)).startswith(b'{"number":%d,' % number)
    await asking
    writer.close()
    await writer.wait_closed()


async def test_many_paths_take_no_more_room(site: Site) -> None:
    reads = prepared_reads.PreparedReads(())
    for number in range(2 * prepared_reads.MAX_PATHS):
        scope = {"method": "GET", "path": f"/{number}", "headers": []}
        assert reads.answer(scope) is None
    assert reads._endpoint.cache_info().currsize == prepared_reads.MAX_PATHS


async def test_a_made_up_filter_never_renders_on_the_event_loop(
    site: Site, written: list[PreparedAnswer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is rendered in a thread, after the limit on reads in hand; beyond what may wait for that,
    503. What is kept is one page for every order."""
    threads: set[threading.Thread] = set()
    render = rendering.render

    def record(*args: Any, **values: Any) -> bytes:
        threads.add(threading.current_thread())
        return render(*args, **values)

    monkeypatch.setattr(pages, "render", record)
    answers = []
    for path in (f"/en/{SLUG}?q=made+up", f"/en/{SLUG}/candidates/7?q=made+up"):
        first = await fetch(site, "GET", path, {})
        assert (first[0], written) == (200, [])
        assert await fetch(site, "GET", path, {"cookie": "order=8"}) == first
        assert len(written) == 1, "kept, for another order too"
        answers.append(first)
        written.clear()
    assert {thread.name.partition("_")[0] for thread in threads} == {"pages"}
    monkeypatch.setattr(filtered_pages, "MAX_WAITING", 0)
    status, headers, *_ = await fetch(site, "GET", f"/en/{SLUG}?q=beyond", {})
    assert status == 503
    assert b"retry-after" in dict(headers)
    assert (await fetch(site, "GET", f"/en/{SLUG}?q=made+up", {})) == answers[0]
    assert (await fetch(site, "GET", f"/en/{SLUG}", {}))[0] == 200


def test_the_pages_of_filters_are_bounded_and_freed_at_once() -> None:
    """Workers hardly collect cycles."""
    contest = unstored_contest()
    cache = PageCache(contest, contest.opens_at, "https://vote.example", {})
    for number in range(filtered_pages.MAX_PAGES + 1):
        filtered_page = FilteredPage("en", ListFilter(q=str(number)), 1)
        cache.filtered.keep(filtered_page, PreparedPage.of(b""))
    assert cache.filtered.get(FilteredPage("en", ListFilter(q="0"), 1)) is None
    assert cache.filtered.get(filtered_page) is not None
    cache.render_filtered(FilteredPage("en", ListFilter(q="a"), None))
    freed = weakref.ref(cache)
    gc.disable()
    try:
        del cache
        assert freed() is None
    finally:
        gc.enable()
