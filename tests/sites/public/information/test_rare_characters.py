"""Names with characters of GB 18030-2022 level 3 and beyond the basic plane: whole everywhere."""

from __future__ import annotations

import re
from html import unescape

import msgspec
from playwright.async_api import Page

from tests.browser.site import SLUG, Site
from tests.contest_data import execute_as_owner
from voting_service.contests.model import Candidate
from voting_service.i18n.text import Text

RARE = {
    1: "𬍛𰻞",  # extension E, extension G
    2: "䶮㛃",  # extension A
    3: "𠮷野",  # extension B beside a common one
    4: "葛󠄀城",  # an ideograph with a variation selector
    5: "龯鿏",  # the last of the basic block
}


async def put(site: Site, names: dict[int, str], summary: str = "") -> None:
    """Gives candidates these names, as an import would."""
    changed = tuple(renamed(c, names, summary) for c in site.contest.candidates)
    for candidate in changed:
        if candidate.number in names:
            await execute_as_owner(
                site.state.settings.owner_database_url,
                "update candidates set profile = $3 where contest_id = $1 and number = $2",
                site.contest.id,
                candidate.number,
                msgspec.to_builtins(candidate),
            )
    await site.change_contest(slug=SLUG)


def renamed(candidate: Candidate, names: dict[int, str], summary: str) -> Candidate:
    name = names.get(candidate.number)
    if name is None:
        return candidate
    return msgspec.structs.replace(
        candidate,
        name=Text(zh=name, en=name),
        summary=Text(zh=summary, en=summary) if summary else candidate.summary,
    )


async def test_they_are_shown_whole(phone: Page, site: Site) -> None:
    await put(site, RARE)
    await phone.goto(site.page())
    for number, name in RARE.items():
        assert await phone.locator(f"[data-number='{number}'] .name").inner_text() == name
        page = await site.api.get(site.page(f"/candidates/{number}"))
        assert f"<h1>{name}</h1>" in page.text
        assert f"<title>{name}（{number} 号） ·" in page.text
    await phone.goto(site.page("/standings"))
    assert RARE[1] in await phone.locator("tr[data-number='1'] a").inner_text()


SEARCH = """(words) => { const input = document.querySelector("#search");
  input.value = words; input.dispatchEvent(new Event("input", {bubbles: true})); }"""
FOUND = [
    ("𬍛", {1}),
    ("𰻞", {1}),
    ("㛃", {2}),
    ("𠮷", {3}),
    ("葛", {4}),
    ("葛城", {4}),
    ("葛󠄀城", {4}),
    ("鿏", {5}),
    ("𠮷\ud842", {3}),  # half of a character is none
    ("０３", {3}),  # full-width digits
    ("3", {3}),
]


async def test_they_are_found(phone: Page, site: Site) -> None:
    await put(site, RARE)
    await phone.goto(site.page())
    for words, result in FOUND:
        await phone.evaluate(SEARCH, words)
        shown = await phone.locator(".card:not([hidden])").evaluate_all(
            "(cards) => cards.map((card) => Number(card.dataset.number))"
        )
        assert set(shown) == result, ascii(words)


async def test_equal_votes_keep_to_numbers_whatever_the_names(phone: Page, site: Site) -> None:
    await put(site, RARE)
    await phone.goto(site.page("/standings"))
    numbers = await phone.locator("tbody tr[data-number]").evaluate_all(
        "(rows) => rows.map((row) => Number(row.dataset.number))"
    )
    assert numbers == list(range(1, 51))


async def test_a_preview_is_shown_whole(site: Site) -> None:
    for summary in ("𠮷" * 300, "葛󠄀" * 300, "e\u0301" * 300, "👩‍🏭" * 300):
        await put(site, {3: "𠮷野"}, summary)
        page = (await site.api.get(site.page("/candidates/3"))).text
        result = re.search(r'<meta property="og:description" content="([^"]*)">', page)
        assert result
        assert unescape(result[1]).endswith(f" · {summary}")
