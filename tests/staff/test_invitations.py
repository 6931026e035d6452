"""Invitations: used once, in time, by whoever holds the link, and never for oneself."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta

import pyotp
import pytest

from tests.public.running_service import MovedClock
from tests.staff.running_office import PASSWORD, Office, StaffClient
from voting_service.accounts.invitations import LIFE, invite
from voting_service.errors import Refused
from voting_service.storage.postgres import domain_errors

NEW_PASSWORD = "another long password"
codes: list[pyotp.TOTP] = []
"""What the invitees' apps show, the newest last."""


async def make_link(admin: StaffClient, role: str = "auditor", note: str = "for the audit") -> str:
    """The link's path."""
    answer = await admin.post("/accounts/invite", data={"role": role, "note": note})
    assert answer.status_code == 201, answer.text
    found = re.search(r'value="http://[^/"]+(/invitation/[A-Za-z0-9_-]{43})"', answer.text)
    assert found
    return found[1]


async def fill_in(
    browser: StaffClient, link: str, clock: MovedClock, **more: str
) -> dict[str, str]:
    """The form as an invitee fills it in."""
    page = await browser.get(link)
    assert page.status_code == 200, page.text
    sealed = re.search(r'name="sealed" value="([^"]+)"', page.text)
    secret = re.search(r'<span class="code">([A-Z2-7 ]+)</span>', page.text)
    assert sealed
    assert secret
    codes.append(pyotp.TOTP(secret[1].replace(" ", "")))
    return {
        "sealed": sealed[1],
        "name": "newcomer",
        "password": NEW_PASSWORD,
        "again": NEW_PASSWORD,
        "code": codes[-1].at(clock()),
        **more,
    }


async def acts(office: Office) -> list[str]:
    rows = await office.database.fetch("select act from journal order by entry")
    return [row["act"] for row in rows]


async def test_an_invitee_makes_an_account_and_signs_in(office: Office, clock: MovedClock) -> None:
    link = await make_link(await office.signed_in_client("administrator"))
    browser = office.client()
    form = await fill_in(browser, link, clock)
    answer = await browser.post(link, data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?welcome=1")
    row = await office.database.fetchrow("select * from accounts where name = 'newcomer'")
    assert row is not None
    assert row["role"] == "auditor"
    used = {"name": "newcomer", "password": NEW_PASSWORD, "code": form["code"]}
    assert (await browser.post("/sign-in", data=used)).status_code == 401, "the code is spent"
    assert (await browser.get(link)).status_code == 404
    assert (await browser.post(link, data={**form, "name": "second"})).status_code == 404
    assert await acts(office) == ["invited", "account_made", "sign_in_failed"]


async def test_of_many_at_once_one_gets_in(office: Office, clock: MovedClock) -> None:
    link = await make_link(await office.signed_in_client("administrator"))
    browser = office.client()
    forms = [await fill_in(browser, link, clock, name=f"newcomer-{n}") for n in range(6)]
    answers = await asyncio.gather(*(browser.post(link, data=form) for form in forms))
    assert [answer.status_code for answer in answers].count(303) == 1
    made = "select count(*) from accounts where name like 'newcomer%'"
    assert await office.database.fetchval(made) == 1


async def test_a_link_ends_with_time_revocation_and_its_maker(
    office: Office, clock: MovedClock
) -> None:
    admin = await office.signed_in_client("administrator")
    late, revoked, orphaned = [await make_link(admin, note=f"link {n}") for n in range(3)]
    browser = office.client()
    orphaned_form = await fill_in(browser, orphaned, clock)
    revoked_form = await fill_in(browser, revoked, clock)
    listed = (await admin.get("/accounts")).text
    row = re.search(r"link 1.*?name=\"invitation\" value=\"([0-9a-f]{64})\"", listed, re.DOTALL)
    assert row
    answer = await admin.post("/accounts/revoke", data={"invitation": row[1]})
    assert answer.status_code == 303
    assert (await admin.post("/accounts/revoke", data={"invitation": row[1]})).status_code == 409
    assert (await browser.post(revoked, data=revoked_form)).status_code == 404
    await office.database.execute("update accounts set disabled = true")
    assert (await browser.post(orphaned, data=orphaned_form)).status_code == 409
    await office.database.execute("update accounts set disabled = false")
    clock.offset += LIFE - timedelta(seconds=30)
    assert (await browser.get(late)).status_code == 200
    clock.offset += timedelta(seconds=31)
    assert (await browser.get(late)).status_code == 404
    assert (await browser.get(f"/invitation/{'x' * 43}")).status_code == 404


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"code": "000000"}, "The code is wrong"),
        ({"password": "short", "again": "short"}, "12 to 256"),
        ({"again": "another"}, "not the same"),
        ({"name": "administrator-1"}, "The name is taken"),
        ({"name": " "}, "The name is taken, or it is empty"),
    ],
)
async def test_what_is_filled_in_wrongly_is_said_and_uses_nothing_up(
    office: Office, clock: MovedClock, wrong: dict[str, str], said: str
) -> None:
    link = await make_link(await office.signed_in_client("administrator"))
    browser = office.client()
    form = await fill_in(browser, link, clock)
    answer = await browser.post(link, data={**form, **wrong})
    assert answer.status_code == 422
    assert said in answer.text
    assert form["sealed"] in answer.text, "the app need not be set up again"
    assert (await browser.post(link, data=form)).status_code == 303


