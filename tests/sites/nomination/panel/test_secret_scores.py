"""Who may write and read scores, whatever the programs do."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO

import asyncpg
import msgspec
import pytest
from docx import Document
from openpyxl import load_workbook

from tests.sites.console.running_staff_app import PASSWORD, StaffApp
from tests.sites.nomination.panel.panel_data import (
    DOCUMENTS,
    EXPERTS,
    PANEL,
    SMALL,
    Chosen,
    ladder,
)
from voting_service.demo.embedded_postgres import PROCESSES, EmbeddedPostgres
from voting_service.errors import NotSignedIn, Refused, SecondPersonRequired
from voting_service.infrastructure.postgres.pool import connect, domain_errors
from voting_service.nomination.awards.minutes_data import Meeting, build_minutes
from voting_service.nomination.panel.conflicts import insert_declared_conflict
from voting_service.nomination.panel.model import BALLOT, SCORING
from voting_service.nomination.panel.outcome import load_panel_outcome, winners_and_nominees
from voting_service.nomination.panel.repository import (
    SheetAccess,
    load_own_sheet,
    load_panel,
    read_sheets,
    save_sheet,
)
from voting_service.staff.accounts.sessions import hash_token
from voting_service.staff.accounts.sign_in import know_password


@pytest.mark.parametrize(
    "statement",
    [
        "select content from nomination.panel_sheets",
        "select * from nomination.panel_sheets",
        "select s from nomination.panel_sheets s",
        "select to_jsonb(s) from nomination.panel_sheets s",
        "copy nomination.panel_sheets to stdout",
        "create view pg_temp.peek as table nomination.panel_sheets; table pg_temp.peek",
        "update nomination.panel_sheets set content = '{}' returning content",
        "delete from nomination.panel_sheets returning content",
        "insert into nomination.panel_rounds (selection_id, round, ended_at) values (1, 1, now())",
        "insert into nomination.panel_sheets values (1, 1, 1, '{}', now(), now())",
        "insert into nomination.awards values (1, 1, 1, 'winner', 1)",
        "insert into nomination.experts values (1, 1, 'an employer', null, now())",
        "select nomination.end_round_if_all_in(1::smallint, 1)",
        "alter table nomination.panel_sheets owner to current_user",
        "create function pg_temp.peek() returns jsonb language sql security definer as"
        " 'select content from nomination.panel_sheets limit 1'; select pg_temp.peek()",
    ],
)
async def test_secret_scores_are_not_read_or_unsealed_by_sql(
    staff_app: StaffApp, chosen: Chosen, statement: str
) -> None:
    await chosen.seat_seven()
    await chosen.set_rules()
    await chosen.submit_sheet("expert-a", ladder())
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await staff_app.database.execute(statement)


async def test_scores_stay_secret_until_all_are_in(staff_app: StaffApp, chosen: Chosen) -> None:
    await chosen.seat_seven()
    await chosen.set_rules()
    database, selection = staff_app.database, chosen.selection
    for name in EXPERTS[:-1]:
        await chosen.submit_sheet(name, ladder())
        with pytest.raises(Refused, match="Scores are secret until"):
            await read_sheets(database, selection, SCORING)
    auditor = await staff_app.signed_in_client("auditor")
    refused = await auditor.get(f"{PANEL}/scores.json")
    assert (refused.status_code, "secret" in refused.text) == (409, True)
    for suffix in ("xlsx", "docx", "pdf"):
        assert (await auditor.get(f"{PANEL}/scores.{suffix}")).status_code == 409
    assert "Panel scores" not in (await auditor.get(PANEL)).text
    await chosen.submit_sheet(EXPERTS[-1], ladder())
    assert len(await read_sheets(database, selection, SCORING)) == 7
    opened = (await auditor.get(f"{PANEL}/scores.json")).json()
    assert [standing["number"] for standing in opened["standings"]] == list(range(1, 31))
    assert opened["standings"][0]["rounded"] == "90.80"
    assert not any(name in str(opened) for name in EXPERTS)


async def test_a_sheet_is_its_expert_s_own(staff_app: StaffApp, chosen: Chosen) -> None:
    await chosen.seat_seven()
    await chosen.set_rules()
    await chosen.submit_sheet("expert-a", ladder(), submit=False)
    database, selection = staff_app.database, chosen.selection
    own = await load_own_sheet(database, SheetAccess(chosen.tokens["expert-a"], selection, SCORING))
    assert own is not None
    assert own["1"] == {"c1": "98", "c2": "40"}
    assert (
        await load_own_sheet(database, SheetAccess(chosen.tokens["expert-b"], selection, SCORING))
        is None
    )
    stored_hash = await database.fetchval("select encode(token_hash, 'hex') from staff_sessions")
    reviewer = await staff_app.token("reviewer")
    for token in ("", stored_hash, reviewer):
        access = SheetAccess(token, selection, SCORING)
        with pytest.raises(Refused, match="own session"):
            await load_own_sheet(database, access)
        with pytest.raises(Refused, match="own session"):
            await save_sheet(database, access, {}, submit=False)


@pytest.mark.parametrize(
    "aged",
    ["last_seen_at = now() - interval '31 minutes'", "opened_at = now() - interval '10 hours'"],
)
async def test_an_expired_session_opens_no_sheet(
    staff_app: StaffApp, chosen: Chosen, aged: str
) -> None:
    await chosen.seat_seven()
    await chosen.set_rules()
    await chosen.submit_sheet("expert-a", ladder(), submit=False)
    owner = await connect(staff_app.settings.migration_url)
    await owner.execute(f"update staff_sessions set {aged}")
    await owner.close()
    access = SheetAccess(chosen.tokens["expert-a"], chosen.selection, SCORING)
    with pytest.raises(Refused, match="own session"):
        await load_own_sheet(staff_app.database, access)
    with pytest.raises(Refused, match="own session"):
        await save_sheet(staff_app.database, access, {}, submit=False)


async def test_the_export_puts_nobody_s_sheet_together(staff_app: StaffApp, chosen: Chosen) -> None:
    await chosen.seat_seven()
    await chosen.set_rules()
    token = chosen.tokens["expert-a"]
    await insert_declared_conflict(staff_app.database, token, chosen.selection, 9, None)
    # Anybody who alone judges without 9 is kindest to one candidate and hardest on another.
    odd = {**ladder(without=[9]), 1: ("0", "0"), 2: ("99", "50")}
    await chosen.submit_sheet("expert-a", odd)
    for name in EXPERTS[1:]:
        await chosen.submit_sheet(name, ladder())
    auditor = await staff_app.signed_in_client("auditor")
    scores = (await auditor.get(f"{PANEL}/scores.json")).json()["rounds"]["1"]
    assert {number: len(points) for number, points in scores.items()} == {
        str(number): 6 if number == 9 else 7 for number in range(1, 31)
    }
    assert scores["1"][0] == {"c1": "0", "c2": "0"}
    assert scores["2"][-1] == {"c1": "99", "c2": "50"}


async def test_what_was_submitted_stays_and_must_be_whole(
    staff_app: StaffApp, chosen: Chosen
) -> None:
    await chosen.seat_seven()
    await chosen.set_rules()
    for points, words in (
        (ladder(without=[7]), "missing"),
        ({**ladder(), 1: ("100.1", "40")}, "out of range"),
        ({**ladder(), 1: ("-1", "40")}, "out of range"),
        ({**ladder(), 31: ("1", "1")}, "must not score"),
    ):
        with pytest.raises(Refused, match=words):
            await chosen.submit_sheet("expert-a", points)
    await chosen.submit_sheet("expert-a", ladder())
    with pytest.raises(Refused, match="has been submitted"):
        await chosen.submit_sheet("expert-a", ladder(shift=1), submit=False)


async def test_rules_are_fixed_with_the_first_sheet(staff_app: StaffApp, chosen: Chosen) -> None:
    await chosen.seat_seven()
    with pytest.raises(Refused, match="has not started"):
        await chosen.submit_sheet("expert-a", ladder())
    await chosen.set_rules()
    again = {"criteria": [{"key": "x"}], "minimum_experts": 3, "discussion": True}
    await chosen.decide("panel", "rules/2", {**again, "method": "mean", "trim": 0})
    await chosen.decide("panel", "rules/3", msgspec.to_builtins(SMALL))
    await chosen.submit_sheet("expert-a", {1: ("50", "20")}, submit=False)
    with pytest.raises(Refused, match="scoring has started"):
        await chosen.decide("panel", "rules/4", {**again, "method": "mean", "trim": 0})


async def test_conflicts_are_noticed_declared_and_enforced(
    staff_app: StaffApp, chosen: Chosen
) -> None:
    await chosen.seat("expert-a", body="north")
    await chosen.seat("expert-b", employer="示范机械有限公司 铸造分厂")
    await chosen.seat("expert-c")
    await chosen.set_rules()
    with pytest.raises(Refused, match="must not score"):
        await chosen.submit_sheet("expert-a", {3: ("90", "40")}, submit=False)
    first, second, third = (chosen.client(f"expert-{letter}") for letter in "abc")
    assert "points-3-c1" not in (await first.get(f"{PANEL}/sheet")).text
    sheet = (await second.get(f"{PANEL}/sheet")).text
    assert "points-4-c1" not in sheet
    assert "points-3-c1" in sheet
    assert "same employer" in sheet
    with pytest.raises(Refused, match="must not score"):
        await chosen.submit_sheet("expert-b", {4: ("90", "40")}, submit=False)
    answer = await third.post(f"{PANEL}/conflicts", data={"number": "9", "reason": "师徒"})
    assert "师徒" in (await third.get(PANEL)).text
    assert "师徒" not in (await chosen.client("expert-b").get(PANEL)).text
    stored = await staff_app.database.fetchval(
        "select reason from nomination.panel_conflicts where number = 9"
    )
    assert "师徒".encode() not in stored
    assert answer.headers["location"].endswith("done=declared")
    with pytest.raises(Refused, match="must not score"):
        await chosen.submit_sheet("expert-c", ladder())
    await chosen.submit_sheet("expert-c", ladder(without=[9]))
    token = chosen.tokens["expert-c"]
    with pytest.raises(Refused, match="no candidate"):
        await insert_declared_conflict(staff_app.database, token, chosen.selection, 31, None)
    refused = await third.post(f"{PANEL}/conflicts", data={"number": "31"})
    assert refused.status_code == 409
    grounds = await staff_app.database.fetch(
        "select number, ground from nomination.panel_conflicts order by number"
    )
    assert [tuple(row) for row in grounds] == [(3, "body"), (4, "employer"), (9, "declared")]


async def test_who_declares_after_submitting_is_not_counted_for_that_candidate(
    staff_app: StaffApp, chosen: Chosen
) -> None:
    await chosen.seat_seven()
    await chosen.set_rules()
    token, selection = chosen.tokens["expert-a"], chosen.selection
    await chosen.submit_sheet("expert-a", ladder())
    await insert_declared_conflict(staff_app.database, token, selection, 9, None)
    for name in EXPERTS[1:]:
        await chosen.submit_sheet(name, ladder())
    panel = await load_panel(staff_app.database, selection, staff_app.clock())
    outcome = await load_panel_outcome(staff_app.database, panel)
    assert outcome is not None
    assert {result.number: result.judges for result in outcome.first} == {
        number: 6 if number == 9 else 7 for number in range(1, 31)
    }


async def test_no_program_declares_in_an_expert_s_name(staff_app: StaffApp, chosen: Chosen) -> None:
    expert = await chosen.seat("expert-a")
    insert = (
        "insert into nomination.panel_conflicts (account_id, number, ground) values ($1, 9, $2)"
    )
    with pytest.raises(asyncpg.CheckViolationError, match="only the expert"):
        await staff_app.database.execute(insert, expert.id, "declared")
    await staff_app.database.execute(insert, expert.id, "employer")


async def test_an_absent_expert_does_not_block_but_takes_two_people(
    staff_app: StaffApp, chosen: Chosen
) -> None:
    await chosen.seat_seven()
    await chosen.set_rules()
    for name in EXPERTS[:4]:
        await chosen.submit_sheet(name, ladder())
    reviewer = await staff_app.signed_in_client("reviewer")
    too_few = await reviewer.post(f"{PANEL}/close", data={"round": "1"})
    assert "the rules require 5" in too_few.text
    for name in EXPERTS[4:6]:
        await chosen.submit_sheet(name, ladder())
    assert (await reviewer.post(f"{PANEL}/close", data={"round": "1"})).status_code == 303
    decision = await staff_app.database.fetchval("select max(id) from approval_requests")
    approval = f"{PANEL}/approvals/{decision}/approve"
    assert "cannot approve it" in (await reviewer.post(approval, data={})).text
    supervisor = await staff_app.signed_in_client("supervisor")
    assert (await supervisor.post(approval, data={})).status_code == 303
    with pytest.raises(Refused, match="round is over"):
        await chosen.submit_sheet("expert-g", ladder())
    panel = await load_panel(staff_app.database, chosen.selection, staff_app.clock())
    outcome = await load_panel_outcome(staff_app.database, panel)
    assert outcome is not None
    assert outcome.order is not None
    assert winners_and_nominees(panel, outcome.order) == (
        tuple(range(1, 11)),
        tuple(range(11, 21)),
    )
    with pytest.raises(Refused, match="already open"):
        token = chosen.tokens["expert-a"]
        await insert_declared_conflict(staff_app.database, token, chosen.selection, 9, None)


async def test_disabling_experts_ends_no_round(staff_app: StaffApp, chosen: Chosen) -> None:
    """One administrator could otherwise do what takes two people."""
    database = staff_app.database
    await chosen.seat_seven()
    await chosen.set_rules()
    for name in EXPERTS[:4]:
        await chosen.submit_sheet(name, ladder())
    await database.execute(
        "update accounts set disabled = true where name = any ($1)", list(EXPERTS[5:])
    )
    await chosen.submit_sheet(EXPERTS[4], ladder())
    ended = "select nomination.round_ended($1, 1)"
    assert not await database.fetchval(ended, chosen.selection.id)
    panel = await load_panel(database, chosen.selection, staff_app.clock())
    assert len(panel.absent(SCORING)) == 2
    reviewer = await staff_app.signed_in_client("reviewer")
    assert (await reviewer.post(f"{PANEL}/close", data={"round": "1"})).status_code == 303
    decision = await database.fetchval("select max(id) from approval_requests")
    supervisor = await staff_app.signed_in_client("supervisor")
    await supervisor.post(f"{PANEL}/approvals/{decision}/approve", data={})
    assert await database.fetchval(ended, chosen.selection.id)


async def test_a_close_names_who_is_missing_and_is_proposed_again_when_somebody_comes(
    staff_app: StaffApp, chosen: Chosen
) -> None:
    await chosen.seat_seven()
    await chosen.set_rules()
    for name in EXPERTS[:5]:
        await chosen.submit_sheet(name, ladder())
    reviewer = await staff_app.signed_in_client("reviewer")
    await reviewer.post(f"{PANEL}/close", data={"round": "1"})
    decision = await staff_app.database.fetchval("select max(id) from approval_requests")
    await chosen.submit_sheet("expert-f", ladder())
    supervisor = await staff_app.signed_in_client("supervisor")
    answer = await supervisor.post(f"{PANEL}/approvals/{decision}/approve", data={})
    assert "Propose it again" in answer.text


async def test_after_the_discussion_each_expert_may_revise_once(
    staff_app: StaffApp, chosen: Chosen
) -> None:
    await chosen.seat_seven()
    rules = msgspec.structs.replace(SMALL, discussion=True, method="mean")
    await chosen.set_rules(rules)
    for name in EXPERTS[:5]:
        await chosen.submit_sheet(name, ladder())
    with pytest.raises(Refused, match="has not started"):
        await chosen.submit_sheet("expert-a", ladder(), round_number=2)
    await chosen.decide("panel", "close/1", {"round": 1, "absent": []})
    with pytest.raises(Refused, match="submitted no scores"):
        await chosen.submit_sheet("expert-g", ladder(), round_number=2)
    page = (await chosen.client("expert-a").get(f"{PANEL}/sheet")).text
    assert 'value="98"' in page, "the second round begins with the first one's points"
    revised = {**ladder(), 30: ("100", "50")}
    await chosen.submit_sheet("expert-a", revised, round_number=2)
    await chosen.decide("panel", "close/2", {"round": 2, "absent": []})
    panel = await load_panel(staff_app.database, chosen.selection, staff_app.clock())
    outcome = await load_panel_outcome(staff_app.database, panel)
    assert outcome is not None
    assert outcome.last is not None
    last = {result.number: result.score for result in outcome.last}
    first = {result.number: result.score for result in outcome.first}
    assert last[30] == first[30] + (100 - first[30]) / 5
    assert panel.open_round == BALLOT


def _places(content: bytes, suffix: str) -> list[tuple[int, int]]:
    """Place and number of everybody in the table of results of a file."""
    rows: list[tuple[str, ...]] = []
    if suffix == "xlsx":
        rows = [
            tuple(str(cell) for cell in row)
            for row in load_workbook(BytesIO(content))["Results"].values
        ]
    else:
        for table in Document(BytesIO(content)).tables:
            if table.cell(0, 0).text == "Rank":
                rows = [tuple(cell.text for cell in row.cells) for row in table.rows]
    return [(int(place), int(number)) for place, number, *_ in rows[1:]]


def _paragraphs(content: bytes) -> str:
    """The paragraphs of a Word file."""
    return "\n".join(paragraph.text for paragraph in Document(BytesIO(content)).paragraphs)


async def test_a_tie_at_a_line_is_ranked_by_the_experts(
    staff_app: StaffApp, chosen: Chosen
) -> None:
    await chosen.seat_seven()
    chair = await staff_app.account("expert", "expert-c")
    await chosen.set_rules(msgspec.structs.replace(SMALL, chair=chair.id))
    tied = {**ladder(), 11: ladder()[10], 12: ladder()[10], 6: ladder()[5]}
    for name in EXPERTS[:5]:
        await chosen.submit_sheet(name, tied)
    await chosen.decide("panel", "close/1", {"round": 1, "absent": []})
    page = (await chosen.client("expert-a").get(f"{PANEL}/sheet")).text
    assert 'name="rank-10"' in page
    assert 'name="rank-11"' in page
    assert 'type="number"' not in page, "such a field swallows full-width digits"
    reviewer = await staff_app.signed_in_client("reviewer")
    open_tie = "Tied at rank 10: 10 候选 10, 11 候选 11, 12 候选 12. Places available: 1."
    assert open_tie in (await reviewer.get(PANEL)).text
    assert open_tie in _paragraphs((await reviewer.get(f"{PANEL}/scores.docx")).content)
    minutes_form = f'action="{DOCUMENTS}/minutes"'
    assert minutes_form not in (await reviewer.get(DOCUMENTS)).text
    ballot = {"round": "3", "act": "submit", "rank-10": "2", "rank-11": "2", "rank-12": "2"}
    assert (
        "every place" in (await chosen.client("expert-a").post(f"{PANEL}/sheet", data=ballot)).text
    )
    # 11 has the smallest sum of ranks; those of 10 and 12 are equal, so the public vote decides.
    for name, order in zip(EXPERTS[:5], ("1２3", "312", "312", "213", "312"), strict=True):
        ranks = {f"rank-{number}": rank for number, rank in zip((10, 11, 12), order, strict=True)}
        answer = await chosen.client(name).post(f"{PANEL}/sheet", data={**ballot, **ranks})
        assert answer.status_code == 303, answer.text
    panel = await load_panel(staff_app.database, chosen.selection, staff_app.clock())
    assert BALLOT in panel.ends
    outcome = await load_panel_outcome(staff_app.database, panel)
    assert outcome is not None
    assert outcome.order is not None
    assert outcome.order[9:12] == (11, 10, 12)
    # Equals share a place, and those whom a ballot ordered do not: the same everywhere.
    places = [(5, 5), (5, 6), (7, 7), (8, 8), (9, 9), (10, 11), (11, 10), (12, 12)]
    minutes = build_minutes(panel, outcome, Meeting("place", "chair", "secretary"), "zh")
    assert [(row.rank, row.number) for row in minutes.results[4:12]] == places
    assert [row.outcome for row in minutes.results[9:11]] == ["winner", "nominee"]
    shown_page = (await reviewer.get(PANEL)).text
    resolved = (
        f"{open_tie} Ballots received: 5. Order decided: 11 候选 11, 10 候选 10, 12 候选 12. "
        "The experts left these equal, and the public vote decided their order: "
        "10 候选 10, 12 候选 12."
    )
    assert resolved in shown_page
    assert minutes_form in (await reviewer.get(DOCUMENTS)).text, "signed before the result is out"
    signers = Document(BytesIO((await reviewer.get(f"{PANEL}/scores.docx")).content)).tables[-1]
    assert [cell.text for cell in signers.rows[1].cells][:2] == ["Chair", "expert-c"]
    administrator = await staff_app.signed_in_client("administrator")
    refused = await administrator.get(PANEL, headers={"accept-language": "zh"})
    assert refused.status_code == 403
    assert "的角色是管理员，这项操作由以下角色办理：审核员 / 监督员" in refused.text
    export = (await reviewer.get(f"{PANEL}/scores.json")).json()["standings"]
    assert [(row["place"], row["number"]) for row in export[4:12]] == places
    for path, form in (
        (f"{PANEL}/scores", None),
        (f"{DOCUMENTS}/minutes", {"place": "p", "chair": "c", "secretary": "s"}),
    ):
        for suffix in ("xlsx", "docx"):
            answer = (
                await reviewer.get(f"{path}.{suffix}")
                if form is None
                else await reviewer.post(path, data={**form, "format": suffix})
            )
            assert answer.status_code == 200, answer.text
            assert f".{suffix}" in answer.headers["content-disposition"]
            assert _places(answer.content, suffix)[4:12] == places, (path, suffix)
            assert suffix == "xlsx" or resolved in _paragraphs(answer.content), path
    shown = re.findall(
        r'<td class="figure"[^>]*>(\d+)</td><th scope="row"><a href="[^"]+/candidates/(\d+)"',
        shown_page,
    )
    assert [(int(place), int(number)) for place, number in shown[4:12]] == places


async def test_sql_as_the_console_opens_no_expert_s_scores(
    staff_app: StaffApp, chosen: Chosen, postgres: EmbeddedPostgres, database_name: str
) -> None:
    await chosen.seat_seven()
    await chosen.set_rules()
    await chosen.submit_sheet("expert-a", ladder())
    expert = await staff_app.account("expert", "expert-a")
    inviter = await staff_app.account("administrator")
    approver = await staff_app.account("supervisor")
    console = await connect(postgres.url(PROCESSES["console"], database_name))
    mine = SheetAccess("mine", chosen.selection, SCORING)
    token_hash, proof = hash_token(mine.token), b"the output of a hash"
    stored = await console.fetchval("select password_hash from accounts where id = $1", expert.id)
    digest = b64decode(stored.rsplit("$", 1)[1] + "=")
    now = datetime.now(UTC)
    forged_hash = (
        "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$" + b64encode(sha256(proof).digest()).decode()
    )
    open_session = "select open_session($1, $2, null, $3, '', $4)"
    for guess in (proof, digest, stored.encode()):
        with pytest.raises(NotSignedIn), domain_errors():
            await console.execute(open_session, expert.id, guess, token_hash, now)
    with pytest.raises(NotSignedIn), domain_errors():
        await console.execute("select change_password('mine', $1)", forged_hash)
    with pytest.raises(NotSignedIn), domain_errors():
        await console.execute("select connect_openid('mine', 'me')")
    with pytest.raises(Refused, match="password"), domain_errors():
        await console.execute("select connect_openid($1, 'me')", chosen.tokens["expert-a"])
    with pytest.raises(SecondPersonRequired), domain_errors():
        await console.execute("select renew_account($1, $2, 'x')", token_hash, forged_hash)
    # What is left: to renew the account by an invitation under two other people's names.
    await console.execute(
        "insert into invitations (token_hash, role, note, account_id, invited_by, invited_at,"
        " expires_at) values ($1, 'expert', 'x', $2, $3, now(), 'infinity')",
        token_hash,
        expert.id,
        inviter.id,
    )
    await console.execute(
        "update invitations set approved_by = $1, approved_at = now() where token_hash = $2",
        approver.id,
        token_hash,
    )
    async with console.transaction():
        await console.execute(
            "update invitations set used_at = now() where token_hash = $1", token_hash
        )
        await console.execute(
            "select renew_account($1, $2, 'x')", token_hash, forged_hash.rstrip("=")
        )
    await console.execute(open_session, expert.id, proof, token_hash, now)
    assert await load_own_sheet(console, mine) is None, "what was sealed stays so"
    with pytest.raises(NotSignedIn):
        await know_password(console, expert, PASSWORD)
    trace = await console.fetchrow("select act, details from audit_log order by entry desc limit 1")
    assert dict(trace or {}) == {
        "act": "account_renewed",
        "details": {"role": "expert", "invited_by": inviter.name},
    }
    await console.close()
