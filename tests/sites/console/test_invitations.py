"""Invitations: used once, in time, by anybody who holds the link, and never for oneself."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta

import asyncpg
import pyotp
import pytest

from tests.sites.console.running_staff_app import (
    PASSWORD,
    StaffApp,
    StaffClient,
)
from tests.sites.public.api.running_service import MovedClock
from voting_service.errors import Refused
from voting_service.infrastructure.postgres.pool import connect, domain_errors
from voting_service.staff.accounts.invitations import INVITATION_HOURS, invite, invite_to_reset
from voting_service.staff.accounts.sessions import hash_token

NEW_PASSWORD = "another long password"
codes: list[pyotp.TOTP] = []
"""What the invitees' apps show, the newest last."""


async def make_link(admin: StaffClient, role: str = "auditor", note: str = "for the audit") -> str:
    """The link's path."""
    answer = await admin.post("/accounts/invite", data={"role": role, "note": note})
    assert answer.status_code == 201, answer.text
    link = re.search(r'value="http://[^/"]+(/invitation/[A-Za-z0-9_-]{43})"', answer.text)
    assert link
    return link[1]


async def fill_in(
    browser: StaffClient, link: str, clock: MovedClock, **more: str
) -> dict[str, str]:
    """The form as an invitee fills it in."""
    page = await browser.get(link)
    assert page.status_code == 200, page.text
    encrypted = re.search(r'name="encrypted_secret" value="([^"]+)"', page.text)
    secret = re.search(r'<span class="code">([A-Z2-7 ]+)</span>', page.text)
    assert encrypted
    assert secret
    codes.append(pyotp.TOTP(secret[1].replace(" ", "")))
    return {
        "encrypted_secret": encrypted[1],
        "name": "newcomer",
        "password": NEW_PASSWORD,
        "again": NEW_PASSWORD,
        "code": codes[-1].at(clock()),
        **more,
    }


async def acts(staff_app: StaffApp) -> list[str]:
    rows = await staff_app.database.fetch("select act from audit_log order by entry")
    return [row["act"] for row in rows]


async def test_an_invitee_makes_an_account_and_signs_in(
    staff_app: StaffApp, clock: MovedClock
) -> None:
    link = await make_link(await staff_app.signed_in_client("administrator"))
    browser = staff_app.client()
    form = await fill_in(browser, link, clock)
    answer = await browser.post(link, data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?welcome=1")
    row = await staff_app.database.fetchrow("select * from accounts where name = 'newcomer'")
    assert row is not None
    assert row["role"] == "auditor"
    used = {"name": "newcomer", "password": NEW_PASSWORD, "code": form["code"]}
    assert (await browser.post("/sign-in", data=used)).status_code == 401, "the code is spent"
    assert (await browser.get(link)).status_code == 404
    assert (await browser.post(link, data={**form, "name": "second"})).status_code == 404
    assert await acts(staff_app) == ["invited", "account_made", "sign_in_failed"]


async def test_of_many_at_once_one_gets_in(staff_app: StaffApp, clock: MovedClock) -> None:
    link = await make_link(await staff_app.signed_in_client("administrator"))
    browser = staff_app.client()
    forms = [await fill_in(browser, link, clock, name=f"newcomer-{n}") for n in range(6)]
    answers = await asyncio.gather(*(browser.post(link, data=form) for form in forms))
    assert [answer.status_code for answer in answers].count(303) == 1
    made = "select count(*) from accounts where name like 'newcomer%'"
    assert await staff_app.database.fetchval(made) == 1


async def test_a_link_ends_with_time_revocation_and_its_maker(
    staff_app: StaffApp, clock: MovedClock
) -> None:
    admin = await staff_app.signed_in_client("administrator")
    late, revoked, orphaned = [await make_link(admin, note=f"link {n}") for n in range(3)]
    browser = staff_app.client()
    orphaned_form = await fill_in(browser, orphaned, clock)
    revoked_form = await fill_in(browser, revoked, clock)
    listed = (await admin.get("/accounts")).text
    row = re.search(r"link 1.*?name=\"invitation\" value=\"([0-9a-f]{64})\"", listed, re.DOTALL)
    assert row
    answer = await admin.post("/accounts/revoke", data={"invitation": row[1]})
    assert answer.status_code == 303
    assert (await admin.post("/accounts/revoke", data={"invitation": row[1]})).status_code == 409
    assert (await browser.post(revoked, data=revoked_form)).status_code == 404
    await staff_app.database.execute("update accounts set disabled = true")
    assert (await browser.post(orphaned, data=orphaned_form)).status_code == 409
    clock.offset += timedelta(hours=INVITATION_HOURS) - timedelta(seconds=30)
    assert (await browser.get(late)).status_code == 200
    clock.offset += timedelta(seconds=31)
    assert (await browser.get(late)).status_code == 404
    assert (await browser.get(f"/invitation/{'x' * 43}")).status_code == 404


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"code": "000000"}, "The code is wrong"),
        ({"password": "short", "again": "short"}, "12 to 256"),
        ({"again": "another"}, "do not match"),
        ({"name": "administrator-1"}, "Another account is called"),
        ({"name": " "}, "This name is empty"),
    ],
)
async def test_what_is_filled_in_wrongly_is_said_and_uses_nothing_up(
    staff_app: StaffApp, clock: MovedClock, wrong: dict[str, str], message: str
) -> None:
    link = await make_link(await staff_app.signed_in_client("administrator"))
    browser = staff_app.client()
    form = await fill_in(browser, link, clock)
    answer = await browser.post(link, data={**form, **wrong})
    assert answer.status_code == 422
    assert message in answer.text
    assert form["encrypted_secret"] in answer.text, "the app need not be set up again"
    assert (await browser.post(link, data=form)).status_code == 303


