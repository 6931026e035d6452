"""Holds and rulings at the console, as requests: who may do what, and what is refused."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import msgspec
import pytest

from tests.contest_data import store_contest, store_platform
from tests.cut_data import StoredBallot
from tests.sites.console.running_staff_app import StaffApp, StaffClient
from tests.voting.rulings.rulings_data import hold, store_ballots
from voting_service.contests.settings.approval_kinds import PLATFORM, SETTINGS, PlatformPayload
from voting_service.contests.settings.platform_terms import PlatformTerms
from voting_service.i18n.text import Text
from voting_service.infrastructure.postgres.pool import connect
from voting_service.staff.actor import Actor
from voting_service.staff.approvals.model import ApprovalKind
from voting_service.staff.approvals.repository import load_contest_approvals
from voting_service.staff.approvals.service import propose
from voting_service.voting.cut.approval_kinds import LOT, PUBLICATION, TIE_ORDER
from voting_service.voting.rulings.repository import load_hold, load_holds
from voting_service.voting.tally.repository import count_now

HOLDS = "/contests/test-2022/holds"
DECISIONS = "/contests/test-2022/approvals"
VOID = {"ruling": "void/automated_voting", "words": "核对过"}


async def questioned(staff_app: StaffApp, count: int = 3) -> tuple[int, list[bytes]]:
    """A hold of the first ballots, of candidate 1, half of them held; one more is not in it."""
    await store_platform(staff_app.database)
    await staff_app.refresh()
    opened = staff_app.contest.opens_at + timedelta(hours=1)
    stored = [StoredBallot([1], cast_at=opened, held=n % 2 == 1) for n in range(count)]
    ids = await store_ballots(
        staff_app.database, staff_app.contest, [*stored, StoredBallot([2], cast_at=opened)]
    )
    return await hold(staff_app.database, staff_app.contest, ids[:count]), ids


async def proposed(staff_app: StaffApp, client: StaffClient, hold_id: int) -> int:
    answer = await client.post(f"{HOLDS}/proposals", data={"hold": str(hold_id), **VOID})
    assert answer.headers["location"] == f"{DECISIONS}?done=proposed"
    return (await load_contest_approvals(staff_app.database, staff_app.contest.id))[-1].id


async def test_two_people_rule_a_hold(staff_app: StaffApp) -> None:
    hold_id, ids = await questioned(staff_app)
    clerk = await staff_app.signed_in_client("tally_clerk")
    supervisor = await staff_app.signed_in_client("supervisor")
    page = await clerk.get(f"{HOLDS}/{hold_id}")
    for part in ("证据", "If void", ids[0].hex(), "about 6 times"):
        assert part in page.text
    decision_id = await proposed(staff_app, clerk, hold_id)
    assert f"Select request {decision_id}" in (await supervisor.get(DECISIONS)).text
    assert f"Select request {decision_id}" not in (await clerk.get(DECISIONS)).text
    assert await count_now(staff_app.database, staff_app.contest.id) == (3, {1: 2, 2: 1})
    answer = await supervisor.post(f"{DECISIONS}/approve", data={"approval": str(decision_id)})
    assert answer.headers["location"] == f"{DECISIONS}?done=approved"
    assert await count_now(staff_app.database, staff_app.contest.id) == (1, {2: 1})
    after = await clerk.get(f"{HOLDS}/{hold_id}")
    assert "cast by a program, not by people" in after.text
    assert "in force" in after.text
    ballot = await clerk.get(f"/contests/test-2022/ballots/{ids[0].hex()}")
    assert re.search(r'class="state void" data-state>Void<', ballot.text, re.I)


async def test_the_page_states_when_the_ballots_were_last_examined(staff_app: StaffApp) -> None:
    clerk = await staff_app.signed_in_client("tally_clerk")
    assert "There has been no automatic check yet" in (await clerk.get(HOLDS)).text
    for day, ballots in ((1, 40), (2, 51_200)):
        await staff_app.database.execute(
            "insert into sweeps (contest_id, examined_at, ballots, campaigns, holds, seconds)"
            " values ($1, $2, $3, 4, 3, 1)",
            staff_app.contest.id,
            datetime(2022, 7, day, 20, tzinfo=UTC),
            ballots,
        )
    assert "51,200 ballots, 4 campaigns, 3 new holds" in (await clerk.get(HOLDS)).text


async def test_evidence_is_looked_at_on_the_record(staff_app: StaffApp) -> None:
    hold_id, ids = await questioned(staff_app)
    auditor = await staff_app.signed_in_client("auditor")
    await auditor.get(HOLDS)
    await auditor.get(f"{HOLDS}/{hold_id}")
    await auditor.get(f"/contests/test-2022/ballots/{ids[0].hex()}")
    rows = await staff_app.database.fetch(
        "select actor, subject from audit_log where act = 'viewed' order by entry"
    )
    assert [tuple(row) for row in rows] == [
        ("auditor-1", f"hold {hold_id}"),
        ("auditor-1", f"ballot {ids[0].hex()}"),
    ]


async def test_one_person_alone_cannot(staff_app: StaffApp) -> None:
    hold_id, _ = await questioned(staff_app)
    clerk = await staff_app.signed_in_client("tally_clerk")
    decision_id = await proposed(staff_app, clerk, hold_id)
    refused = await clerk.post(f"{DECISIONS}/approve", data={"approval": str(decision_id)})
    assert refused.status_code == 409
    assert "ask a second person" in refused.text
    with pytest.raises(asyncpg.CheckViolationError, match="approval_requests_two_people"):
        await staff_app.database.execute(
            "update approval_requests set approved_by = proposed_by, approved_at = now()"
        )
    assert await count_now(staff_app.database, staff_app.contest.id) == (3, {1: 2, 2: 1})


@pytest.mark.parametrize("role", ["auditor", "reviewer", "administrator"])
async def test_other_roles_change_nothing(staff_app: StaffApp, role: str) -> None:
    hold_id, ids = await questioned(staff_app)
    clerk = await staff_app.signed_in_client("tally_clerk")
    decision_id = await proposed(staff_app, clerk, hold_id)
    other = await staff_app.signed_in_client(role)  # type: ignore[arg-type]
    before = await load_contest_approvals(staff_app.database, staff_app.contest.id)
    selection = {"ballots": ids[-1].hex(), "label": "a", "why": "b"}
    for path, data in {
        f"{HOLDS}/proposals": {"hold": str(hold_id), **VOID},
        f"{DECISIONS}/approve": {"approval": str(decision_id)},
        f"{DECISIONS}/{decision_id}/decline": {"because": "no"},
        f"{HOLDS}/new": selection,
    }.items():
        assert (await other.post(path, data=data)).status_code == 403, path
    assert (await other.get(f"{HOLDS}/new")).status_code == 403
    assert (await other.get(HOLDS)).status_code == (200 if role == "auditor" else 403)
    assert await load_contest_approvals(staff_app.database, staff_app.contest.id) == before
    assert len(await load_holds(staff_app.database, staff_app.contest)) == 1


async def test_approving_asks_again_who_it_is(staff_app: StaffApp) -> None:
    hold_id, _ = await questioned(staff_app)
    clerk = await staff_app.signed_in_client("tally_clerk")
    decision_id = await proposed(staff_app, clerk, hold_id)
    supervisor = await staff_app.signed_in_client("supervisor")
    staff_app.clock.offset += timedelta(minutes=6)
    assert "/confirm?next=" in (await supervisor.get(DECISIONS)).text
    answer = await supervisor.post(f"{DECISIONS}/approve", data={"approval": str(decision_id)})
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/confirm?next=")
    assert not (await load_hold(staff_app.database, staff_app.contest, hold_id)).is_ruled


async def test_posts_from_elsewhere_and_without_the_mark_are_refused(staff_app: StaffApp) -> None:
    hold_id, _ = await questioned(staff_app)
    token = await staff_app.token("tally_clerk")
    client = staff_app.client(token)
    fields = {"hold": str(hold_id), **VOID}
    for data, headers in (
        ({"csrf": "0" * 32, **fields}, {}),
        (fields, {"origin": "https://elsewhere.example"}),
    ):
        answer = await client.post(f"{HOLDS}/proposals", data=data, headers=headers)
        assert answer.status_code == 403
    assert await load_contest_approvals(staff_app.database, staff_app.contest.id) == ()


async def test_several_holds_are_proposed_and_approved_in_one_act(staff_app: StaffApp) -> None:
    _, ids = await questioned(staff_app)
    second = await hold(staff_app.database, staff_app.contest, ids[3:], label="2")
    clerk = await staff_app.signed_in_client("tally_clerk")
    supervisor = await staff_app.signed_in_client("supervisor")
    await clerk.post(f"{HOLDS}/proposals", data={"hold": ["1", str(second)], **VOID})
    await supervisor.post(f"{DECISIONS}/approve", data={"approval": ["1", "2"]})
    holds = await load_holds(staff_app.database, staff_app.contest)
    assert [hold.state for hold in holds] == ["void", "void"]
    assert "data-holds" in (await clerk.get(f"{HOLDS}?state=void")).text
    assert "No holds match" in (await clerk.get(f"{HOLDS}?state=open")).text
    assert (await clerk.get(f"{HOLDS}?kind=unknown")).status_code == 404


async def test_a_proposal_is_declined_with_a_reason_or_withdrawn(staff_app: StaffApp) -> None:
    hold_id, _ = await questioned(staff_app)
    clerk = await staff_app.signed_in_client("tally_clerk")
    supervisor = await staff_app.signed_in_client("supervisor")
    for client, because in ((supervisor, "证据不足"), (clerk, "写错了")):
        decision_id = await proposed(staff_app, clerk, hold_id)
        path = f"{DECISIONS}/{decision_id}/decline"
        assert (await client.post(path, data={"because": " "})).status_code == 422
        answer = await client.post(path, data={"because": because})
        assert answer.headers["location"] == f"{DECISIONS}?done=declined"
        assert because in (await clerk.get(DECISIONS)).text
    assert (await load_hold(staff_app.database, staff_app.contest, hold_id)).state == "open"


async def test_single_ballots_become_a_hold(staff_app: StaffApp) -> None:
    _, ids = await questioned(staff_app)
    clerk = await staff_app.signed_in_client("tally_clerk")
    form = await clerk.get(f"{HOLDS}/new?ballot={ids[-1].hex()}")
    assert ids[-1].hex() in form.text
    data = {
        "ballots": f"{ids[-1].hex()}\r\n{ids[0].hex()} ",
        "label": "电话举报",
        "why": "来电举报",
    }
    answer = await clerk.post(f"{HOLDS}/new", data=data)
    assert answer.headers["location"] == f"{HOLDS}/2?done=made"
    made = await load_hold(staff_app.database, staff_app.contest, 2)
    assert (made.kind, made.ballots, made.source) == ("selection", 2, "tally_clerk-1")
    for wrong, message in (
        ({"ballots": "ab"}, "is not a ballot number"),
        ({"ballots": "ab" * 16}, "is not stored"),
        ({"label": ""}, "label"),
        ({"why": ""}, "why"),
    ):
        refused = await clerk.post(f"{HOLDS}/new", data={**data, **wrong})
        assert refused.status_code == 422
        assert message in refused.text
    assert len(await load_holds(staff_app.database, staff_app.contest)) == 2


async def test_what_is_of_another_contest_is_not_found(staff_app: StaffApp) -> None:
    hold_id, ids = await questioned(staff_app)
    await store_contest(
        staff_app.database, staff_app.settings.master_key.get_secret_value(), slug="b"
    )
    await staff_app.refresh()
    clerk = await staff_app.signed_in_client("tally_clerk")
    supervisor = await staff_app.signed_in_client("supervisor")
    decision_id = await proposed(staff_app, clerk, hold_id)
    for path in (f"/holds/{hold_id}", f"/ballots/{ids[0].hex()}", "/holds/99", "/ballots/ab"):
        assert (await clerk.get(f"/contests/b{path}")).status_code == 404, path
    for path, data in {
        "/holds/proposals": {"hold": str(hold_id), **VOID},
        "/approvals/approve": {"approval": str(decision_id)},
        f"/approvals/{decision_id}/decline": {"because": "no"},
    }.items():
        assert (await supervisor.post(f"/contests/b{path}", data=data)).status_code == 404, path
    selection = {"ballots": ids[0].hex(), "label": "a", "why": "b"}
    refused = await clerk.post("/contests/b/holds/new", data=selection)
    assert "but to another contest" in refused.text
    assert (await load_hold(staff_app.database, staff_app.contest, hold_id)).state == "proposed"


@pytest.mark.parametrize(
    "data",
    [
        {"hold": "1"},
        {"hold": "1", "ruling": "void/honest_crowd", "words": "x"},
        {"hold": "1", "ruling": "maybe/other", "words": "x"},
        {"hold": "x", **VOID},
        {**VOID},
        {"hold": "1", **VOID, "words": ["a", "b"]},
    ],
)
async def test_forms_that_make_no_sense_are_refused(
    staff_app: StaffApp, data: dict[str, str | list[str]]
) -> None:
    await questioned(staff_app)
    clerk = await staff_app.signed_in_client("tally_clerk")
    assert (await clerk.post(f"{HOLDS}/proposals", data=data)).status_code == 422
    assert await load_contest_approvals(staff_app.database, staff_app.contest.id) == ()


async def test_a_page_escapes_what_others_wrote(staff_app: StaffApp) -> None:
    _, ids = await questioned(staff_app)
    clerk = await staff_app.signed_in_client("tally_clerk")
    hostile = "<script>alert(1)</script>"
    await clerk.post(
        f"{HOLDS}/new", data={"ballots": ids[0].hex(), "label": hostile, "why": hostile}
    )
    for path in (HOLDS, f"{HOLDS}/2", f"/contests/test-2022/ballots/{ids[0].hex()}"):
        page = (await clerk.get(path)).text
        assert hostile not in page
        assert "&lt;script&gt;alert" in page


async def test_a_hold_s_page_states_whether_the_line_moves(staff_app: StaffApp) -> None:
    """Three go on; without its ballots candidate 1 would not."""
    await store_platform(staff_app.database)
    opened = staff_app.contest.opens_at + timedelta(hours=1)
    votes = [StoredBallot([n], cast_at=opened) for n in (1, 1, 1, 2, 2, 3, 3, 4)]
    ids = await store_ballots(staff_app.database, staff_app.contest, votes)
    hold_id = await hold(staff_app.database, staff_app.contest, ids[:3])
    clerk = await staff_app.signed_in_client("tally_clerk")
    page = (await clerk.get(f"{HOLDS}/{hold_id}")).text
    assert "If void: the top 3 change. In: 4; out: 1." in page
    assert "If counted: the top 3 stay the same." in page


async def test_sql_as_the_application_forges_nothing(staff_app: StaffApp) -> None:
    hold_id, ids = await questioned(staff_app)
    clerk = await staff_app.signed_in_client("tally_clerk")
    await staff_app.account("auditor")
    await staff_app.account("supervisor")
    await proposed(staff_app, clerk, hold_id)
    application = await connect(staff_app.settings.database_url)
    for statement in (
        "insert into rulings values (1, 1, 1, 1, 'void', now())",
        "insert into ruling_effects values (1, 1, now(), now(), 1, 1, 0, 1)",
        "update ruling_effects set void = 0",
        "delete from rulings",
        "delete from holds",
        "update holds set ballots_hash = ''",
        "update hold_votes set held = 0",
        "insert into holds (created_xid) values ('1')",
        "update approval_requests set payload = '{}'",
        "update tally_audits set difference = 0",
    ):
        with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.CheckViolationError)):
            await application.execute(statement)
    with pytest.raises(asyncpg.CheckViolationError, match="fixed once it is made"):
        await application.execute(
            "insert into hold_ballots (contest_id, hold_id, ballot_id) values (1, $1, $2)",
            hold_id,
            ids[-1],
        )
    for who in ("auditor-1", "tally_clerk-1"):
        with pytest.raises(asyncpg.CheckViolationError):
            await application.execute(
                "update approval_requests set approved_at = now(), approved_by ="
                " (select id from accounts where name = $1)",
                who,
            )
    await application.execute("update accounts set disabled = true where name = 'supervisor-1'")
    with pytest.raises(asyncpg.CheckViolationError, match="may not decide on this proposal"):
        await application.execute(
            "update approval_requests set approved_at = now(), approved_by ="
            " (select id from accounts where name = 'supervisor-1')"
        )
    await application.close()
    assert await count_now(staff_app.database, staff_app.contest.id) == (3, {1: 2, 2: 1})


async def test_refusals_are_shown_in_the_language_of_the_page(staff_app: StaffApp) -> None:
    hold_id, _ = await questioned(staff_app)
    token = await staff_app.token("tally_clerk")
    english, chinese = (
        staff_app.client(token),
        staff_app.client(token, **{"accept-language": "zh-CN"}),
    )
    await proposed(staff_app, english, hold_id)
    again = {"hold": str(hold_id), **VOID}
    page = (await english.post(f"{HOLDS}/proposals", data=again)).text
    assert "already proposed this" in page
    page = (await chinese.post(f"{HOLDS}/proposals", data=again)).text
    assert "tally_clerk-1已提请同样的审批（事项 1），请由另一位同事批准。" in page
    assert "data-refused" in page
    page = (await chinese.post(f"{HOLDS}/proposals", data={**again, "ruling": ""})).text
    assert "请选择裁定及其理由。" in page
    assert "has no hold" not in (await chinese.get(f"{HOLDS}/999")).text


CHANGE = {
    "setting": "closes_at",
    "revision": 1,
    "from": "2022-07-18T12:00:00Z",
    "to": "2022-07-19T12:00:00Z",
    "reason": {"zh": "推迟", "en": "Postponed"},
}


OFF = PlatformTerms(Text("演示", "Demo"), "jwt", {"keys": []}, enabled=False)
SWITCH_ON = PlatformPayload(
    "demo", 1, OFF, msgspec.structs.replace(OFF, enabled=True), False, Text("恢复", "Back")
)


async def test_every_kind_of_decision_is_listed_in_words(staff_app: StaffApp) -> None:
    hold_id, _ = await questioned(staff_app)
    await proposed(staff_app, await staff_app.signed_in_client("tally_clerk"), hold_id)
    clerk = await staff_app.account("tally_clerk")
    others: list[tuple[ApprovalKind[Any], str, dict[str, Any]]] = [
        (PUBLICATION, "1", {"document_sha256": "0" * 64}),
        (TIE_ORDER, "1,2", {"order": [2, 1]}),
        (LOT, "3,4", {"drawn": "17"}),
        (SETTINGS, "closes_at/1", CHANGE),
        (PLATFORM, "demo/1", msgspec.to_builtins(SWITCH_ON)),
    ]
    for kind, subject, payload in others:
        await propose(
            Actor(staff_app.database, clerk, staff_app.clock()),
            staff_app.contest,
            kind=kind,
            subject=subject,
            payload=payload,
        )
    chinese = staff_app.client(await staff_app.token("supervisor"), **{"accept-language": "zh-CN"})
    decisions, home = (await chinese.get(DECISIONS)).text, (await chinese.get("/")).text
    for words in (
        f"存疑选票批次 {hold_id}（",
        "3 张）：作废，程序自动投票",
        "公布第 1 版，批准后立即公布",
        "1,2 号的排序：2, 1",
        "3,4 号的抽签结果：17",
        "修改设置：投票截止时间",
    ):
        assert words in decisions
        assert words in home
    assert "demo" in decisions
    assert "另有 1 项待批准" in home
