"""Publishing the cut at the console: two people, never one, at the moment that was set."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import asyncpg
import httpx
import pytest
from playwright.async_api import Page

from tests.browser.accessibility import (
    assert_accessible,
    assert_nothing_lost,
    tab_to,
)
from tests.browser.guard import Guard
from tests.browser.pages import press_and_confirm
from tests.contest_data import (
    SLUG,
    rules,
    store_contest,
)
from tests.cut_data import (
    CLOSES,
    DRAINED,
    OPENS,
    StoredBallot,
    insert_ballots,
)
from tests.sites.console.running_staff_app import StaffApp, running_staff_app
from tests.sites.public.api.running_service import MovedClock
from tests.sites.public.public_site import public_site
from voting_service.contests.model import CutRules
from voting_service.errors import SecondPersonRequired
from voting_service.i18n.text import Text
from voting_service.infrastructure.postgres.pool import domain_errors
from voting_service.settings import Settings
from voting_service.voting.cut.signature import verify_document
from voting_service.voting.rulings.model import HoldEvidence
from voting_service.voting.rulings.repository import NewHold, create_hold

VOTES = {1: 9, 2: 7, 3: 6, 4: 5, 5: 1}
TIED = {1: 9, 2: 7, 3: 6, 4: 6, 5: 1}
ADDRESS = f"/contests/{SLUG}/publication"
PROPOSE = {"when": "approval"}


@pytest.fixture
def clock() -> MovedClock:
    """The console's time is a minute after the drain."""
    moved = MovedClock()
    moved.set(DRAINED + timedelta(minutes=1))
    return moved


@pytest.fixture
async def staff_app(settings: Settings, clock: MovedClock) -> AsyncIterator[StaffApp]:
    """A closed contest of five candidates, three of whom go on."""
    cut = rules(cut=CutRules(size=3, tie="committee"))
    async with running_staff_app(
        settings, clock, rules=cut, opens_at=OPENS, closes_at=CLOSES
    ) as running:
        yield running


async def cast(staff_app: StaffApp, votes: dict[int, int], *, held: int = 0) -> None:
    ballots = [StoredBallot([number]) for number, count in votes.items() for _ in range(count)]
    held_ones = [StoredBallot([4], held=True)] * held
    await insert_ballots(staff_app.database, staff_app.contest, [*ballots, *held_ones])


async def decisions(staff_app: StaffApp) -> list[Any]:
    return await staff_app.database.fetch(
        "select id, kind, approved_by, payload from approval_requests order by id"
    )


async def publications(staff_app: StaffApp) -> list[bytes]:
    rows = await staff_app.database.fetch("select document from publications order by version")
    return [row["document"] for row in rows]


def refused(answer: httpx.Response, status: int, words: str) -> None:
    assert answer.status_code == status, answer.text
    assert words in answer.text