async def test_a_role_in_the_form_and_a_secret_of_ones_own_count_for_nothing(
    staff_app: StaffApp, clock: MovedClock
) -> None:
    admin = await staff_app.signed_in_client("administrator")
    first, second = await make_link(admin), await make_link(admin)
    browser = staff_app.client()
    form = await fill_in(browser, first, clock)
    for encrypted in (
        "",
        "AAAA",
        (await fill_in(browser, second, clock))["encrypted_secret"],
        form["encrypted_secret"][:-4],
    ):
        assert (
            await browser.post(first, data={**form, "encrypted_secret": encrypted})
        ).status_code == 409
    answer = await browser.post(first, data={**form, "role": "administrator", "account_id": "1"})
    assert answer.status_code == 303
    role = await staff_app.database.fetchval("select role from accounts where name = 'newcomer'")
    assert role == "auditor"


async def test_a_lost_second_factor_is_renewed_by_another(
    staff_app: StaffApp, clock: MovedClock
) -> None:
    admin = await staff_app.signed_in_client("administrator")
    clerk = await staff_app.signed_in_client("tally_clerk")
    account = staff_app.accounts["tally_clerk-1"]
    answer = await admin.post(f"/accounts/{account.id}/renew", data={"note": "lost phone"})
    link = re.search(r"(/invitation/[A-Za-z0-9_-]{43})", answer.text)
    assert link
    browser = staff_app.client()
    form = await fill_in(browser, link[1], clock, name="somebody else")
    assert (await browser.post(link[1], data=form)).status_code == 303
    assert (await clerk.get("/")).status_code == 303, "old sessions have ended"
    old = {"name": account.name, "password": PASSWORD, "code": staff_app.code(account.name)}
    assert (await browser.post("/sign-in", data=old)).status_code == 401
    clock.offset += timedelta(minutes=1)
    new = {"name": account.name, "password": NEW_PASSWORD, "code": codes[-1].at(clock())}
    assert (await browser.post("/sign-in", data=new)).status_code == 303


async def test_nobody_renews_or_disables_themselves(staff_app: StaffApp) -> None:
    admin = await staff_app.signed_in_client("administrator")
    account = staff_app.accounts["administrator-1"]
    for deed in ("renew", "disable"):
        answer = await admin.post(f"/accounts/{account.id}/{deed}", data={"note": "x"})
        assert answer.status_code == 409
    with pytest.raises(Refused, match="cannot reset your own sign-in"), domain_errors():
        await invite_to_reset(staff_app.database, account, account, "x", staff_app.clock())
    assert (await admin.get("/")).status_code == 200


async def renewing_link(admin: StaffClient, staff_app: StaffApp, name: str) -> str:
    path = f"/accounts/{staff_app.accounts[name].id}/renew"
    answer = await admin.post(path, data={"note": "lost phone"})
    link = re.search(r"(/invitation/[A-Za-z0-9_-]{43})", answer.text)
    assert link, answer.text
    return link[1]


