"""The published cut as a page, from nothing to the signed document."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from playwright.async_api import Page
from pydantic import SecretBytes

from tests.browser.accessibility import (
    assert_accessible,
    assert_nothing_lost,
    scale_text,
)
from tests.browser.site import Site
from tests.cut_data import (
    DRAINED,
    MASTER_KEY,
    closed_contest,
    member,
)
from voting_service.contests.model import CutRules
from voting_service.i18n.text import Text
from voting_service.settings import Settings
from voting_service.staff.actor import Actor
from voting_service.voting.cut.publication import (
    approve,
    propose_lot,
    propose_publication,
    propose_tie_order,
)
from voting_service.voting.cut.signature import verify_document

SLUG = "cut-2022"
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
SOURCE = Text(zh="截止后首期开奖号码", en="the first draw after the close")
DRAWN = "8262"
TIED = {1: 5, 2: 3, 3: 3, 4: 1_200, 5: 1}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """With the key under which the cut's test data is stored."""
    return settings.model_copy(update={"master_key": SecretBytes(MASTER_KEY)})


async def publish(site: Site, rules: CutRules) -> None:
    """A closed contest with a tie at the last place, decided and published by two people."""
    database = site.database
    clerk = await member(database, "clerk")
    supervisor = await member(database, "supervisor", "supervisor")
    contest = await closed_contest(database, cut=rules, votes=TIED, slug=SLUG)
    actor = Actor(database, clerk, DRAINED)
    if rules.tie == "lot":
        order = await propose_lot(actor, contest, DRAWN)
    else:
        order = await propose_tie_order(actor, contest, (3, 2))
    await approve(Actor(database, supervisor, DRAINED), contest, order, key=KEY)
    cut = await propose_publication(Actor(database, clerk, DRAINED), contest, key=KEY)
    await approve(Actor(database, supervisor, DRAINED), contest, cut, key=KEY)
    await site.state.registry.refresh(site.state.read_pool)


async def test_before_it_is_published_the_page_states_it(phone: Page, site: Site) -> None:
    await phone.goto(site.page("/cut"))
    assert await phone.get_by_role("heading", level=1).inner_text() == "入围名单（30 人）"
    assert "投票结果尚未公布" in await phone.get_by_role("main").inner_text()
    assert await phone.locator("table").count() == 0


@pytest.mark.parametrize(
    ("language", "rules", "shown"),
    [
        (
            "zh",
            CutRules(size=3, tie="committee"),
            ("入选名单（3 人）", "计入选票 1,212 张", "2、3 号票数相同，均为 3 票。"),
        ),
        (
            "en",
            CutRules(size=3, tie="lot", lot_source=SOURCE, panel=True),
            (
                "The 3 finalists",
                "1,212 ballots counted",
                "Numbers 2, 3 are tied with 3 votes",
                f"The number is {DRAWN}. Its source, announced before voting opened: {SOURCE.en}",
            ),
        ),
    ],
)
async def test_afterwards_it_shows_who_goes_on_and_how_to_check(
    phone: Page, site: Site, language: str, rules: CutRules, shown: tuple[str, ...]
) -> None:
    await publish(site, rules)
    long_ago = datetime(2001, 1, 1, tzinfo=UTC)
    await site.change_contest(opens_at=long_ago, closes_at=long_ago + timedelta(days=30))
    outcome = await site.api.get(f"/{language}/{SLUG}/outcome")
    assert outcome.headers["location"] == f"/{language}/{SLUG}/cut"
    await phone.goto(f"{site.origin}/{language}/{SLUG}/cut")
    assert await phone.get_by_role("heading", level=1).inner_text() == shown[0]
    rows = await phone.locator("tbody tr").evaluate_all(
        "(rows) => rows.map((row) => row.className || row.querySelector('.number').innerText)"
    )
    assert rows == ["04", "01", "03", "line", "02", "05"]
    main = await phone.get_by_role("main").inner_text()
    assert [text for text in shown if text not in main] == []
    object_online = phone.locator(f"a[href='/{language}/{SLUG}/objection']")
    assert await object_online.count() == 1, "how to object is always shown"
    await assert_accessible(phone)
    await scale_text(phone)
    await assert_nothing_lost(phone)

    async with phone.expect_download() as waiting:
        await phone.locator("a[download]").click()
    download = await waiting.value
    assert download.suggested_filename == f"{SLUG}-cut.json"
    document = (await download.path()).read_bytes()
    assert json.loads(document)
    assert verify_document(document, KEY.public_key()).document.selected == (4, 1, 3)
