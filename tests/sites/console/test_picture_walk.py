"""The picture of a hold in Chromium: what stands out, in words, as a table, as a file."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from PIL import Image
from playwright.async_api import Page, expect

from tests.browser.accessibility import assert_accessible, tab_to
from tests.contest_data import both, store_platform
from tests.cut_data import OPENS
from tests.sites.console.running_staff_app import StaffApp
from tests.voting.tally.cast_ballots import Cast, open_field
from voting_service.voting.rulings.model import HoldAttribute, HoldEvidence
from voting_service.voting.rulings.repository import NewHold, create_hold

FARM = b"farmfarm"
BASE = "/contests/field/holds"


@pytest.fixture
async def hold_id(staff_app: StaffApp) -> int:
    """Forty ballots of one network for number 4 within two hundred others."""
    field = await open_field(staff_app.database, "field")
    platform = await store_platform(staff_app.database, "alpha")
    first = OPENS + timedelta(hours=5)
    crowd = [
        Cast([1 + n % 6], first + timedelta(minutes=n), platform, network=f"home{n:04}".encode())
        for n in range(200)
    ]
    farm = [
        Cast([4], first + timedelta(minutes=90 + n % 10), platform, network=FARM) for n in range(40)
    ]
    await field.add(staff_app.database, [*crowd, *farm])
    await staff_app.refresh()
    return await create_hold(
        staff_app.database,
        field.contest,
        NewHold(
            [ballot.ballot_id for ballot in farm],
            kind="campaign",
            source="test",
            label="1",
            evidence=HoldEvidence(
                sentence=both("四十张选票来自同一网段"),
                candidates=(4,),
                attributes=(HoldAttribute("prefix", FARM.hex(), 40, 6.7),),
            ),
        ),
        actor="test",
        now=first,
    )


async def test_the_figures_behind_it_and_who_may_see_them(
    staff_app: StaffApp, hold_id: int
) -> None:
    auditor = await staff_app.signed_in_client("auditor")
    picture = (await auditor.get(f"{BASE}/{hold_id}/picture.json")).json()
    assert picture["rows"] == [
        "6661726d, actual",
        "6661726d, expected",
        "all others, actual",
        "all others, expected",
    ]
    cast, usual, others_cast, others_usual = (sum(row) for row in picture["values"])
    assert cast == 40
    assert usual < 12
    assert others_cast == pytest.approx(others_usual, abs=2)
    assert "had 40 votes" in picture["words"]
    rows = await staff_app.database.fetch(
        "select actor, subject from audit_log where act = 'viewed'"
    )
    assert [tuple(row) for row in rows] == [("auditor-1", f"picture of hold {hold_id}")]
    assert (await auditor.get(f"{BASE}/99/picture.json")).status_code == 404
    reviewer = await staff_app.signed_in_client("reviewer")
    assert (await reviewer.get(f"{BASE}/{hold_id}/picture.json")).status_code == 403


async def test_a_hold_is_seen_at_a_glance(
    staff_app: StaffApp, hold_id: int, desktop: Page, tmp_path: Path
) -> None:
    await staff_app.sign_in(desktop, "tally_clerk", f"{BASE}/{hold_id}")
    figure = desktop.locator("figure#picture")
    await expect(figure).to_have_attribute("data-drawn", "")
    words = desktop.locator("[data-picture-words]")
    await expect(words).to_contain_text("本组选票最集中的1个网段共有40票")
    await assert_accessible(desktop)

    # The farm's two rows beside each other as a table, by keyboard.
    await tab_to(desktop, "看表格")
    await desktop.keyboard.press("Enter")
    rows = figure.locator("tbody tr")
    await expect(rows).to_have_count(4)
    await expect(rows.first.get_by_role("rowheader")).to_have_text("6661726d 实际")
    figures = [int(text) for text in await rows.first.locator("td").all_inner_texts()]
    assert sum(figures) == 40
    await assert_accessible(desktop)

    await figure.get_by_role("button", name="看图").press("Enter")
    async with desktop.expect_download() as saving:
        await figure.get_by_role("button", name="保存图片").click()
    picture = tmp_path / "picture.png"
    await (await saving.value).save_as(picture)
    with Image.open(picture) as opened:
        assert opened.size[0] > 1000
        assert len(opened.convert("RGB").getcolors(1 << 24) or ()) > 20

    await desktop.goto(f"{staff_app.origin}/language/en?next={BASE}/{hold_id}")
    await expect(words).to_contain_text("40 of the votes are in this hold")
    await assert_accessible(desktop)