async def waiting(client: StaffClient) -> list[str]:
    """The invitations that the visitor could approve."""
    listed = (await client.get("/accounts")).text
    return re.findall(
        r'action="/accounts/approve".*?name="invitation" value="([0-9a-f]{64})"', listed, re.DOTALL
    )


@pytest.mark.parametrize("role", ["supervisor", "tally_clerk", "administrator"])
async def test_an_account_that_decides_takes_a_second_person(
    staff_app: StaffApp, clock: MovedClock, role: str
) -> None:
    admin = await staff_app.signed_in_client("administrator")
    supervisor = await staff_app.signed_in_client("supervisor")
    auditor = await staff_app.signed_in_client("auditor")
    link = await make_link(admin, role, "for the count")
    browser = staff_app.client()
    early = await browser.get(link)
    assert early.status_code == 409
    assert "must first be approved" in early.text
    assert await waiting(admin) == [], "nobody approves their own"
    (invitation,) = await waiting(supervisor)
    form = {"invitation": invitation}
    assert (await admin.post("/accounts/approve", data=form)).status_code == 409
    assert (await auditor.post("/accounts/approve", data=form)).status_code == 403
    assert (await auditor.get("/accounts")).status_code == 403
    unmarked = await supervisor.post("/accounts/approve", data={**form, "csrf": "x"})
    assert unmarked.status_code == 403
    assert (await browser.get(link)).status_code == 409
    assert (await supervisor.post("/accounts/approve", data=form)).status_code == 303
    assert (await supervisor.post("/accounts/approve", data=form)).status_code == 409
    answer = await browser.post(link, data=await fill_in(browser, link, clock))
    assert answer.status_code == 303
    made = await staff_app.database.fetchval("select role from accounts where name = 'newcomer'")
    assert made == role
    assert "invitation_approved" in await acts(staff_app)


async def test_a_supervisor_sees_who_there_is_and_invites_nobody(staff_app: StaffApp) -> None:
    await staff_app.account("administrator")
    supervisor = await staff_app.signed_in_client("supervisor")
    assert "/accounts/invite" not in (await supervisor.get("/accounts")).text
    form = {"role": "supervisor", "note": "x"}
    assert (await supervisor.post("/accounts/invite", data=form)).status_code == 403


async def test_approving_asks_again_who_it_is(staff_app: StaffApp, clock: MovedClock) -> None:
    supervisor = await staff_app.signed_in_client("supervisor")
    await make_link(await staff_app.signed_in_client("administrator"), "supervisor")
    (invitation,) = await waiting(supervisor)
    clock.offset += timedelta(minutes=6)
    answer = await supervisor.post("/accounts/approve", data={"invitation": invitation})
    assert answer.headers["location"].startswith("/confirm")
    assert len(await waiting(supervisor)) == 1


async def test_an_account_that_decides_is_renewed_by_two(
    staff_app: StaffApp, clock: MovedClock
) -> None:
    admin = await staff_app.signed_in_client("administrator")
    supervisor = await staff_app.signed_in_client("supervisor")
    other = await staff_app.signed_in_client("supervisor", "supervisor-2")
    link = await renewing_link(admin, staff_app, "supervisor-1")
    browser = staff_app.client()
    assert (await browser.get(link)).status_code == 409
    assert await waiting(supervisor) == [], "nor whoever is renewed"
    (invitation,) = await waiting(other)
    form = {"invitation": invitation}
    assert (await supervisor.post("/accounts/approve", data=form)).status_code == 409
    assert (await other.post("/accounts/approve", data=form)).status_code == 303
    owner = await connect(staff_app.settings.migration_url)
    await owner.execute("update accounts set openid_subject = name")
    await owner.close()
    answer = await browser.post(link, data=await fill_in(browser, link, clock))
    assert answer.status_code == 303
    subject = "select openid_subject from accounts where name = 'supervisor-1'"
    assert await staff_app.database.fetchval(subject) is None, "no other way in is left"


INSERT_SUPERVISOR = (
    "insert into accounts (name, role, password_hash, wrapped_totp_secret, created_at)"
    " values ($1, 'supervisor', 'x', 'x', now())"
)
MAKE_ACCOUNT = "select make_account($2, $1, 'x', 'x', now())"


