"""Ballots of a filtered window are put in question together, and nobody copies their numbers."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from urllib.parse import urlsplit

import pytest

from tests.contest_data import store_platform
from tests.cut_data import OPENS
from tests.sites.console.running_staff_app import StaffApp, StaffClient
from tests.voting.tally.cast_ballots import Cast, Field, open_field
from voting_service.sites.console.time_ranges import window_path
from voting_service.voting.rulings.repository import load_hold, load_hold_ballots

SLUG = "field"
FARM, HOME = b"network1", b"network2"
WHY = "forty ballots in one minute & alike"


@pytest.fixture
async def field(staff_app: StaffApp) -> Field:
    made = await open_field(staff_app.database, SLUG)
    alpha = await store_platform(staff_app.database, "alpha")
    beta = await store_platform(staff_app.database, "beta")
    await made.add(
        staff_app.database,
        [
            *(Cast([1], OPENS + timedelta(seconds=n), alpha, network=FARM) for n in range(4)),
            *(Cast([1], OPENS + timedelta(seconds=n), alpha, True, FARM) for n in range(2)),
            *(Cast([2], OPENS + timedelta(seconds=n), beta, network=HOME) for n in range(3)),
            *(Cast([1, 2], OPENS + timedelta(minutes=5), beta, network=FARM) for _ in "ab"),
        ],
    )
    hold = await made.hold(staff_app.database, made.cast[:1], OPENS + timedelta(hours=1))
    await made.rule(staff_app.database, hold, "void", OPENS + timedelta(hours=2))
    await staff_app.refresh()
    return made


def hidden(page: str) -> dict[str, str]:
    """What the form of a page posts beside what is typed: its filters, and its button's value."""
    form = page[page.index('/holds/new" class') :]
    fields = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', form)
    button = re.findall(r'<button name="([^"]+)" value="([^"]+)">', form)
    return {name: unescape(value) for name, value in (*fields, *button) if name != "csrf"}


async def selection(client: StaffClient, field: Field, **conditions: str) -> tuple[str, str]:
    """The page that a filtered window leads to, and its address."""
    ends = OPENS + timedelta(minutes=10)
    window = await client.get(window_path(field.contest, OPENS, ends, **conditions))
    assert window.status_code == 200
    link = re.search(r'href="([^"]+)" data-question', window.text)
    assert link, "the window leads to the form"
    address = unescape(link[1])
    return (await client.get(address)).text, address


@pytest.mark.parametrize(
    ("conditions", "count", "counted", "void"),
    [
        ({"network": FARM.hex()}, 8, 5, 1),
        ({"network": FARM.hex(), "platform": "alpha"}, 6, 3, 1),
        ({"platform": "beta"}, 5, 5, 0),
        ({"candidate": "2", "platform": "beta", "state": "counted"}, 5, 5, 0),
        ({"network": FARM.hex(), "state": "held"}, 2, 0, 0),
    ],
)
async def test_what_a_filter_selects_becomes_a_hold(
    staff_app: StaffApp, field: Field, conditions: dict[str, str], count: int, counted: int,
    void: int,
) -> None:  # fmt: skip
    clerk = await staff_app.signed_in_client("tally_clerk")
    page, address = await selection(clerk, field, **conditions)
    figures = dict(re.findall(r'data-figure="(counted|held|void)">(\d+)<', page))
    assert figures == {
        "counted": str(counted), "held": str(count - counted - void), "void": str(void)
    }  # fmt: skip
    assert f"Put these {count} ballots in question" in page
    form = {**hidden(page), "label": "farm", "why": WHY}
    answer = await clerk.post(f"/contests/{SLUG}/holds/new", data=form)
    hold_id = int(re.findall(r"/holds/(\d+)\?done=made", answer.headers["location"])[0])
    hold = await load_hold(staff_app.database, field.contest, hold_id)
    assert (hold.ballots, hold.source, hold.evidence.sentence.en) == (count, "tally_clerk-1", WHY)
    ballots = await load_hold_ballots(staff_app.database, field.contest, hold_id, limit=99)
    assert {b.ballot_id for b in ballots} < {b.ballot_id for b in field.cast}
    if "network" in conditions:
        assert {b.network for b in ballots} == {FARM}
        assert hold.evidence.attributes[0].value == FARM.hex()
    # The same filter again names the hold that there is, and offers no second one.
    again = await clerk.get(address)
    assert f"/holds/{hold_id}" in again.text
    assert "<textarea" not in again.text
    seen = await clerk.get(answer.headers["location"])
    assert seen.status_code == 200


async def test_a_selection_that_changed_is_shown_again(staff_app: StaffApp, field: Field) -> None:
    clerk = await staff_app.signed_in_client("tally_clerk")
    page, address = await selection(clerk, field, platform="beta")
    await field.add(
        staff_app.database, [Cast([3], OPENS + timedelta(minutes=6), field.cast[-1].platform_id)]
    )
    answer = await clerk.post(
        f"/contests/{SLUG}/holds/new",
        data={**hidden(page), "label": "farm", "why": WHY},
        headers={"referer": staff_app.origin + address},
    )
    assert answer.status_code == 409
    assert "there are now 6" in answer.text
    assert "Put these 6 ballots in question" in answer.text
    assert "forty ballots in one minute &amp; alike</textarea>" in answer.text
    answer = await clerk.post(
        f"/contests/{SLUG}/holds/new", data={**hidden(answer.text), "label": "farm", "why": WHY}
    )
    assert urlsplit(answer.headers["location"]).query == "done=made"


async def test_who_may_not_decide_is_offered_nothing(staff_app: StaffApp, field: Field) -> None:
    auditor = await staff_app.signed_in_client("auditor")
    window = window_path(field.contest, OPENS, OPENS + timedelta(minutes=1))
    assert "data-question" not in (await auditor.get(window)).text
    form = window.replace("/window?", "/holds/new?")
    assert (await auditor.get(form)).status_code == 403


async def test_the_heat_map_leads_to_its_ballots(staff_app: StaffApp, field: Field) -> None:
    hold = await field.hold(
        staff_app.database,
        [ballot for ballot in field.cast if ballot.network == FARM],
        OPENS + timedelta(hours=3),
    )
    clerk = await staff_app.signed_in_client("tally_clerk")
    shown = (await clerk.get(f"/contests/{SLUG}/holds/{hold}/picture.json")).json()
    assert len(shown["links"]) == len(shown["rows"])
    assert len(shown["starts"]) == len(shown["columns"]) + 1
    assert shown["links"][1::2] == [None] * (len(shown["rows"]) // 2)
    window = await clerk.get(shown["links"][0])
    assert window.status_code == 200
    assert "data-question" in window.text
    assert f"network={FARM.hex()}" in shown["links"][0]
