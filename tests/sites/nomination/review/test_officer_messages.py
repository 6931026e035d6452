"""Officers get messages about their recommendations, by number, in the selection's words."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.nomination.form.people import id_number
from tests.sites.console.running_staff_app import StaffApp
from tests.sites.nomination.bodies.selection_data import Chosen, seat_officer, store_selection
from tests.sites.nomination.review.review_data import (
    PATH,
    draw,
    pick,
    store_submitted,
    two_clients,
)
from tests.staff.messages.conftest import ended, give_address, sending
from voting_service.nomination.officer_messages import remind_of_deadlines
from voting_service.settings import Settings

WORDINGS = f"{PATH}/messages"


async def officers(staff_app: StaffApp, chosen: Chosen) -> None:
    """Seat an officer in every body, who wants e-mail."""
    for place, (slug, body) in enumerate(chosen.bodies.items(), start=1):
        officer = await seat_officer(staff_app, body, f"officer-{place}")
        await give_address(staff_app.settings, officer.id, f"{slug}@example.org", language="en")


def outbox(settings: Settings) -> Settings:
    return settings.model_copy(update={"keep_messages": True})


async def sent(staff_app: StaffApp) -> list[dict[str, Any]]:
    """Every message in its order, with the text that was kept of it."""
    rows = await staff_app.database.fetch("select kind, recipient, kept from messages order by id")
    return [{**row, "text": row["kept"]["subject"] + row["kept"]["text"]} for row in rows]


async def test_returned_accepted_and_shortlisted(staff_app: StaffApp, small: Chosen) -> None:
    await officers(staff_app, small)
    first, second, third = await store_submitted(staff_app, small, 3, state="submitted")
    reviewer, _ = await two_clients(staff_app)
    returned = await reviewer.post(
        f"{PATH}/review/{first}/verdict",
        data={"verdict": "returned", "reason": "stamp is missing"},
    )
    assert returned.status_code == 303, returned.text
    for number in (second, third):
        await reviewer.post(f"{PATH}/review/{number}/verdict", data={"verdict": "accepted"})
    async with sending(outbox(staff_app.settings)):
        await ended(staff_app.database, 3)
    messages = await sent(staff_app)
    assert [(item["kind"], item["recipient"]) for item in messages] == [
        ("returned", "officer-1"), ("accepted", "officer-2"), ("accepted", "officer-3"),
    ]  # fmt: skip
    assert f"no. {first} " in messages[0]["text"]
    assert f"{PATH}/recommendations" in messages[0]["text"]
    assert "stamp is missing" not in messages[0]["text"]
    assert not any(f"人选{number}" in item["text"] for number, item in enumerate(messages, start=1))


async def test_the_shortlist_is_sent_when_it_is_public(staff_app: StaffApp, small: Chosen) -> None:
    await officers(staff_app, small)
    ids = await store_submitted(staff_app, small, 3)
    await pick(staff_app, small, ids)
    reviewer, _ = await two_clients(staff_app)
    await draw(staff_app, small)
    count = "select count(*) from messages where kind = 'shortlisted'"
    assert await staff_app.database.fetchval(count) == 0
    assert (await reviewer.post(f"{PATH}/notice/publish", data={})).status_code == 303
    assert await staff_app.database.fetchval(count) == 3


async def test_a_deadline_is_sent_once_to_those_who_are_not_done(staff_app: StaffApp) -> None:
    now = staff_app.clock()
    chosen = await store_selection(
        staff_app.database,
        now,
        opens_at=now - timedelta(days=20),
        closes_at=now + timedelta(days=4),
    )
    await officers(staff_app, chosen)
    await store_submitted(staff_app, chosen, 2, state="submitted")
    client = await staff_app.signed_in_client("recommender", "officer-1")
    assert (await client.post(f"{PATH}/recommendations/new", data={})).status_code == 303
    for moment in (now, now + timedelta(days=1, minutes=1), now + timedelta(days=2)):
        await remind_of_deadlines(staff_app.database, moment)
    async with sending(outbox(staff_app.settings)):
        await ended(staff_app.database, 2)
    messages = await sent(staff_app)
    assert [(item["kind"], item["recipient"]) for item in messages] == [
        ("deadline", "officer-1"), ("deadline", "officer-3"),
    ]  # fmt: skip
    assert "drafts that were not submitted: 1." in messages[0]["text"]
    assert "has not submitted any recommendation" in messages[1]["text"]


async def test_the_joint_office_changes_the_words_and_only_those(
    staff_app: StaffApp, small: Chosen
) -> None:
    await officers(staff_app, small)
    (number, *_) = await store_submitted(staff_app, small, 1, state="submitted")
    reviewer, _ = await two_clients(staff_app)
    page = f"{WORDINGS}/accepted"
    assert "Returned for correction" in (await reviewer.get(WORDINGS)).text
    good = {
        "subject_zh": "第{number}号已通过", "text_zh": "咨询电话 023-12345678。\n{link}",
        "subject_en": "Well done with {number}", "text_en": "Call 023-12345678.\n{link}",
    }  # fmt: skip
    for field, typed, fault in (
        (
            "text_en",
            "{link} {name}",
            "{name} is not known; you can use {selection} {number} {link}",
        ),
        ("text_en", "{link} {number", "has a brace that belongs to nothing"),
        ("text_en", "{link.__class__} {link}", "has a brace that belongs to nothing"),
        ("text_en", "no address", "must contain {link}"),
        ("subject_en", "x" * 81, "must be one line of 1 to 80 characters"),
        ("text_en", "", "must have 1 to 2000 characters"),
        ("text_en", f"{{link}} {id_number()}", "ID number"),
    ):
        for action in ("save", "preview"):
            answer = await reviewer.post(page, data={**good, field: typed, "do": action})
            assert answer.status_code == 422, typed
            assert fault.lower() in answer.text.lower(), (typed, answer.text)
            assert f'id="{field}-fault"' in answer.text
    preview = await reviewer.post(page, data={**good, "do": "preview"})
    assert "Well done with 17" in preview.text
    assert await staff_app.database.fetchval("select count(*) from message_wordings") == 0
    saved = await reviewer.post(page, data={**good, "do": "save"})
    assert saved.headers["location"] == f"{page}?done=saved"
    await reviewer.post(f"{PATH}/review/{number}/verdict", data={"verdict": "accepted"})
    async with sending(outbox(staff_app.settings)):
        await ended(staff_app.database, 1)
    assert "Well done with" in (await sent(staff_app))[0]["text"]
    assert (await reviewer.post(page, data={"do": "reset"})).status_code == 303
    assert "Well done" not in (await reviewer.get(page)).text
    auditor = await staff_app.signed_in_client("auditor")
    assert (await auditor.get(WORDINGS)).status_code == 200
    assert (await auditor.post(page, data=good)).status_code == 403
    assert (await reviewer.get(f"{WORDINGS}/invitation")).status_code == 404