async def test_two_people_publish_and_the_public_sees_it_at_the_moment_that_was_set(
    staff_app: StaffApp, desktop: Page, second_desktop: Page, guard: Guard
) -> None:
    await cast(staff_app, VOTES)
    async with public_site(staff_app.settings, staff_app.clock) as reader:
        public = str(reader.base_url)
        guard.allow_origin(public)
        await staff_app.sign_in(desktop, "tally_clerk", ADDRESS)
        assert await desktop.locator(".checks .done").count() == 5
        assert "可以确认" in await desktop.locator("#safety + .notice").inner_text()
        await assert_accessible(desktop)
        await assert_nothing_lost(desktop)
        await tab_to(desktop, "批准后立即")
        await desktop.keyboard.press("ArrowDown")
        assert await desktop.locator("#when-moment").is_checked()
        await tab_to(desktop, "提请公布")
        await desktop.keyboard.press("Enter")
        await desktop.wait_for_url("**?done=proposed")
        own = desktop.locator("article", has_text="公布第 1 版")
        assert "须由另一位同事批准" in await own.inner_text()
        assert await own.get_by_role("button").all_inner_texts() == ["撤回"]

        await staff_app.sign_in(second_desktop, "supervisor", ADDRESS)
        waiting = second_desktop.locator("article", has_text="公布第 1 版")
        assert "完全一致" in await waiting.inner_text()
        await press_and_confirm(second_desktop, "批准并公布")
        await second_desktop.wait_for_url("**?done=published")
        version = second_desktop.locator("article", has_text="第 1 版")
        assert "尚未公布" in await version.inner_text()
        await assert_accessible(second_desktop)
        async with second_desktop.expect_download() as waiting_for:
            await version.get_by_role("link", name="签名文件").click()
        document = (await (await waiting_for.value).path()).read_bytes()
        assert verify_document(document).document.selected == (1, 2, 3)

        moment = datetime.fromisoformat((await decisions(staff_app))[0]["payload"]["visible_from"])
        api = f"/api/v1/contests/{SLUG}/cut"
        staff_app.clock.set(moment - timedelta(seconds=4))
        assert (await reader.get(api)).status_code == 404
        await desktop.goto(f"{public}/zh/{SLUG}/cut")
        assert "尚未公布" in await desktop.get_by_role("main").inner_text()
        staff_app.clock.set(moment)
        assert (await reader.get(api)).content == document
        await desktop.reload()
        assert await desktop.get_by_role("heading", level=1).inner_text() == "入选名单（3 人）"


async def test_one_person_alone_cannot_publish_by_page_api_or_sql(staff_app: StaffApp) -> None:
    await cast(staff_app, VOTES)
    clerk = await staff_app.signed_in_client("tally_clerk")
    assert (await clerk.post(f"{ADDRESS}/proposals", data=PROPOSE)).status_code == 303
    own = (await clerk.get(ADDRESS)).text
    assert "Another person must approve it" in own
    assert "Approve and publish" not in own
    approval = f"{ADDRESS}/approvals/1/approve"
    refused(await clerk.post(approval, data={}), 409, "cannot approve it")
    as_program = staff_app.client(clerk.token, accept="application/json")
    answer = await as_program.post(approval, data={})
    assert answer.status_code == 409
    assert answer.headers["content-type"].startswith("application/problem+json")
    own_id = (await staff_app.account("tally_clerk")).id
    with pytest.raises(SecondPersonRequired), domain_errors():
        await staff_app.database.execute(
            "update approval_requests set approved_by = $1, approved_at = now() where id = 1",
            own_id,
        )
    with pytest.raises(asyncpg.CheckViolationError, match="two people"):
        await staff_app.database.execute(
            "insert into publications (contest_id, version, document, approval_id, published_at)"
            " values ($1, 1, 'x', 1, now())",
            staff_app.contest.id,
        )
    assert await publications(staff_app) == []


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("insert into publications (contest_id, version, document, approval_id, published_at)"
         " values ($1, 1, $2, $3, now())", "two people"),
        ("insert into publications (contest_id, version, document, approval_id, published_at,"
         " visible_from) values ($1, 1, $2, $3, now(), '2022-07-10T00:00:00Z')", "two people"),
    ],
)  # fmt: skip
async def test_not_even_two_people_s_word_is_good_for_another_moment(
    staff_app: StaffApp, statement: str, words: str
) -> None:
    clerk, supervisor = (
        await staff_app.account("tally_clerk"),
        await staff_app.account("supervisor"),
    )
    decision = await staff_app.database.fetchval(
        "insert into approval_requests (contest_id, kind, subject, payload, payload_hash,"
        " proposed_by, proposed_at) values ($1, 'publication', '1', $2, repeat('0', 64), $3, now())"
        " returning id",
        staff_app.contest.id,
        {
            "document_sha256": sha256(b"document").hexdigest(),
            "visible_from": "2022-07-20T00:00:00Z",
        },
        clerk.id,
    )
    await staff_app.database.execute(
        "update approval_requests set approved_by = $1, approved_at = now()", supervisor.id
    )
    with pytest.raises(asyncpg.CheckViolationError, match=words):
        await staff_app.database.execute(statement, staff_app.contest.id, b"document", decision)


