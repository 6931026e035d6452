"""Central units recommend through their district, and everybody who counts its quota sees it."""

from __future__ import annotations

import re

from tests.sites.console.running_staff_app import StaffApp
from tests.sites.nomination.bodies.selection_data import Chosen
from tests.sites.nomination.review.review_data import PATH, personal_keys, store_submitted
from voting_service.nomination.review.coverage import coverage
from voting_service.nomination.review.filtering import QueueFilter, apply_filter
from voting_service.nomination.review.repository import load_submitted_recommendations

REVIEW = f"{PATH}/review"


def words(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


async def test_a_central_unit_is_shown_and_counts_against_its_district(
    staff_app: StaffApp, chosen: Chosen
) -> None:
    (central,) = await store_submitted(staff_app, chosen, 1, is_central_unit=True)
    (local,) = await store_submitted(staff_app, chosen, 1)
    reviewer = await staff_app.signed_in_client("reviewer")
    reviewer.headers["accept-language"] = "zh"

    queue = words((await reviewer.get(REVIEW)).text)
    places = words((await reviewer.get(f"{REVIEW}/coverage")).text)
    assert "北区 · 中央在渝单位" in queue
    assert "北区 其中中央在渝单位 1 人" in places, "in the coverage"
    only = words((await reviewer.get(f"{REVIEW}?central=yes")).text)
    assert f"人选{central}" in only
    assert f"人选{local}" not in only
    page = words((await reviewer.get(f"{REVIEW}/{central}")).text)
    assert "中央在渝单位，占北区名额" in page
    assert "推荐单位已用名额 2/6" in page
    other = words((await reviewer.get(f"{REVIEW}/{local}")).text)
    assert "占北区名额" not in other
    assert "推荐单位已用名额 2/6" in other

    officer = await staff_app.signed_in_client("recommender", "officer-1")
    officer.headers["accept-language"] = "zh"
    listed = words((await officer.get(f"{PATH}/recommendations")).text)
    assert "2 / 6" in listed
    assert "其中中央在渝单位 1 人" in listed
    assert listed.count("中央在渝单位，占本区县名额") == 1


async def test_coverage_and_filter_know_central_units(staff_app: StaffApp, chosen: Chosen) -> None:
    await store_submitted(staff_app, chosen, 2, is_central_unit=True)
    await store_submitted(staff_app, chosen, 3)
    people = await load_submitted_recommendations(
        staff_app.database, personal_keys(staff_app), chosen.selection
    )
    shares = coverage(people, chosen.selection, staff_app.clock().date())
    assert {share.key: share.people for share in shares["central_unit"]} == {"yes": 2, "no": 3}
    for dimension in shares.values():
        assert sum(share.people for share in dimension) == len(people)
        assert sum(share.central for share in dimension) == 2
    for central, count in (("yes", 2), ("no", 3), ("", 5)):
        assert len(apply_filter(people, QueueFilter(central=central))) == count
