"""An expert's sheet, candidate by candidate: nothing given is lost, and what is said is true."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping

import asyncpg
import msgspec
import pytest

from tests.sites.console.running_staff_app import StaffApp, StaffClient
from tests.sites.nomination.panel.panel_data import EXPERTS, PANEL, SMALL, Chosen, ladder
from voting_service.errors import Refused
from voting_service.infrastructure.postgres.pool import connect
from voting_service.nomination.panel.model import SCORING
from voting_service.nomination.panel.repository import SheetAccess, load_own_sheet, load_panel
from voting_service.nomination.panel.service import SubmittedSheet, reopen_sheet, withdraw_conflict
from voting_service.staff.accounts.model import Role
from voting_service.staff.actor import Actor


def points(number: int, first: str, second: str, **more: str) -> dict[str, str]:
    return {"round": "1", f"points-{number}-c1": first, f"points-{number}-c2": second, **more}


def place(page: str, number: int) -> str:
    """The state of a candidate in the strip: scored, open or excluded."""
    match = re.search(rf'name="go" value="{number}" class="place (\w+)"', page)
    assert match
    return match[1]


@pytest.fixture
async def expert(chosen: Chosen) -> StaffClient:
    """The first expert; the second of the seven chairs."""
    await chosen.seat_seven()
    chair = await chosen.staff_app.account("expert", EXPERTS[1])
    await chosen.set_rules(msgspec.structs.replace(SMALL, chair=chair.id))
    return chosen.client(EXPERTS[0])


async def test_points_are_saved_candidate_by_candidate(chosen: Chosen, expert: StaffClient) -> None:
    at = f"{PANEL}/candidates"
    first = (await expert.get(f"{at}/1")).text
    for part in ('id="points-1-c1"', "/large", "Next: 2", "0 to 50"):
        assert part in first, part
    assert "evidence, p." in (await expert.get(f"{at}/3")).text
    assert place(first, 1) == "open"
    saved = await expert.post(f"{at}/1", data=points(1, "９８．５", "４０", go="2"))
    assert saved.headers["location"].endswith("/candidates/2")
    assert place((await expert.get(f"{at}/2")).text, 1) == "scored"
    wrong = await expert.post(f"{at}/2", data=points(2, "101", "39", go="3"))
    assert wrong.status_code == 422
    fault = re.search(r'id="fault-points-2-c1"[^>]*>([^<]+)<', wrong.text)
    assert fault and "0 to 100" in fault[1]
    assert 'value="101"' in wrong.text
    assert "Draft saved" in wrong.text
    again = (await expert.get(f"{at}/2")).text
    assert 'value="39"' in again
    assert 'value="98.5"' in (await expert.get(f"{at}/1")).text
    assert place(again, 2) == "open"
    sheet = (await expert.get(f"{PANEL}/sheet")).text
    assert "Candidates not fully scored yet: 29" in sheet
    home = (await expert.get(PANEL)).text
    assert "1 of 30 candidates scored" in home
    named = re.findall(
        r'<a class="button place \w+"[^>]*><span>(\d+) [^<]+</span> <span class="kind">([^<]+)<',
        home,
    )
    assert dict(named[:3]) == {"1": "scored", "2": "not fully scored", "3": "not scored"}
    other_round = await expert.post(f"{at}/2", data={**points(2, "90", "39"), "round": "2"})
    assert "Another round has begun" in other_round.text
    assert (await expert.post(f"{at}/31", data=points(31, "90", "39"))).status_code == 404


async def test_the_home_of_the_chair_names_who_is_missing(
    chosen: Chosen, expert: StaffClient
) -> None:
    chair = (await chosen.client(EXPERTS[1]).get("/")).text
    own = (await expert.get("/")).text
    led = re.compile(f'<a href="{PANEL}">(.*?)</a>')
    absent = [name for name in EXPERTS if name != EXPERTS[1]]
    [line] = [link for link in led.findall(chair) if absent[0] in link]
    assert all(name in line for name in absent) and EXPERTS[1] not in line
    assert not [link for link in led.findall(own) if absent[1] in link]
    assert (len(led.findall(chair)), len(led.findall(own))) == (2, 1), "and their own scores"


async def test_saves_at_once_lose_nothing(staff_app: StaffApp, chosen: Chosen) -> None:
    """A page that is left saves while the next one does."""
    await chosen.seat_seven()
    await chosen.set_rules()
    script = staff_app.client(chosen.tokens[EXPERTS[0]], accept="application/json")
    answers = await asyncio.gather(
        *(
            script.post(f"{PANEL}/candidates/{n}", data=points(n, str(60 + n), "40"))
            for n in range(1, 9)
        )
    )
    assert [answer.json()["scored"] for answer in answers] == [[n] for n in range(1, 9)]
    access = SheetAccess(chosen.tokens[EXPERTS[0]], chosen.selection, SCORING)
    kept = await load_own_sheet(staff_app.database, access)
    assert kept == {str(n): {"c1": str(60 + n), "c2": "40"} for n in range(1, 9)}


async def test_points_survive_an_expired_session(
    staff_app: StaffApp, chosen: Chosen, expert: StaffClient
) -> None:
    address = f"{PANEL}/candidates/7"
    page = (await expert.get(address)).text
    token = re.search(r'name="csrf" value="([^"]+)"', page)
    assert token
    owner = await connect(staff_app.settings.migration_url)
    await owner.execute("update staff_sessions set ended_at = now()")
    await owner.close()
    form = {**points(7, "８７", "44", go="8"), "csrf": token[1]}
    refused = await expert.post(address, data=form, headers={"accept": "text/html"})
    assert refused.headers["location"].startswith("/sign-in?next=")
    chosen.tokens[EXPERTS[0]] = await staff_app.token("expert", EXPERTS[0])
    back = (await chosen.client(EXPERTS[0]).get(address)).text
    assert 'value="87"' in back
    assert 'value="44"' in back
    assert "data-kept" in back
    assert 'data-save-status role="status"></span>' in back, "it does not say that it is saved"


async def test_a_renewed_account_uncovers_nothing_by_saving(
    staff_app: StaffApp, chosen: Chosen, expert: StaffClient
) -> None:
    await expert.post(f"{PANEL}/candidates/1", data=points(1, "98", "40"))
    owner = await connect(staff_app.settings.migration_url)
    await owner.execute("update accounts set renewed_at = clock_timestamp() where role = 'expert'")
    await owner.close()
    await expert.post(f"{PANEL}/candidates/2", data=points(2, "96", "40"))
    access = SheetAccess(chosen.tokens[EXPERTS[0]], chosen.selection, SCORING)
    assert await load_own_sheet(staff_app.database, access) == {"2": {"c1": "96", "c2": "40"}}


async def test_a_recusal_is_confirmed_and_undone_and_both_are_recorded(
    staff_app: StaffApp, chosen: Chosen, expert: StaffClient
) -> None:
    at, home = f"{PANEL}/candidates/9", f"{PANEL}/conflicts"
    await expert.post(at, data=points(9, "82", "40"))
    declared = await expert.post(home, data={"number": "9", "reason": "师徒"})
    assert declared.headers["location"].endswith("/candidates/9?done=declared")
    page = (await expert.get(at)).text
    assert "points-9-c1" not in page
    assert place(page, 9) == "excluded"
    assert "Yes, withdraw it" in page
    assert (await expert.post(at, data=points(9, "82", "40"))).status_code == 409
    assert (await expert.post(f"{home}/withdraw", data={"number": "9"})).status_code == 303
    back = (await expert.get(at)).text
    assert 'value="82"' in back, "the points given before are there again"
    assert (await expert.post(f"{home}/withdraw", data={"number": "9"})).status_code == 409
    await expert.post(home, data={"number": "9", "reason": "again"})
    recorded = await staff_app.database.fetch(
        "select act from audit_log where act like 'conflict%' order by entry"
    )
    assert [row[0] for row in recorded] == [
        "conflict_declared",
        "conflict_withdrawn",
        "conflict_declared",
    ]
    assert await staff_app.database.fetchval("select count(*) from nomination.panel_conflicts") == 2
    await chosen.submit_sheet(EXPERTS[0], ladder(without=[9]))
    late = await expert.post(f"{home}/withdraw", data={"number": "9"})
    assert "reopen" in late.text
    panel = await load_panel(staff_app.database, chosen.selection, staff_app.clock())
    other = await staff_app.account("expert", EXPERTS[1])
    actor = Actor(staff_app.database, other, staff_app.clock())
    with pytest.raises(Refused, match="nothing to withdraw"):
        await withdraw_conflict(actor, panel, chosen.tokens[EXPERTS[1]], 9)


@pytest.mark.parametrize("change", ["withdrawn_at = null", "number = 8", "reason = null"])
async def test_a_recorded_conflict_does_not_change(
    staff_app: StaffApp, chosen: Chosen, expert: StaffClient, change: str
) -> None:
    await expert.post(f"{PANEL}/conflicts", data={"number": "9", "reason": "x"})
    await expert.post(f"{PANEL}/conflicts/withdraw", data={"number": "9"})
    update = f"update nomination.panel_conflicts set {change}"
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await staff_app.database.execute(update)
    owner = await connect(staff_app.settings.migration_url)
    with pytest.raises(asyncpg.CheckViolationError, match="not changed"):
        await owner.execute(update)
    await owner.close()


async def test_a_submitted_sheet_is_shown_and_reopened_until_the_round_ends(
    staff_app: StaffApp, chosen: Chosen, expert: StaffClient
) -> None:
    chair, other = chosen.client(EXPERTS[1]), chosen.client(EXPERTS[2])
    reviewer = await staff_app.signed_in_client("reviewer")
    account = await staff_app.account("expert", EXPERTS[0])
    reopen = {"round": "1", "expert": str(account.id)}
    assert (await reviewer.post(f"{PANEL}/reopen", data=reopen)).status_code == 409
    await chosen.submit_sheet(EXPERTS[0], ladder())
    for path in ("sheet", "candidates/1"):
        shown = (await expert.get(f"{PANEL}/{path}")).text
        assert 'name="points-' not in shown
        assert ">98<" in shown
    assert (await other.post(f"{PANEL}/reopen", data=reopen)).status_code == 409
    assert (await expert.post(f"{PANEL}/reopen", data=reopen)).status_code == 409
    admin = await staff_app.signed_in_client("administrator")
    assert (await admin.post(f"{PANEL}/reopen", data=reopen)).status_code == 403
    for leader, points_kept in ((chair, "98"), (reviewer, "97")):
        page = (await leader.get(PANEL)).text
        assert "Yes, reopen it" in page
        shown = re.sub(r'value="[^"]*"', "", page[page.index("<main") :])
        assert points_kept not in shown, "no points are shown"
        assert (await leader.post(f"{PANEL}/reopen", data=reopen)).status_code == 303
        assert "reopened on" in (await expert.get(PANEL)).text
        assert f'value="{points_kept}"' in (await expert.get(f"{PANEL}/candidates/1")).text
        await chosen.submit_sheet(EXPERTS[0], {1: ("97", "40")})
    for name in EXPERTS[1:]:
        await chosen.submit_sheet(name, ladder())
    late = await reviewer.post(f"{PANEL}/reopen", data=reopen)
    assert "round is over" in late.text
    acts = "select count(*) from audit_log where act = 'scores_reopened'"
    assert await staff_app.database.fetchval(acts) == 2
    panel = await load_panel(staff_app.database, chosen.selection, staff_app.clock())
    actor = Actor(staff_app.database, await staff_app.account("reviewer"), staff_app.clock())
    with pytest.raises(Refused, match="only staff of the joint office"):
        token = await staff_app.token("administrator")
        await reopen_sheet(actor, panel, token, SubmittedSheet(1, account.id))


async def test_the_chair_sees_how_far_everybody_is_and_nobody_s_scores(
    staff_app: StaffApp, chosen: Chosen, expert: StaffClient
) -> None:
    await chosen.submit_sheet(EXPERTS[0], {1: ("98", "40"), 2: ("96", "40")}, submit=False)
    await expert.post(f"{PANEL}/candidates/3", data=points(3, "94", ""))
    await expert.post(f"{PANEL}/conflicts", data={"number": "2"})
    await chosen.submit_sheet(EXPERTS[2], ladder())
    reviewer = await staff_app.signed_in_client("reviewer")
    for leader in (chosen.client(EXPERTS[1]), reviewer):
        page = (await leader.get(PANEL)).text
        assert "1 of 29 scored" in page, "without who is excluded and who lacks a criterion"
        assert page.count("Not started") == 5
        assert page.count("state counted") == 1
    assert "Not started" not in (await expert.get(PANEL)).text


async def test_who_may_end_a_round(
    staff_app: StaffApp, chosen: Chosen, expert: StaffClient
) -> None:
    """The joint office and the chair propose; the joint office
    approves; administrators do neither, by no
    statement."""
    for name in EXPERTS[:5]:
        await chosen.submit_sheet(name, ladder())
    database, now = staff_app.database, staff_app.clock()
    insert = (
        "insert into approval_requests (selection_id, kind, subject, payload, payload_hash,"
        " proposed_by, proposed_at) values ($1, 'panel', $2, $3, repeat('0', 64), $4, $5)"
        " returning id"
    )
    roles: Mapping[str, Role] = {
        "administrator-1": "administrator",
        "auditor-1": "auditor",
        "tally_clerk-1": "tally_clerk",
        EXPERTS[0]: "expert",
        EXPERTS[1]: "expert",
    }
    people = {name: (await staff_app.account(role, name)).id for name, role in roles.items()}
    close = {"round": 1, "absent": []}
    for name in ("administrator-1", "auditor-1", "tally_clerk-1", EXPERTS[0]):
        with pytest.raises(asyncpg.CheckViolationError, match="may not decide"):
            await database.execute(insert, chosen.selection.id, "close/1", close, people[name], now)
    chair = people[EXPERTS[1]]
    with pytest.raises(asyncpg.CheckViolationError, match="may not decide"):
        await database.execute(insert, chosen.selection.id, "rules/9", {}, chair, now)
    refused = await expert.post(f"{PANEL}/close", data={"round": "1"})
    assert "only the chair" in refused.text
    proposed = await chosen.client(EXPERTS[1]).post(f"{PANEL}/close", data={"round": "1"})
    assert proposed.status_code == 303, proposed.text
    request = await database.fetchval("select max(id) from approval_requests")
    approve = "update approval_requests set approved_by = $2, approved_at = now() where id = $1"
    for name in ("administrator-1", "auditor-1", EXPERTS[0], EXPERTS[1]):
        with pytest.raises(asyncpg.CheckViolationError):
            await database.execute(approve, request, people[name])
    own = f"{PANEL}/approvals/{request}"
    assert (await chosen.client(EXPERTS[1]).post(f"{own}/approve", data={})).status_code == 403
    supervisor = await staff_app.signed_in_client("supervisor")
    assert (await supervisor.post(f"{own}/approve", data={})).status_code == 303
    assert await database.fetchval("select nomination.round_ended($1, 1)", chosen.selection.id)


async def test_the_chair_is_one_of_the_experts_and_named_by_two(
    staff_app: StaffApp, chosen: Chosen
) -> None:
    await chosen.seat_seven()
    reviewer = await staff_app.signed_in_client("reviewer")
    clerk = await staff_app.account("tally_clerk")
    form = {
        "name-1-zh": "技能", "name-1-en": "Skill", "weight-1": "1", "most-1": "１００",
        "method": "mean", "minimum_experts": "5",
    }  # fmt: skip
    refused = await reviewer.post(f"{PANEL}/rules", data={**form, "chair": str(clerk.id)})
    assert "must be one of the experts" in refused.text
    rules = {**msgspec.to_builtins(SMALL), "chair": clerk.id}
    with pytest.raises(Refused, match="must be one of the experts"):
        await chosen.decide("panel", "rules/1", rules)
    chair = await staff_app.account("expert", EXPERTS[3])
    answer = await reviewer.post(f"{PANEL}/rules", data={**form, "chair": str(chair.id)})
    assert answer.status_code == 303
    assert EXPERTS[3] in (await reviewer.get(PANEL)).text


@pytest.mark.parametrize("role", ["administrator", "tally_clerk"])
async def test_other_staff_have_no_panel(staff_app: StaffApp, chosen: Chosen, role: Role) -> None:
    client = await staff_app.signed_in_client(role)
    for path in ("close", "reopen", "approvals/1/approve", "approvals/1/decline", "rules"):
        assert (await client.post(f"{PANEL}/{path}", data={})).status_code == 403