async def test_who_may_look_and_who_may_act(staff_app: StaffApp) -> None:
    await cast(staff_app, VOTES)
    auditor = await staff_app.signed_in_client("auditor")
    page = await auditor.get(ADDRESS)
    assert page.status_code == 200
    assert "Propose publication" not in page.text
    refused(await auditor.post(f"{ADDRESS}/proposals", data=PROPOSE), 403, "auditor")
    clerk = await staff_app.signed_in_client("tally_clerk")
    await clerk.post(f"{ADDRESS}/proposals", data=PROPOSE)
    for act in ("approve", "decline"):
        path = f"{ADDRESS}/approvals/1/{act}"
        refused(await auditor.post(path, data={"because": "x"}), 403, "auditor")
    for role in ("administrator", "reviewer"):
        other = await staff_app.signed_in_client(role)
        assert (await other.get(ADDRESS)).status_code == 403
        assert (await other.post(f"{ADDRESS}/approvals/1/approve", data={})).status_code == 403
    nobody = staff_app.client()
    assert (await nobody.get(ADDRESS)).headers["location"].startswith("/sign-in")
    assert (await decisions(staff_app))[0]["approved_by"] is None


async def test_an_expired_or_stolen_session_cannot_publish(staff_app: StaffApp) -> None:
    await cast(staff_app, VOTES)
    clerk = await staff_app.signed_in_client("tally_clerk")
    await clerk.post(f"{ADDRESS}/proposals", data=PROPOSE)
    supervisor = await staff_app.signed_in_client("supervisor")
    approval = f"{ADDRESS}/approvals/1/approve"
    staff_app.clock.set(staff_app.clock() + timedelta(minutes=5, seconds=1))
    thief = staff_app.client(supervisor.token)
    answer = await thief.post(approval, data={})
    assert (answer.status_code, answer.headers["location"][:9]) == (303, "/confirm?")
    refused(await thief.post("/confirm", data={"proof": "a guess", "next": ADDRESS}), 401, "wrong")
    assert (await thief.post(approval, data={})).headers["location"].startswith("/confirm")
    as_program = staff_app.client(supervisor.token, accept="application/json")
    assert (await as_program.post(approval, data={})).status_code in {401, 403}
    staff_app.clock.set(staff_app.clock() + timedelta(minutes=31))
    answer = await supervisor.post(approval, data={})
    assert answer.headers["location"].startswith("/sign-in")
    assert await publications(staff_app) == []


async def test_posts_from_elsewhere_and_other_contests_decisions_are_refused(
    staff_app: StaffApp,
) -> None:
    await cast(staff_app, VOTES)
    clerk = await staff_app.signed_in_client("tally_clerk")
    await clerk.post(f"{ADDRESS}/proposals", data=PROPOSE)
    supervisor = await staff_app.signed_in_client("supervisor")
    approval = f"{ADDRESS}/approvals/1/approve"
    unmarked = await supervisor.post(
        approval, content=b"", headers={"content-type": "application/x-www-form-urlencoded"}
    )
    assert unmarked.status_code == 403
    elsewhere = staff_app.client(supervisor.token, origin="https://evil.example")
    assert (await elsewhere.post(approval, data={})).status_code == 403
    key = staff_app.settings.master_key.get_secret_value()
    await store_contest(staff_app.database, key, slug="other", opens_at=OPENS, closes_at=CLOSES)
    await staff_app.refresh()
    for act in ("approve", "decline"):
        path = f"/contests/other/publication/approvals/1/{act}"
        answer = await supervisor.post(path, data={"because": "x"})
        assert answer.status_code == 404
    assert await publications(staff_app) == []


