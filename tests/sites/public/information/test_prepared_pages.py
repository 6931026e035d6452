"""Pages come as prepared bytes: tagged, packed for who unpacks them, the same for everybody."""

from __future__ import annotations

import gzip

import httpx
import msgspec
import pytest

from tests.browser.site import SLUG, Site
from tests.patience import PATIENCE_SECONDS
from voting_service.sites.shared.prepared_pages import accepts_gzip

PAGES = [
    f"/zh/{SLUG}", f"/zh/{SLUG}/candidates/3", f"/en/{SLUG}/standings", f"/en/{SLUG}/rules",
    f"/zh/{SLUG}/ballot",
]  # fmt: skip


async def get(site: Site, path: str, **headers: str) -> httpx.Response:
    """As it arrives from the wire, body included."""
    request = site.api.build_request(
        "GET", path, headers={"cookie": "order=7", "accept-encoding": "identity", **headers}
    )
    answer = await site.api.send(request, stream=True)
    answer._content = b"".join([chunk async for chunk in answer.aiter_raw()])
    await answer.aclose()
    return answer


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_is_packed_for_who_unpacks_it(unchanged_site: Site, path: str) -> None:
    plain = await get(unchanged_site, path)
    packed = await get(unchanged_site, path, **{"accept-encoding": "br, gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.content) == plain.content
    assert len(packed.content) < len(plain.content) / 2
    for answer in (plain, packed):
        assert "accept-encoding" in answer.headers["vary"].lower()
        assert int(answer.headers["content-length"]) == len(answer.content)
        assert answer.headers["etag"] == plain.headers["etag"]
        assert answer.headers["etag"].startswith('W/"')


@pytest.mark.parametrize("path", PAGES)
async def test_who_has_a_page_is_not_sent_it_again(unchanged_site: Site, path: str) -> None:
    etag = (await get(unchanged_site, path)).headers["etag"]
    for if_none_match in (etag, f'"other", {etag}', "*"):
        answer = await get(unchanged_site, path, **{"if-none-match": if_none_match})
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == etag
    assert (await get(unchanged_site, path, **{"if-none-match": '"other"'})).status_code == 200


async def test_static_files_are_packed_and_kept_for_ever(unchanged_site: Site) -> None:
    page = (await get(unchanged_site, PAGES[0])).text
    url = page.partition('rel="stylesheet" href="')[2].partition('"')[0]
    packed = await get(unchanged_site, url, **{"accept-encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "immutable" in packed.headers["cache-control"]
    assert gzip.decompress(packed.content) == (await get(unchanged_site, url)).content


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("gzip, deflate, br", True), ("GZIP", True), ("br;q=1.0, gzip;q=0.5", True), ("", False),
        ("br", False), ("gzip;q=0", False), ("br, gzip; q=0.0", False), ("identity", False),
        ("x-gzip", False),
    ],
)  # fmt: skip
def test_who_unpacks_states_it(header: str, accepted: bool) -> None:
    assert accepts_gzip(header) is accepted


async def test_a_visitor_keeps_the_order_of_the_first_visit(unchanged_site: Site) -> None:
    async with httpx.AsyncClient(
        base_url=unchanged_site.origin, timeout=PATIENCE_SECONDS
    ) as visitor:
        first = await visitor.get(PAGES[0])
        assert "order=" in first.headers["set-cookie"]
        assert "HttpOnly" in first.headers["set-cookie"]
        again = await visitor.get(PAGES[0])
        assert "set-cookie" not in again.headers
        assert again.content == first.content
    assert first.headers["cache-control"].startswith("private")


async def test_nobody_profits_from_standing_first(site: Site) -> None:
    first = set()
    for variant in range(64):
        page = (await get(site, PAGES[0], cookie=f"order={variant}")).text
        first.add(page.partition('data-number="')[2].partition('"')[0])
    assert len(first) > 25, "64 orders begin with many candidates"


async def test_by_number_if_the_contest_states_it(site: Site) -> None:
    rules = msgspec.structs.replace(site.contest.rules, list_order="number")
    await site.change_contest(rules=msgspec.to_builtins(rules))
    answer = await get(site, PAGES[0], cookie="")
    numbers = [part.partition('"')[0] for part in answer.text.split('data-number="')[1:]]
    assert numbers == [str(number) for number in range(1, 51)]
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("cookie", ["order=64", "order=-1", "order=x", "order=" + "9" * 5000])
async def test_a_spoiled_order_is_drawn_again(site: Site, cookie: str) -> None:
    answer = await get(site, PAGES[0], cookie=cookie)
    assert answer.status_code == 200
    assert "order=" in answer.headers["set-cookie"]
