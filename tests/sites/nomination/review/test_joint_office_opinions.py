"""The joint office's opinion: text, date and stamp, by two people, printed in the third box."""

from __future__ import annotations

import io
import re

import httpx
import pytest
from PIL import Image, ImageDraw
from playwright.async_api import Page, expect

from tests.browser.accessibility import assert_accessible, assert_nothing_lost
from tests.picture_files import opened, saved
from tests.printed import printed
from tests.sites.console.running_staff_app import StaffApp, StaffClient
from tests.sites.nomination.bodies.selection_data import Chosen
from tests.sites.nomination.review.review_data import PATH, store_submitted
from voting_service.errors import InvalidInput
from voting_service.nomination.review.stamp_picture import SIDE, cut_out_stamp
from voting_service.sites.shared.signed_in.access import csrf_token

OPINION = f"{PATH}/opinion"
SIGNED = "2022-07-12"


def scanned_stamp() -> bytes:
    """A red ring on paper, as a scanner gives it: not quite white, with a wide margin."""
    image = Image.new("RGB", (800, 1000), (247, 246, 242))
    ImageDraw.Draw(image).ellipse((200, 300, 599, 699), outline=(200, 30, 30), width=20)
    return saved(image, "PNG")


async def upload(client: StaffClient, picture: bytes) -> httpx.Response:
    files = {
        "csrf": (None, csrf_token(client.token)),
        "stamp": ("stamp.png", picture),
    }
    return await client.post(f"{OPINION}/stamp", files=files)


async def waiting(staff_app: StaffApp) -> int:
    approval: int = await staff_app.database.fetchval(
        "select max(id) from approval_requests where kind = 'joint_office_opinion'"
    )
    return approval


def test_a_stamp_is_cut_out_of_its_paper() -> None:
    stamp = opened(cut_out_stamp(scanned_stamp()))
    assert stamp.mode == "RGBA"
    assert stamp.size == (400, 400)
    ink = stamp.getchannel("A").tobytes()
    assert ink[200 * 400 + 200] == 0, "paper lets text through"
    assert ink[8 * 400 + 200] > 200, "ink does not"
    large = scanned_stamp()
    tall = Image.open(io.BytesIO(large)).resize((3200, 4000))
    assert max(opened(cut_out_stamp(saved(tall, "PNG"))).size) == SIDE
    with pytest.raises(InvalidInput, match="no stamp in the picture"):
        cut_out_stamp(saved(Image.new("RGB", (400, 400), (250, 250, 250)), "PNG"))


async def test_two_people_give_the_opinion_and_the_form_has_it(
    staff_app: StaffApp, chosen: Chosen
) -> None:
    first, second, third = await store_submitted(staff_app, chosen, 3)
    (open_one,) = await store_submitted(staff_app, chosen, 1, state="submitted")
    reviewer = await staff_app.signed_in_client("reviewer")
    supervisor = await staff_app.signed_in_client("supervisor")
    proposed = {"text": "同意推荐。", "signed_on": SIGNED, "recommendation": [first, second, third]}

    missing = await reviewer.post(OPINION, data=proposed)
    assert missing.status_code == 422
    assert "Upload a picture of the stamp first." in missing.text
    assert (await upload(reviewer, b"no picture")).status_code == 422
    assert (await upload(reviewer, scanned_stamp())).headers["location"].endswith("done=stamped")
    faulty: tuple[dict[str, object], ...] = (
        {"text": " "},
        {"text": "电话 13800138000"},
        {"signed_on": "2099-01-01"},
        {"signed_on": "12.7."},
        {"recommendation": []},
        {"recommendation": [first, open_one]},
        {"recommendation": ["x"]},
    )
    for wrong in faulty:
        refused = await reviewer.post(OPINION, data={**proposed, **wrong})
        assert refused.status_code == 422, wrong

    form = f"{PATH}/review/{first}/form.pdf"
    assert "同意推荐。" not in await third_box(reviewer, form)
    assert (await reviewer.post(OPINION, data=proposed)).status_code == 303
    assert (await reviewer.post(OPINION, data=proposed)).status_code == 409, "one waits already"
    approval = await waiting(staff_app)
    assert (await reviewer.post(f"{OPINION}/{approval}/approve", data={})).status_code == 409
    assert "同意推荐。" not in await third_box(reviewer, form), "one person gives none"
    assert (await supervisor.post(f"{OPINION}/{approval}/approve", data={})).status_code == 303
    assert "同意推荐。盖章2022年7月12日" in await third_box(reviewer, form)

    # For one of them it is given again, in other words; the others keep theirs.
    again = {**proposed, "text": "同意，择优推荐。", "recommendation": [first]}
    assert (await reviewer.post(OPINION, data=again)).status_code == 303
    approval = await waiting(staff_app)
    assert (await supervisor.post(f"{OPINION}/{approval}/approve", data={})).status_code == 303
    assert "同意，择优推荐。" in await third_box(reviewer, form)
    assert "同意推荐。盖章" in await third_box(reviewer, f"{PATH}/review/{second}/form.pdf")

    # What is examined again has no opinion until it is accepted.
    reopened = {"verdict": "reopened", "reason": "复核"}
    await reviewer.post(f"{PATH}/review/{first}/verdict", data=reopened)
    assert "择优" not in await third_box(reviewer, form)
    acts = await staff_app.database.fetch("select act, subject from audit_log")
    assert ("stamp_added", "stamp of the joint office") in {tuple(row) for row in acts}