async def test_a_hold_keeps_the_cut_back_and_the_page_names_it(
    staff_app: StaffApp, desktop: Page
) -> None:
    await cast(staff_app, VOTES, held=2)
    ids = await staff_app.database.fetch("select ballot_id from ballots where disposition = 1")
    await create_hold(
        staff_app.database,
        staff_app.contest,
        NewHold(
            [row["ballot_id"] for row in ids],
            kind="campaign",
            source="forensics",
            label="campaign-1",
            evidence=HoldEvidence(sentence=Text(zh="证据", en="evidence")),
        ),
        actor="forensics",
        now=DRAINED,
    )
    await staff_app.sign_in(desktop, "tally_clerk", f"{ADDRESS}?recount=yes")
    safety = await desktop.locator("section", has=desktop.locator("#safety")).inner_text()
    assert "不能确认" in safety
    assert "存疑选票批次 1" in safety
    assert await desktop.locator(".line-picture rect").count() == 5
    assert await desktop.get_by_role("heading", name="提请公布").count() == 0
    await assert_accessible(desktop)
    clerk = await staff_app.signed_in_client("tally_clerk")
    refused(
        await clerk.post(f"{ADDRESS}/proposals", data=PROPOSE), 409, "1 holds are not ruled on (1)"
    )
    facts = (await clerk.get(f"{ADDRESS}.json")).json()
    assert facts["safety"]["must_rule"] == [1]
    assert facts["safety"]["certifiable"] is False
    assert [check["name"] for check in facts["checks"] if not check["done"]] == [
        "recounted",
        "reconciled",
        "holds ruled",
    ]


async def test_a_tie_is_resolved_by_two_people_before_the_document(staff_app: StaffApp) -> None:
    await cast(staff_app, TIED)
    clerk = await staff_app.signed_in_client("tally_clerk")
    supervisor = await staff_app.signed_in_client("supervisor")
    assert "Decide the tie" in (await clerk.get(ADDRESS)).text
    refused(await clerk.get(f"{ADDRESS}/preview"), 409, "3, 4")
    for wrong in ({"place-3": "1", "place-4": "1"}, {"place-3": "1"}, {"drawn": "5"}):
        assert (await clerk.post(f"{ADDRESS}/tie", data=wrong)).status_code == 422
    order = {"place-3": "2", "place-4": "1"}
    assert (await clerk.post(f"{ADDRESS}/tie", data=order)).status_code == 303
    assert "Order of the tied candidates 3,4" in (await supervisor.get(ADDRESS)).text
    await supervisor.post(f"{ADDRESS}/approvals/1/approve", data={})
    assert "order: 4, 3" in (await clerk.get(f"{ADDRESS}/preview")).text
    await clerk.post(f"{ADDRESS}/proposals", data=PROPOSE)
    await supervisor.post(f"{ADDRESS}/approvals/2/approve", data={})
    (document,) = await publications(staff_app)
    assert verify_document(document).document.selected == (1, 2, 4)


async def test_a_correction_is_a_new_version_and_the_old_one_stays_readable(
    staff_app: StaffApp,
) -> None:
    await cast(staff_app, VOTES)
    clerk = await staff_app.signed_in_client("tally_clerk")
    supervisor = await staff_app.signed_in_client("supervisor")
    await clerk.post(f"{ADDRESS}/proposals", data=PROPOSE)
    await supervisor.post(f"{ADDRESS}/approvals/1/approve", data={})
    refused(await clerk.post(f"{ADDRESS}/proposals", data=PROPOSE), 409, "nothing has changed")
    await insert_ballots(staff_app.database, staff_app.contest, [StoredBallot([4])] * 2)
    refused(await clerk.post(f"{ADDRESS}/proposals", data=PROPOSE), 422, "why it is corrected")
    assert "In: 4; out: 3." in (await clerk.get(f"{ADDRESS}/preview")).text
    reasons = {"reason_zh": "补计两张", "reason_en": "two were left out"}
    moment = (staff_app.clock() + timedelta(hours=2)).astimezone(staff_app.contest.zone)
    moment = moment.replace(second=0, microsecond=0)
    later = {"when": "moment", "moment": moment.strftime("%Y-%m-%dT%H:%M"), **reasons}
    assert (await clerk.post(f"{ADDRESS}/proposals", data=later)).status_code == 303
    assert "two were left out" in (await supervisor.get(ADDRESS)).text
    await supervisor.post(f"{ADDRESS}/approvals/2/approve", data={})
    first, second = await publications(staff_app)
    async with public_site(staff_app.settings, staff_app.clock) as reader:
        api = f"/api/v1/contests/{SLUG}/cut"
        assert (await reader.get(api)).content == first
        assert (await reader.get(api, params={"version": 2})).status_code == 404
        staff_app.clock.set(moment - timedelta(seconds=3))
        assert (await reader.get(api)).headers["cache-control"] == "public, max-age=2"
        staff_app.clock.set(moment)
        assert (await reader.get(api)).content == second
        assert (await reader.get(api, params={"version": 1})).content == first
        for wrong in ("3", "0", "x", "1' or 1=1", "99999999999"):
            assert (await reader.get(api, params={"version": wrong})).status_code == 404
        page = (await reader.get(f"/en/{SLUG}/cut")).text
        assert page.index("two were left out") < page.index("<tbody"), "above fifty rows"
        assert "Added to the list: 4." in page
        assert f'href="/en/{SLUG}/cut?version=1"' in page
        old = (await reader.get(f"/en/{SLUG}/cut", params={"version": 1})).text
        assert "This is version 1. Version 2 corrects it." in old
        assert f"/api/v1/contests/{SLUG}/cut?version=1" in old
    acts = await staff_app.database.fetch(
        "select actor, act from audit_log where act in ('proposed', 'approved', 'published')"
        " order by entry"
    )
    assert [tuple(row) for row in acts] == 2 * [
        ("tally_clerk-1", "proposed"),
        ("supervisor-1", "approved"),
        ("supervisor-1", "published"),
    ]


