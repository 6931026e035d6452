"""What experts see: nothing personal, only their own scores, and nothing but the panel."""

from __future__ import annotations

import re

from tests.nomination.form.people import id_number
from tests.sites.console.running_staff_app import PASSWORD, StaffApp
from tests.sites.nomination.panel.panel_data import (
    EXPERTS,
    PANEL,
    Chosen,
    ladder,
)
from voting_service.nomination.panel.repository import load_panel
from voting_service.staff.accounts.invitations import (
    InvitationForm,
    accept,
    approve_invitation,
    find_invitation,
)
from voting_service.staff.accounts.second_factor import new_secret
from voting_service.staff.accounts.sessions import hash_token

PLANTED = ("13800138000", id_number(), "示范路36号附2号", "023-63000000", "联络员乙", "经办人丙")


async def test_no_planted_personal_data_reaches_an_expert(
    staff_app: StaffApp, chosen: Chosen
) -> None:
    await chosen.seat_seven()
    await chosen.set_rules()
    expert = chosen.client("expert-a")
    pages = [PANEL, f"{PANEL}/sheet", f"{PANEL}/rules"]
    pages += [f"{PANEL}/candidates/{number}" for number in (3, 4, 5)]
    shown = ""
    for path in pages:
        answer = await expert.get(path)
        assert answer.status_code == 200, path
        shown += answer.text
    for planted in PLANTED:
        assert planted not in shown
    assert "攻克轧机难题，节约 200 万元" in shown, "the deeds themselves are there"
    assert "■■■■■■■■■■■" in shown
    reviewer = await staff_app.signed_in_client("reviewer")
    export = await reviewer.get(f"{PANEL}/candidates/5")
    assert not any(planted in export.text for planted in PLANTED)
    audit_log = await staff_app.database.fetch("select act, subject, details::text from audit_log")
    assert ("viewed", "panel, candidate 5") in [(row[0], row[1]) for row in audit_log]
    assert not any(planted in str(tuple(row)) for row in audit_log for planted in PLANTED)


async def test_an_expert_sees_no_other_page_of_the_console(
    staff_app: StaffApp, chosen: Chosen
) -> None:
    await chosen.seat_seven()
    await chosen.set_rules()
    await chosen.submit_sheet("expert-b", ladder())
    expert = chosen.client("expert-a")
    for path in (
        "result",
        "documents",
        "experts",
        "panel/scores.json",
        "review",
        "recommendations",
    ):
        answer = await expert.get(f"/selections/selection-2022/{path}")
        assert answer.status_code in (403, 404), path
    own_page = (await expert.get(PANEL)).text
    assert "state counted" not in own_page, "who handed in is for the office"
    assert not any(name in own_page for name in EXPERTS[1:])
    stranger = await staff_app.signed_in_client("expert", "expert-of-elsewhere")
    assert (await stranger.get(PANEL)).status_code == 409
    reviewer = await staff_app.signed_in_client("reviewer")
    assert (await reviewer.get(f"{PANEL}/sheet")).status_code == 403


async def test_an_invited_expert_sits_on_the_panel(staff_app: StaffApp, chosen: Chosen) -> None:
    admin = await staff_app.signed_in_client("administrator")
    path = "/selections/selection-2022/experts"
    form = {"note": "专家一", "employer": "评审中心", "body": "north"}
    unnamed = await admin.post(path, data={**form, "employer": " "})
    assert (unnamed.status_code, "employer" in unnamed.text) == (422, True)
    answer = await admin.post(path, data=form)
    assert answer.status_code == 201
    token = re.search(r"/invitation/([A-Za-z0-9_-]{43})", answer.text)
    assert token
    supervisor = await staff_app.account("supervisor")
    await approve_invitation(
        staff_app.database, supervisor, hash_token(token[1]), staff_app.clock()
    )
    invitation = await find_invitation(staff_app.database, token[1], staff_app.clock())
    secret = staff_app.secrets["newcomer"] = new_secret()
    account = await accept(
        staff_app.database,
        staff_app.settings.master_key.get_secret_value(),
        invitation,
        InvitationForm(
            name="newcomer", password=PASSWORD, totp_secret=secret, code=staff_app.code("newcomer")
        ),
        clock=staff_app.clock,
    )
    panel = await load_panel(staff_app.database, chosen.selection, staff_app.clock())
    expert = panel.expert(account.id)
    assert expert is not None
    assert (expert.employer, expert.body_id) == ("评审中心", chosen.bodies["north"].id)
    reviewer = await staff_app.signed_in_client("reviewer")
    assert (await reviewer.post(path, data=form)).status_code == 403
    assert "评审中心" in (await reviewer.get(path)).text


async def test_drafts_are_kept_while_typing_and_faults_are_said(
    staff_app: StaffApp, chosen: Chosen
) -> None:
    await chosen.seat_seven()
    await chosen.set_rules()
    expert = chosen.client("expert-a")
    by_script = staff_app.client(chosen.tokens["expert-a"], accept="application/json")
    form = {"round": "1", "act": "save", "points-1-c1": "90.5", "points-1-c2": "51"}
    answer = (await by_script.post(f"{PANEL}/sheet", data=form)).json()
    assert list(answer["faults"]) == ["points-1-c2"]
    assert "0 to 50" in answer["faults"]["points-1-c2"]
    page = (await expert.get(f"{PANEL}/sheet")).text
    assert 'value="90.5"' in page
    assert 'value="51"' not in page
    incomplete = await expert.post(f"{PANEL}/sheet", data={**form, "act": "submit"})
    assert incomplete.status_code == 422
    assert "Fields missing or wrong: 59" in incomplete.text
    whole = {"round": "1", "act": "submit"}
    for number, (first, second) in ladder().items():
        whole |= {f"points-{number}-c1": first, f"points-{number}-c2": second}
    stale = await expert.post(f"{PANEL}/sheet", data={**whole, "round": "2"})
    assert "Another round has begun" in stale.text
    done = await expert.post(f"{PANEL}/sheet", data=whole)
    assert done.headers["location"].endswith("done=submitted")
    again = await expert.post(f"{PANEL}/sheet", data=whole)
    assert "ask the chair or the joint office to reopen it" in again.text