async def third_box(client: StaffClient, form: str) -> str:
    """What is printed between the label of the box and the notes on filling in."""
    answer = await client.get(form)
    assert answer.headers["content-type"] == "application/pdf"
    text = re.sub(r"\s", "", printed(answer.content).text)
    return text[text.index("市高技办") : text.index("填表说明")]


async def test_an_opinion_on_what_is_not_accepted_any_more_is_not_approved(
    staff_app: StaffApp, chosen: Chosen
) -> None:
    first, second = await store_submitted(staff_app, chosen, 2)
    reviewer = await staff_app.signed_in_client("reviewer")
    supervisor = await staff_app.signed_in_client("supervisor")
    await upload(reviewer, scanned_stamp())
    proposed = {"text": "同意推荐。", "signed_on": SIGNED, "recommendation": [first, second]}
    assert (await reviewer.post(OPINION, data=proposed)).status_code == 303
    reopened = {"verdict": "reopened", "reason": "复核"}
    await reviewer.post(f"{PATH}/review/{second}/verdict", data=reopened)
    approval = await waiting(staff_app)
    refused = await supervisor.post(f"{OPINION}/{approval}/approve", data={})
    assert refused.status_code == 409
    declined = await supervisor.post(f"{OPINION}/{approval}/decline", data={"because": "有变化"})
    assert declined.headers["location"].endswith("done=declined")
    auditor = await staff_app.signed_in_client("auditor")
    page = await auditor.get(OPINION)
    assert "有变化" in page.text
    assert 'name="text"' not in page.text
    assert (await auditor.post(OPINION, data=proposed)).status_code == 403
    stamp = re.search(rf"{OPINION}/stamps/[0-9a-f]{{64}}", page.text)
    assert stamp is not None
    assert (await auditor.get(stamp[0])).headers["content-type"] == "image/png"
    assert (await auditor.get(f"{OPINION}/stamps/{'0' * 64}")).status_code == 404
    assert (await auditor.get(f"{OPINION}/stamps/x")).status_code == 404


async def test_the_page_in_a_browser(staff_app: StaffApp, chosen: Chosen, desktop: Page) -> None:
    await store_submitted(staff_app, chosen, 2)
    page = desktop
    await staff_app.sign_in(page, "reviewer", OPINION)
    await assert_accessible(page)
    await page.set_input_files(
        "#stamp", {"name": "s.png", "mimeType": "image/png", "buffer": scanned_stamp()}
    )
    await page.click("button:has-text('上传印章')")
    await expect(page.locator("main")).to_contain_text("印章已保存")
    await page.click("button:has-text('提请审批')")
    await expect(page.locator("main")).to_contain_text("请另一位同事批准")
    await assert_accessible(page)
    await assert_nothing_lost(page)
