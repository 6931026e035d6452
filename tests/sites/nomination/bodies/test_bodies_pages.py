"""Recommending bodies and the invitation of their officers."""

from __future__ import annotations

import re
from datetime import timedelta

from playwright.async_api import Page

from tests.browser.accessibility import assert_accessible
from tests.sites.console.running_staff_app import PASSWORD, StaffApp
from tests.sites.nomination.bodies.selection_data import Chosen
from voting_service.nomination.repository import load_officer_body
from voting_service.staff.accounts.invitations import InvitationForm, accept, find_invitation
from voting_service.staff.accounts.second_factor import new_secret


async def test_an_invited_officer_recommends_for_the_body(
    staff_app: StaffApp, chosen: Chosen
) -> None:
    admin = await staff_app.signed_in_client("administrator")
    answer = await admin.post("/bodies/north/invite", data={"note": "经办人一"})
    assert answer.status_code == 201
    token = re.search(r"/invitation/([A-Za-z0-9_-]{43})", answer.text)
    assert token
    invitation = await find_invitation(staff_app.database, token[1], staff_app.clock())
    secret = new_secret()
    staff_app.secrets["officer"] = secret
    account = await accept(
        staff_app.database,
        staff_app.settings.master_key.get_secret_value(),
        invitation,
        InvitationForm(
            name="officer", password=PASSWORD, totp_secret=secret, code=staff_app.code("officer")
        ),
        clock=staff_app.clock,
    )
    assert account.role == "recommender"
    assert await load_officer_body(staff_app.database, account) == chosen.bodies["north"]


async def test_a_body_can_be_added_once(staff_app: StaffApp, chosen: Chosen) -> None:
    admin = await staff_app.signed_in_client("administrator")
    form = {"kind": "department", "zh": "交通部门", "en": "Transport", "slug": "transport"}
    assert (await admin.post("/bodies", data=form)).status_code == 303
    assert (await admin.post("/bodies", data=form)).status_code == 422
    refused = await admin.post("/bodies", data={"kind": "club", "zh": "", "en": "", "slug": "-"})
    assert refused.status_code == 422
    assert "Transport" in (await admin.get("/bodies")).text


async def test_signed_out_visitors_see_nothing(staff_app: StaffApp, chosen: Chosen) -> None:
    for role in ("recommender", "expert"):
        guest = await staff_app.signed_in_client(role)
        assert "/contests/" not in (await guest.get("/")).text
        for path in ("/bodies", "/audit-log", "/accounts", "/contests/test-2022"):
            assert (await guest.get(path)).status_code == 403


async def test_the_page_of_bodies(staff_app: StaffApp, chosen: Chosen, desktop: Page) -> None:
    await staff_app.sign_in(desktop, "administrator", "/bodies")
    await assert_accessible(desktop)
    assert "0 / 6" in await desktop.inner_text("main")


async def test_a_second_person_of_one_name_gets_an_account(
    staff_app: StaffApp, chosen: Chosen
) -> None:
    """Named apart by the unit, and shown apart wherever names stand."""
    admin = await staff_app.signed_in_client("administrator")
    made = [
        await admin.post(f"/bodies/{body}/invite", data={"note": "李明"})
        for body in ("north", "south", "south")
    ]
    links = [re.findall(r"/invitation/[A-Za-z0-9_-]{43}", answer.text)[0] for answer in made]
    names = []
    for link in links:
        guest, name = staff_app.client(), "李明"
        page = (await guest.get(link)).text
        for _ in range(2):
            staff_app.clock.offset += timedelta(minutes=2)  # codes are used once
            hidden = re.search(r'name="encrypted_secret" value="([^"]+)"', page)
            shown = re.search(r'<span class="code">([A-Z2-7 ]+)</span>', page)
            assert hidden and shown
            staff_app.secrets[name] = shown[1].replace(" ", "")
            form = {"name": name, "password": PASSWORD, "again": PASSWORD}
            form |= {"code": staff_app.code(name), "encrypted_secret": hidden[1]}
            answer = await guest.post(link, data=form)
            if answer.status_code == 303:
                break
            assert answer.status_code == 422
            assert "Another account is called “李明”" in answer.text
            page = answer.text
            offered = re.search(r'id="name"[^>]* value="([^"]+)"', page)
            assert offered
            name = offered[1]
        names.append(name)
        sign_in = {"name": name, "password": PASSWORD, "code": staff_app.code(name)}
        assert (await guest.post("/sign-in", data=sign_in)).status_code == 303, name
    assert names == ["李明", "李明-南区", "李明-2"]
    accounts = (await admin.get("/accounts")).text
    bodies = (await admin.get("/bodies")).text
    for name in names:
        assert f">{name}</a>" in accounts
        assert f">{name}</a>" in bodies, "with a link to reset the sign-in"
    assert accounts.count(">南区</td>") == 2
