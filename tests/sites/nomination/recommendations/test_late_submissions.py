"""Late exceptions: proposed, approved by somebody else, used before their time is over."""

from __future__ import annotations

from datetime import datetime, timedelta

from playwright.async_api import Page, expect

from tests.browser.accessibility import assert_accessible, assert_nothing_lost
from tests.sites.console.running_staff_app import StaffApp
from tests.sites.nomination.bodies.selection_data import Chosen, move_window
from tests.sites.nomination.recommendations.posting import LIST
from tests.sites.nomination.recommendations.recommendation_data import (
    drafted_in_north,
    person,
)
from voting_service.infrastructure.postgres.pool import connect
from voting_service.nomination.privacy.encryption import PersonalKeys
from voting_service.nomination.recommendations.approval_kinds import LATE_SUBMISSION
from voting_service.nomination.recommendations.model import Recommendation
from voting_service.nomination.recommendations.repository import (
    load_recommendation,
    load_submissions,
)
from voting_service.nomination.shortlist.approval_kinds import SHORTLIST
from voting_service.staff.accounts.model import Account
from voting_service.staff.actor import Actor
from voting_service.staff.approvals.repository import find_approval, load_selection_approvals
from voting_service.staff.approvals.service import propose, record_approval

LATE = "/selections/selection-2022/late"


async def too_late(
    staff_app: StaffApp, chosen: Chosen, keys: PersonalKeys, officer: Account
) -> Recommendation:
    """A complete draft, one second after the deadline."""
    recommendation = await drafted_in_north(staff_app, keys, chosen, officer, person(1))
    now = staff_app.clock()
    await move_window(
        staff_app, chosen.selection, now - timedelta(days=30), now - timedelta(seconds=1)
    )
    return recommendation


def local(chosen: Chosen, moment: datetime) -> str:
    """As a browser's field of day and time gives it, in Beijing."""
    return f"{moment.astimezone(chosen.selection.zone):%Y-%m-%dT%H:%M}"


async def test_two_people_permit_a_late_submission_and_the_receipt_shows_it(
    staff_app: StaffApp, chosen: Chosen, keys: PersonalKeys, officer: Account, desktop: Page
) -> None:
    recommendation = await too_late(staff_app, chosen, keys, officer)
    until = local(chosen, staff_app.clock() + timedelta(hours=2))
    page = desktop
    await staff_app.sign_in(page, "reviewer", LATE)
    await assert_accessible(page)
    await page.fill("#until", until)
    await page.fill("#reason", "所在区县网络中断，有通信部门证明。")
    await page.click("main button:has-text('提请审批补报')")
    await expect(page.locator("main")).to_contain_text("请另一位同事批准")
    await expect(page.locator("button:has-text('批准')")).to_have_count(0)
    await assert_accessible(page)
    await assert_nothing_lost(page)

    client = await staff_app.signed_in_client("recommender", officer.name)
    form = {"revision": str(recommendation.revision)}
    waiting = await client.post(f"{LIST}/{recommendation.id}/submit", data=form)
    assert waiting.status_code == 409, "one person permits nothing"

    second = await staff_app.signed_in_client("supervisor")
    [decision] = await staff_app.database.fetch("select id from approval_requests")
    approved = await second.post(f"{LATE}/{decision['id']}/approve", data={})
    assert approved.headers["location"] == f"{LATE}?done=approved"
    for path in (LIST, f"{LIST}/{recommendation.id}", f"{LIST}/{recommendation.id}/steps/person"):
        assert "Late submission is permitted until" in (await client.get(path)).text, path
    sent = await client.post(f"{LIST}/{recommendation.id}/submit", data=form)
    assert sent.headers["location"] == f"{LIST}/{recommendation.id}/receipt"
    receipt = (await client.get(sent.headers["location"])).text
    assert f"permitted after the deadline (approval {decision['id']})" in receipt
    handed = await load_recommendation(
        staff_app.database, keys, chosen.selection, recommendation.id
    )
    [submission] = await load_submissions(staff_app.database, keys, chosen.selection, handed)
    assert submission.late_by_approval == decision["id"]


async def test_an_exception_is_for_one_recommendation_and_for_its_time(
    staff_app: StaffApp, chosen: Chosen, keys: PersonalKeys, officer: Account
) -> None:
    other = await drafted_in_north(staff_app, keys, chosen, officer, person(2))
    recommendation = await too_late(staff_app, chosen, keys, officer)
    first = await staff_app.signed_in_client("reviewer")
    second = await staff_app.signed_in_client("supervisor")
    proposed = {
        "recommendation": str(recommendation.id),
        "until": local(chosen, staff_app.clock() + timedelta(minutes=2)),
        "reason": "证明",
    }
    assert (await first.post(LATE, data=proposed)).status_code == 303
    assert (await first.post(LATE, data=proposed)).status_code == 409, "one waits already"
    [decision] = await staff_app.database.fetch("select id from approval_requests")
    assert (await first.post(f"{LATE}/{decision['id']}/approve", data={})).status_code == 409
    assert (await second.post(f"{LATE}/{decision['id']}/approve", data={})).status_code == 303
    client = await staff_app.signed_in_client("recommender", officer.name)
    form = {"revision": str(other.revision)}
    assert (await client.post(f"{LIST}/{other.id}/submit", data=form)).status_code == 409
    staff_app.clock.offset += timedelta(minutes=3)
    shown = (await client.get(f"{LIST}/{recommendation.id}")).text
    assert "late recommendations are not accepted" in shown
    assert "Late submission is permitted until" not in shown


