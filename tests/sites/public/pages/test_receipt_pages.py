"""The receipt as a page and as a picture."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Literal
from xml.etree import ElementTree

import pytest
import segno
from hypothesis import given
from hypothesis import strategies as st

from tests.browser.site import SLUG, Site
from tests.contest_data import execute_as_owner, rules
from tests.sites.public.pages.reader import (
    Reader,
    heading,
    reading,
)
from tests.voting.rulings.rulings_data import (
    get_staff,
    hold,
    rule,
)
from voting_service.contests.model import Contest
from voting_service.contests.repository import load_contest
from voting_service.demo import contest as demo
from voting_service.sites.public.pages.receipt_views import grouped
from voting_service.sites.public.rendering import fitting_size
from voting_service.voting.ballots.receipt_code import receipt_code

PAGE = f"/zh/{SLUG}/receipts/"


async def test_the_page_shows_the_stored_receipt_and_never_the_choices(reader: Reader) -> None:
    receipt = await reader.site.cast([17, 23, 41])
    page = await reader.get(PAGE + receipt["ballot"])
    assert page.status_code == 200
    assert grouped(receipt["ballot"]) in page.text
    assert grouped(receipt["seal"]) in page.text
    issued_at = datetime.fromisoformat(receipt["issued_at"])
    assert f'datetime="{issued_at.isoformat()}"' in page.text
    assert "等待核对" in page.text
    text = re.sub(r"<svg.*?</svg>|<[^>]+>", "", page.text, flags=re.S)
    text = text.replace(receipt["ballot"], "").replace(receipt["seal"], "")
    for candidate in (17, 23, 41):
        assert f"{candidate}号" not in text
    assert 'name="robots" content="noindex"' in page.text
    assert (await reader.get(PAGE + receipt["ballot"])).content == page.content


async def test_a_held_ballot_is_shown_neutrally(site: Site) -> None:
    await execute_as_owner(
        site.state.settings.owner_database_url,
        "update platforms set daily_ceiling = 1, revision = revision + 1 where slug = 'demo'",
    )
    await site.state.registry.refresh(site.state.read_pool)
    async with reading(site) as reader:
        pages = [await reader.get(PAGE + (await site.cast([1]))["ballot"]) for _ in "12"]
        assert all("等待核对" in page.text for page in pages), "which one was held is not shown"
        let_the_day_pass(site)
        pages = [await reader.get(PAGE + find_ballot(page.text)) for page in pages]
        [held] = [page for page in pages if "例行核对" in page.text]
        assert heading(held) == heading(pages[0])
        state = await site.api.get(f"/api/v1/contests/{SLUG}/receipts/{find_ballot(held.text)}")
        assert state.json()["state"] == "held"
        english = await reader.get(f"/en/{SLUG}/receipts/{find_ballot(held.text)}")
        assert "routine check" in english.text
        for word in ("fraud", "suspicious", "invalid"):
            assert word not in english.text.lower()


async def test_what_two_people_ruled_is_shown(site: Site) -> None:
    ballot = (await site.cast([1]))["ballot"]
    contest = await load_contest(site.database, SLUG)
    staff = await get_staff(site.database)
    questioned = await hold(site.database, contest, [bytes.fromhex(ballot)])

    async def states() -> tuple[str, str]:
        answer = await site.api.get(f"/api/v1/contests/{SLUG}/receipts/{ballot}")
        async with reading(site) as reader:
            page = await reader.get(f"/en/{SLUG}/receipts/{ballot}")
        status = re.search(r"Status: (counted|void)", page.text)
        assert status
        return answer.json()["state"], status[1]

    let_the_day_pass(site)
    assert await states() == ("counted", "counted")
    await rule(site.database, contest, staff, questioned, "void")
    assert await states() == ("void", "void")
    await rule(site.database, contest, staff, questioned, "count")
    assert await states() == ("counted", "counted")


def let_the_day_pass(site: Site) -> None:
    """States are shown once the ballots of a day have been gathered."""
    site.clock.set(datetime.now(UTC) + timedelta(days=1, minutes=2))


def find_ballot(page: str) -> str:
    picture = re.search(r"receipts/([0-9a-f]{32})/picture", page)
    assert picture
    return picture[1]


async def test_the_code_leads_to_this_page(reader: Reader) -> None:
    ballot = (await reader.site.cast([1]))["ballot"]
    page = await reader.get(PAGE + ballot)
    address = f"{reader.site.settings.public_url}{PAGE}{ballot}"
    drawn = segno.make(address, error="m", micro=False, mask=3).svg_inline(
        omitsize=True, light="#fff", svgclass="qr", lineclass=None
    )
    assert drawn in page.text
    assert address in page.text


async def test_the_picture_is_plain_svg_that_needs_nothing_else(reader: Reader) -> None:
    receipt = await reader.site.cast([17])
    for language in ("zh", "en"):
        answer = await reader.get(f"/{language}/{SLUG}/receipts/{receipt['ballot']}/picture.svg")
        assert answer.headers["content-type"].startswith("image/svg+xml")
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert answer.headers["content-disposition"].startswith("attachment")
        drawing = ElementTree.fromstring(answer.content)
        texts = [text.text for text in drawing.iter("{http://www.w3.org/2000/svg}text")]
        assert grouped(receipt["ballot"]) in texts
        assert grouped(receipt["seal"]) in texts
        assert getattr(demo.RULES.title, language) in texts
        for foreign in ("script", "style", "href", "image", "foreignObject"):
            assert foreign not in answer.text


async def test_a_short_code_from_paper_leads_to_the_receipt(reader: Reader) -> None:
    ballot = (await reader.site.cast([1]))["ballot"]
    code = receipt_code(bytes.fromhex(ballot))
    page, drawing = await reader.get(PAGE + ballot), await reader.get(f"{PAGE}{ballot}/picture.svg")
    assert code in page.text
    assert code in drawing.text
    find = PAGE.rstrip("/")
    assert find in page.text
    empty = await reader.get(find)
    assert (empty.status_code, "alert" in empty.text) == (200, False)
    wrong = ("Z" if code[0] != "Z" else "Y") + code[1:]
    nobody = receipt_code(bytes(6) + bytes.fromhex("7000800000000000") + bytes(2))
    for typed, status in (
        (code, 303), (code.lower().replace("-", " "), 303), (grouped(ballot), 303),
        (ballot.upper(), 303), (wrong, 422), ("x", 422), (nobody, 404), ("0" * 32, 404),
        ("票" * 500, 422), ("\0", 422),
    ):  # fmt: skip
        answer = await reader.get(find, params={"code": typed})
        assert answer.status_code == status, typed
        assert answer.headers["cache-control"] == "no-store"
        if status == 303:
            assert answer.headers["location"] == PAGE + ballot
        else:
            assert 'role="alert"' in answer.text


@pytest.mark.parametrize(
    "ballot", ["0" * 32, "0" * 31, "0" * 33, "Z" * 32, "A" * 32, "%2e%2e", "%00", "１" * 32]
)
async def test_there_is_no_receipt_without_a_ballot(ballot: str, reader: Reader) -> None:
    assert (await reader.get(PAGE + ballot)).status_code == 404
    assert (await reader.get(f"{PAGE}{ballot}/picture.svg")).status_code == 404


async def test_what_comes_next_follows_the_rules_and_the_clock(site: Site) -> None:
    async with reading(site) as reader:
        ballot = (await site.cast([1]))["ballot"]
        assert "明天可再次投票" in (await reader.get(PAGE + ballot)).text
        now = datetime.now(UTC)
        midnight = site.contest.period_end(now)
        await site.change_contest(closes_at=midnight)
        assert "今天是投票最后一天" in (await reader.get(PAGE + ballot)).text
        site.clock.set(midnight + timedelta(seconds=1))
        assert "结果将在计票后公布" in (await reader.get(PAGE + ballot)).text


@pytest.mark.parametrize(
    ("every", "now", "end"),
    [
        ("day", "2022-07-18T15:59:59Z", "2022-07-18T16:00:00Z"),
        ("day", "2022-07-18T16:00:00Z", "2022-07-19T16:00:00Z"),
        ("day", "2022-07-31T16:00:00Z", "2022-08-01T01:00:00Z"),
        ("contest", "2022-07-18T15:59:59Z", "2022-08-01T01:00:00Z"),
    ],
)
def test_a_period_ends_at_local_midnight_or_at_the_close(
    every: Literal["day", "contest"], now: str, end: str
) -> None:
    contest = Contest(
        id=1,
        slug=SLUG,
        rules=rules(every=every),
        opens_at=datetime.fromisoformat("2022-07-01T01:00:00Z"),
        closes_at=datetime.fromisoformat("2022-08-01T01:00:00Z"),
        revision=1,
        candidates=(),
    )
    assert contest.period_end(datetime.fromisoformat(now)) == datetime.fromisoformat(end)


@given(st.binary(max_size=40))
def test_groups_lose_nothing(raw: bytes) -> None:
    groups = grouped(raw.hex()).split(" ")
    assert "".join(groups) == raw.hex()
    assert all(len(group) <= 4 for group in groups)


@given(st.text(max_size=80))
def test_a_title_always_fits(title: str) -> None:
    size = fitting_size(title, 560, 34)
    assert 0 < size <= 34
    assert size * 0.5 * len(title) <= 560


def test_ideographs_are_taken_for_as_wide_as_they_are() -> None:
    assert fitting_size("匠" * 20, 560, 34) == 28
    assert fitting_size("𬭎" * 20, 560, 34) == 28
    assert fitting_size("craftsman", 560, 34) == 34