async def test_sql_as_the_application_makes_no_decider_alone(staff_app: StaffApp) -> None:
    admin = await staff_app.account("administrator")
    supervisor = await staff_app.account("supervisor")
    token = await invite(staff_app.database, admin, "supervisor", "x", staff_app.clock())
    used, fake = hash_token(token), hash_token("y")
    alone = [
        (INSERT_SUPERVISOR, ("false-1",)),
        (MAKE_ACCOUNT, ("false-1", used)),
        ("update invitations set used_at = now()", ()),
        ("update invitations set approved_by = $1, approved_at = now()", (admin.id,)),
    ]
    for statement, values in alone:
        with pytest.raises(Refused), domain_errors():
            await staff_app.database.execute(statement, *values)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await staff_app.database.execute(
            "insert into invitations (token_hash, role, note, invited_by, invited_at, expires_at,"
            " approved_by, approved_at) values ($1, 'supervisor', 'x', $2, now(), now(), $3,"
            " now())",
            fake,
            admin.id,
            supervisor.id,
        )
    approve = "update invitations set approved_by = $1, approved_at = now()"
    await staff_app.database.execute(approve, supervisor.id)
    with pytest.raises(Refused), domain_errors():
        await staff_app.database.execute(MAKE_ACCOUNT, "false-1", used)
    async with staff_app.database.transaction():
        await staff_app.database.execute("update invitations set used_at = now()")
        await staff_app.database.execute(MAKE_ACCOUNT, "new-1", used)
        with pytest.raises(asyncpg.UniqueViolationError):
            async with staff_app.database.transaction():
                await staff_app.database.execute(MAKE_ACCOUNT, "new-2", used)
    for change in ("used_at = null", "approved_by = null, approved_at = null"):
        with pytest.raises(Refused), domain_errors():
            await staff_app.database.execute(f"update invitations set {change}")


async def test_who_was_disabled_stays_so_and_still_counts_as_a_second_person(
    staff_app: StaffApp,
) -> None:
    admin = await staff_app.account("administrator")
    supervisor = await staff_app.account("supervisor")
    await staff_app.database.execute(
        "update accounts set disabled = true where id = $1", supervisor.id
    )
    await invite(staff_app.database, admin, "supervisor", "x", staff_app.clock())
    with pytest.raises(Refused), domain_errors():
        await staff_app.database.execute("update accounts set disabled = false")
    with pytest.raises(Refused), domain_errors():
        await staff_app.database.execute("update invitations set used_at = now()")
    with pytest.raises(Refused), domain_errors():
        await staff_app.database.execute(
            "update invitations set approved_by = $1, approved_at = now()", supervisor.id
        )


async def test_a_link_enables_a_disabled_account_again(
    staff_app: StaffApp, clock: MovedClock
) -> None:
    admin = await staff_app.signed_in_client("administrator")
    account = await staff_app.account("auditor")
    await admin.post(f"/accounts/{account.id}/disable", data={})
    assert "Enable the account again" in (await admin.get(f"/accounts/{account.id}")).text
    made = await admin.post(f"/accounts/{account.id}/renew", data={"note": "back from leave"})
    link = re.search(r"/invitation/[\w-]+", made.text)
    assert link
    assert await staff_app.database.fetchval(
        "select disabled from accounts where id = $1", account.id
    )
    browser = staff_app.client()
    form = await fill_in(browser, link[0], clock, name=account.name)
    assert (await browser.post(link[0], data=form)).status_code == 303
    clock.offset += timedelta(minutes=1)
    used = {"name": account.name, "password": NEW_PASSWORD, "code": codes[-1].at(clock())}
    assert (await browser.post("/sign-in", data=used)).status_code == 303


async def test_who_approves_sees_on_the_first_page_what_waits(staff_app: StaffApp) -> None:
    administrator = await staff_app.signed_in_client("administrator")
    made = await administrator.post("/accounts/invite", data={"role": "supervisor", "note": "x"})
    supervisor = await staff_app.signed_in_client("supervisor")
    assert "Invitations waiting for approval: 1" in (await supervisor.get("/")).text
    clerk = await staff_app.signed_in_client("tally_clerk")
    assert "Invitations waiting for approval" not in (await clerk.get("/")).text
    link = re.search(r"/invitation/[\w-]+", made.text)
    assert link
    early = await staff_app.client().get(link[0])
    assert "Waiting for approval" in early.text
    assert "Too many attempts" not in early.text