async def test_the_database_too_knows_when_an_exception_is_over(
    staff_app: StaffApp, chosen: Chosen, keys: PersonalKeys, officer: Account
) -> None:
    """Though it was approved past the page that would have refused it."""
    recommendation = await too_late(staff_app, chosen, keys, officer)
    now, selection = staff_app.clock(), chosen.selection
    proposed = await propose(
        Actor(staff_app.database, await staff_app.account("reviewer"), now),
        selection,
        kind=LATE_SUBMISSION,
        subject=f"{recommendation.id}/1",
        payload={"recommendation": recommendation.id, "until": now.isoformat(), "reason": "证明"},
    )
    decision = find_approval(
        await load_selection_approvals(staff_app.database, selection.id), proposed
    )
    supervisor = await staff_app.account("supervisor")
    await record_approval(Actor(staff_app.database, supervisor, now), selection, decision)
    client = await staff_app.signed_in_client("recommender", officer.name)
    form = {"revision": str(recommendation.revision)}
    sent = await client.post(f"{LIST}/{recommendation.id}/submit", data=form)
    assert sent.status_code == 409
    assert "the deadline has passed" in sent.text


async def test_a_proposal_is_validated_and_names_nobody(
    staff_app: StaffApp, chosen: Chosen, keys: PersonalKeys, officer: Account
) -> None:
    recommendation = await too_late(staff_app, chosen, keys, officer)
    reviewer = await staff_app.signed_in_client("reviewer")
    good = {
        "recommendation": str(recommendation.id),
        "until": local(chosen, staff_app.clock() + timedelta(days=1)),
        "reason": "网络中断",
    }
    for wrong in (
        {"recommendation": "999"},
        {"recommendation": "9" * 30},
        {"until": ""},
        {"until": f"{good['until']}:00+00:00"},
        {"until": local(chosen, staff_app.clock() - timedelta(days=1))},
        {"until": local(chosen, staff_app.clock() + timedelta(days=90))},
        {"reason": " "},
        {"reason": "网" * 501},
        {"reason": f"本人{person(1).id_number}"},
    ):
        answer = await reviewer.post(LATE, data={**good, **wrong})
        assert answer.status_code == 422, wrong
        kept = wrong.get("reason", good["reason"])
        assert kept in answer.text, "what was typed is still there"
    assert (await reviewer.post(LATE, data=good)).status_code == 303
    [decision] = await staff_app.database.fetch("select id from approval_requests")
    second = await staff_app.signed_in_client("supervisor")
    telling = {"because": f"本人{person(1).id_number}"}
    named = await second.post(f"{LATE}/{decision['id']}/decline", data=telling)
    assert named.status_code == 422
    declined = await second.post(f"{LATE}/{decision['id']}/decline", data={"because": "理由不足"})
    assert declined.status_code == 303
    page = (await second.get(LATE)).text
    assert "理由不足" in page
    assert (await second.post(f"{LATE}/{decision['id']}/approve", data={})).status_code == 409
    assert (await reviewer.post(LATE, data=good)).status_code == 303, "it can be proposed again"


async def test_nothing_can_be_submitted_after_the_shortlist(
    staff_app: StaffApp, chosen: Chosen, keys: PersonalKeys, officer: Account
) -> None:
    """Not even what was permitted before."""
    other = await drafted_in_north(staff_app, keys, chosen, officer, person(2))
    recommendation = await too_late(staff_app, chosen, keys, officer)
    first = await staff_app.signed_in_client("reviewer")
    second = await staff_app.signed_in_client("supervisor")
    until = local(chosen, staff_app.clock() + timedelta(hours=2))
    for late in (recommendation, other):
        request = {"recommendation": str(late.id), "until": until, "reason": "证明"}
        assert (await first.post(LATE, data=request)).status_code == 303
    permitted, waits = await staff_app.database.fetch(
        "select id from approval_requests order by id"
    )
    await second.post(f"{LATE}/{permitted['id']}/approve", data={})
    await chosen_already(staff_app, chosen)

    client = await staff_app.signed_in_client("recommender", officer.name)
    form = {"revision": str(recommendation.revision)}
    sent = await client.post(f"{LIST}/{recommendation.id}/submit", data=form)
    assert (sent.status_code, "the shortlist has been decided" in sent.text) == (409, True)
    for path, data in ((f"{LATE}/{waits['id']}/approve", {}), (LATE, request)):
        refused = await second.post(path, data=data)
        assert refused.status_code == 409, path
        assert "the shortlist has been decided" in refused.text


async def chosen_already(staff_app: StaffApp, chosen: Chosen) -> None:
    """Two people chose; whom does not matter here."""
    selection, now = chosen.selection, staff_app.clock()
    proposed = await propose(
        Actor(staff_app.database, await staff_app.account("reviewer"), now),
        selection,
        kind=SHORTLIST,
        subject="choice",
        payload={"recommendations": []},
    )
    owner = await connect(staff_app.settings.migration_url)
    switch = "alter table approval_requests {} trigger carry_out_shortlist"
    await owner.execute(switch.format("disable"))
    decision = find_approval(await load_selection_approvals(owner, selection.id), proposed)
    await record_approval(
        Actor(owner, await staff_app.account("supervisor"), now), selection, decision
    )
    await owner.execute(switch.format("enable"))
    await owner.close()


async def test_other_roles_cannot_decide(
    staff_app: StaffApp, chosen: Chosen, officer: Account
) -> None:
    auditor = await staff_app.signed_in_client("auditor")
    assert (await auditor.get(LATE)).status_code == 200
    assert (await auditor.post(LATE, data={})).status_code == 403
    for role in ("recommender", "administrator", "expert"):
        client = await staff_app.signed_in_client(role)
        assert (await client.get(LATE)).status_code == 403
        assert (await client.post(f"{LATE}/1/approve", data={})).status_code == 403
