"""Corrections and withdrawals at the console, from the form to the public page."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.async_api import Page

from tests.browser.accessibility import assert_accessible, assert_nothing_lost
from tests.contest_data import SLUG
from tests.picture_files import jpeg
from tests.sites.console.running_staff_app import StaffApp, StaffClient
from tests.sites.public.public_site import public_site
from voting_service.contests.pictures.repository import load_all_pictures
from voting_service.contests.repository import load_contest
from voting_service.sites.shared.signed_in import rate_limits, uploads

BASE = f"/contests/{SLUG}/corrections"
WHY = {"reason_zh": "姓名有误", "reason_en": "The name was wrong"}


def form_values(text: str) -> dict[str, str]:
    """The fields of the form as it is shown."""
    areas = re.findall(r'<textarea id="[^"]+" name="([^"]+)"[^>]*>([^<]*)</textarea>', text)
    return {name: value for name, value in areas if not name.startswith("reason")}


async def approvals(client: StaffClient) -> list[str]:
    return re.findall(r"approvals/(\d+)/decline", (await client.get(BASE)).text)


@pytest.fixture
async def clerk(staff_app: StaffApp) -> StaffClient:
    return await staff_app.signed_in_client("tally_clerk")


@pytest.fixture
async def supervisor(staff_app: StaffApp) -> StaffClient:
    return await staff_app.signed_in_client("supervisor")


async def test_a_correction_s_portrait_is_limited_and_waits_its_turn_like_every_upload(
    clerk: StaffClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(rate_limits.RATES, "upload", "1/minute")
    monkeypatch.setattr(uploads, "ENCODING_WAIT_SECONDS", 0.0)
    files = {"portrait": ("new.jpg", jpeg(), "image/jpeg")}
    async with uploads.encoding_turn():
        statuses = [
            (await clerk.post(f"{BASE}/2/correct", data=WHY, files=files)).status_code
            for _ in range(2)
        ]
    assert statuses == [503, 429]


async def test_a_profile_and_its_portrait_are_corrected_by_two_people(
    staff_app: StaffApp, clerk: StaffClient, supervisor: StaffClient
) -> None:
    form = await clerk.get(f"{BASE}/2/correct")
    assert "changes neither the number nor the person" in form.text
    values = {**form_values(form.text), "name.en": " Wang Wu ", **WHY}
    assert values["name.zh"] == "候选 2"
    assert values["trade.en"] == "", "where the Chinese stands for both"
    portrait = {"portrait": ("new.jpg", jpeg(), "image/jpeg")}
    for wrong, message in (
        ({"name.zh": ""}, "name.zh: "),
        ({"reason_zh": ""}, "reason.zh: "),
        ({"name.en": ""}, "Nothing was changed: the texts are the same and no new photo was"),
    ):
        refused = await clerk.post(f"{BASE}/2/correct", data={**values, **wrong}, files={"x": b""})
        assert refused.status_code in {409, 422}, wrong
        assert message in refused.text
    broken = {"portrait": ("new.jpg", b"no picture", "image/jpeg")}
    refused = await clerk.post(f"{BASE}/2/correct", data=values, files=broken)
    assert refused.status_code == 422
    assert "Wang Wu" in refused.text, "what was typed is still there"
    done = await clerk.post(f"{BASE}/2/correct", data=values, files=portrait)
    assert (done.status_code, done.headers["location"]) == (303, f"{BASE}?done=proposed")
    [request] = await approvals(clerk)
    waiting = (await supervisor.get(BASE)).text
    assert "<ins>Wang Wu</ins>" in waiting
    pictures = re.findall(rf'src="({BASE}/pictures/[0-9a-f]{{32}})"', waiting)
    assert [(await supervisor.get(picture)).status_code for picture in pictures] == [200]
    own = await clerk.post(f"{BASE}/approvals/{request}/approve", data={})
    assert own.status_code == 409
    done = await supervisor.post(f"{BASE}/approvals/{request}/approve", data={})
    assert done.headers["location"] == f"{BASE}?done=approved"
    contest = await load_contest(staff_app.database, SLUG)
    assert contest.candidates[1].name.en == "Wang Wu"
    assert len((await load_all_pictures(staff_app.database, contest.id))[2]) == 1
    form = await clerk.get(f"{BASE}/2/correct")
    assert "Remove the photo and show none (not needed to replace it)" in form.text
    same = await clerk.post(f"{BASE}/2/correct", data=values, files=portrait)
    assert (same.status_code, "the new photo is the present one" in same.text) == (409, True)
    history = (await clerk.get(BASE)).text
    assert history.index("tally_clerk-1, supervisor-1") < history.index('id="candidates"')
    async with public_site(staff_app.settings) as public:
        for below in ("/candidates/2", "/corrections"):
            assert "The name was wrong" in (await public.get(f"/en/{SLUG}{below}")).text


async def test_a_candidate_is_withdrawn_by_two_people(
    staff_app: StaffApp, clerk: StaffClient, supervisor: StaffClient
) -> None:
    form = (await clerk.get(f"{BASE}/3/withdraw")).text
    assert "A withdrawal cannot be undone" in form
    assert "No ballots yet: no rank changes." in form
    assert "moves up" not in form
    refused = await clerk.post(f"{BASE}/3/withdraw", data=WHY)
    assert refused.status_code == 422
    assert "choose one of the grounds" in refused.text
    assert "The name was wrong" in refused.text
    for path in ("correct", "withdraw"):
        assert (await clerk.get(f"{BASE}/99/{path}")).status_code == 404
    withdraw = {**WHY, "ground": "stepped_back"}
    assert (await clerk.post(f"{BASE}/3/withdraw", data=withdraw)).status_code == 303
    [first] = await approvals(clerk)
    decline = f"{BASE}/approvals/{first}/decline"
    declined = await supervisor.post(decline, data={"because": "ask again"})
    assert declined.headers["location"] == f"{BASE}?done=declined"
    assert await approvals(clerk) == []
    assert (await clerk.post(f"{BASE}/3/withdraw", data=withdraw)).status_code == 303
    home = (await supervisor.get("/")).text
    assert BASE in home, "what waits stands on the home page"
    listed = (await supervisor.get(f"/contests/{SLUG}/approvals")).text
    assert "候选 3 (number 3) withdraws: Stepped back" in listed
    card = (await supervisor.get(BASE)).text
    for sentence in (
        "候选 3 (number 3) withdraws: Stepped back",
        "No ballots yet: no rank changes.",
        "A withdrawal cannot be undone",
        "<button>Approve the withdrawal of 候选 3</button>",
        "withdrawal waits for approval",
    ):
        assert sentence in card, sentence
    [request] = await approvals(supervisor)
    done = await supervisor.post(f"{BASE}/approvals/{request}/approve", data={})
    assert done.status_code == 303
    await staff_app.refresh()
    listed = (await clerk.get(BASE)).text
    assert f"{BASE}/3/withdraw" not in listed
    assert f"{BASE}/3/correct" in listed
    tally = (await clerk.get(f"/contests/{SLUG}")).text
    assert "withdrawn" in tally
    assert "Withdrawn and not ranked" in (await clerk.get(f"/contests/{SLUG}/candidates/3")).text
    auditor = await staff_app.signed_in_client("auditor")
    assert "Tally clerks and supervisors propose" in (await auditor.get(BASE)).text
    assert (await auditor.get(f"{BASE}/1/correct")).status_code == 403


async def test_corrections_before_the_profiles_are_public_are_said_not_to_be_listed(
    staff_app: StaffApp,
) -> None:
    for days, is_said in ((-2, True), (2, False)):
        staff_app.clock.offset += timedelta(days=days)
        clerk = await staff_app.signed_in_client("tally_clerk")
        form = (await clerk.get(f"{BASE}/2/correct")).text
        assert ("before the profiles are public are not listed" in form) == is_said


async def test_the_pages_can_be_used_by_everybody(staff_app: StaffApp, desktop: Page) -> None:
    """With a keyboard and a screen reader: the list, both forms, and what waits."""
    await staff_app.sign_in(desktop, "tally_clerk", BASE)
    await assert_accessible(desktop)
    await assert_nothing_lost(desktop)
    await desktop.goto(f"{staff_app.origin}{BASE}/2/correct")
    await assert_accessible(desktop)
    await desktop.fill('[name="name.en"]', "Wang Wu")
    for language, reason in (("zh", "姓名有误"), ("en", "The name was wrong")):
        await desktop.fill(f"#reason_{language}", reason)
    await desktop.set_input_files(
        "#portrait", {"name": "new.jpg", "mimeType": "image/jpeg", "buffer": jpeg()}
    )
    async with desktop.expect_navigation():
        await desktop.get_by_role("button", name="提请更正").click()
    await desktop.wait_for_selector("text=已提请，待另一人批准。")
    await assert_accessible(desktop)
    await desktop.goto(f"{staff_app.origin}{BASE}/3/withdraw")
    await assert_accessible(desktop)