async def test_a_role_in_the_form_and_a_secret_of_ones_own_count_for_nothing(
    office: Office, clock: MovedClock
) -> None:
    admin = await office.signed_in_client("administrator")
    first, second = await make_link(admin), await make_link(admin)
    browser = office.client()
    form = await fill_in(browser, first, clock)
    for sealed in (
        "",
        "AAAA",
        (await fill_in(browser, second, clock))["sealed"],
        form["sealed"][:-4],
    ):
        assert (await browser.post(first, data={**form, "sealed": sealed})).status_code == 409
    answer = await browser.post(first, data={**form, "role": "administrator", "account_id": "1"})
    assert answer.status_code == 303
    role = await office.database.fetchval("select role from accounts where name = 'newcomer'")
    assert role == "auditor"


async def test_a_lost_second_factor_is_renewed_by_another(
    office: Office, clock: MovedClock
) -> None:
    admin = await office.signed_in_client("administrator")
    clerk = await office.signed_in_client("tally_clerk")
    account = office.accounts["tally_clerk-1"]
    answer = await admin.post(f"/accounts/{account.id}/renew", data={"note": "lost telephone"})
    found = re.search(r"(/invitation/[A-Za-z0-9_-]{43})", answer.text)
    assert found
    browser = office.client()
    form = await fill_in(browser, found[1], clock, name="somebody else")
    assert (await browser.post(found[1], data=form)).status_code == 303
    assert (await clerk.get("/")).status_code == 303, "old sessions have ended"
    old = {"name": account.name, "password": PASSWORD, "code": office.code(account.name)}
    assert (await browser.post("/sign-in", data=old)).status_code == 401
    clock.offset += timedelta(minutes=1)
    new = {"name": account.name, "password": NEW_PASSWORD, "code": codes[-1].at(clock())}
    assert (await browser.post("/sign-in", data=new)).status_code == 303


async def test_nobody_renews_or_disables_themselves(office: Office) -> None:
    admin = await office.signed_in_client("administrator")
    account = office.accounts["administrator-1"]
    for deed in ("renew", "disable"):
        answer = await admin.post(f"/accounts/{account.id}/{deed}", data={"note": "x"})
        assert answer.status_code == 409
    with pytest.raises(Refused, match="nobody renews their own account"), domain_errors():
        await invite(office.database, account, account.role, "x", office.clock(), renews=account)
    assert (await admin.get("/")).status_code == 200