async def test_moments_that_cannot_be_meant(staff_app: StaffApp) -> None:
    await cast(staff_app, VOTES)
    clerk = await staff_app.signed_in_client("tally_clerk")
    now = staff_app.clock().astimezone(staff_app.contest.zone)
    for moment in (
        now - timedelta(minutes=5),
        now + timedelta(days=91),
    ):
        form = {"when": "moment", "moment": moment.strftime("%Y-%m-%dT%H:%M")}
        refused(await clerk.post(f"{ADDRESS}/proposals", data=form), 422, "90 days")
    for form in (
        {},
        {"when": "moment"},
        {"when": "moment", "moment": "tomorrow"},
        {"when": "moment", "moment": "2022-07-10T13:00+00:00"},
    ):
        refused(await clerk.post(f"{ADDRESS}/proposals", data=form), 422, "a date and time")
    assert await decisions(staff_app) == []


async def test_a_proposal_is_declined_with_its_reason(staff_app: StaffApp) -> None:
    await cast(staff_app, VOTES)
    clerk = await staff_app.signed_in_client("tally_clerk")
    supervisor = await staff_app.signed_in_client("supervisor")
    await clerk.post(f"{ADDRESS}/proposals", data=PROPOSE)
    path = f"{ADDRESS}/approvals/1/decline"
    refused(await supervisor.post(path, data={"because": " "}), 422, "give a reason")
    assert (await supervisor.post(path, data={"because": "too early"})).status_code == 303
    refused(await supervisor.post(f"{ADDRESS}/approvals/1/approve", data={}), 409, "too early")
    assert await publications(staff_app) == []


async def test_the_announcement_is_given_out_and_recorded(staff_app: StaffApp) -> None:
    await cast(staff_app, VOTES)
    clerk = await staff_app.signed_in_client("tally_clerk")
    supervisor = await staff_app.signed_in_client("supervisor")
    await clerk.post(f"{ADDRESS}/proposals", data=PROPOSE)
    await supervisor.post(f"{ADDRESS}/approvals/1/approve", data={})
    auditor = await staff_app.signed_in_client("auditor")
    answer = await auditor.get(f"{ADDRESS}/versions/1.pdf")
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF")
    assert (await auditor.get(f"{ADDRESS}/versions/2.pdf")).status_code == 404
    row = await staff_app.database.fetchrow(
        "select actor, subject, details from audit_log where act = 'exported'"
    )
    assert row is not None
    (document,) = await publications(staff_app)
    assert tuple(row) == (
        "auditor-1",
        "version 1, announcement",
        {"document_sha256": sha256(document).hexdigest()},
    )
