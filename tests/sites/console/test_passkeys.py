"""Passkeys beside one-time codes: added and removed on the account page, used with the password."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from playwright.async_api import Page, expect

from tests.browser.accessibility import assert_accessible
from tests.sites.console.running_staff_app import (
    PASSWORD,
    StaffApp,
    StaffClient,
    running_staff_app,
)
from tests.sites.public.api.running_service import MovedClock
from tests.staff.accounts.software_passkey import SoftwarePasskey
from voting_service.infrastructure.postgres.pool import connect
from voting_service.settings import Settings

ACCOUNT, OPTIONS = "/account", "/sign-in/passkey"
FOR = {"for": "sign-in"}
NAME = "supervisor-1"


@pytest.fixture
async def staff_app(settings: Settings, clock: MovedClock) -> AsyncIterator[StaffApp]:
    """The site at a name: browsers have no passkeys for addresses in numbers."""
    async with running_staff_app(settings, clock) as running:
        running.origin = running.origin.replace("127.0.0.1", "localhost")
        running.state.settings = settings.model_copy(update={"staff_url": running.origin})
        yield running


def passkey(staff_app: StaffApp) -> SoftwarePasskey:
    return SoftwarePasskey("localhost", staff_app.origin)


async def add(client: StaffClient, key: SoftwarePasskey, name: str = "电脑") -> httpx.Response:
    options = (await client.get(f"{ACCOUNT}/passkeys/options")).json()
    form = {"name": name, "passkey": key.register(options)}
    return await client.post(f"{ACCOUNT}/passkeys", data=form)


async def sign_in(staff_app: StaffApp, answer: str, **changed: str) -> httpx.Response:
    form = {"name": NAME, "password": PASSWORD, "passkey": answer, "code": "", **changed}
    return await staff_app.client().post("/sign-in", data=form)


async def challenge(staff_app: StaffApp) -> dict[str, Any]:
    options: dict[str, Any] = (await staff_app.client().post(OPTIONS, data=FOR)).json()
    return options


async def test_password_and_passkey_sign_in_without_a_code(staff_app: StaffApp) -> None:
    client, key = await staff_app.signed_in_client("supervisor"), passkey(staff_app)
    added = await add(client, key)
    assert added.headers["location"] == "/account?done=added#passkeys"
    options = await challenge(staff_app)
    assert "allowCredentials" not in options or options["allowCredentials"] == [], "tells nothing"
    answer = await sign_in(staff_app, key.sign(options))
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    page = (await client.get(ACCOUNT)).text
    assert "电脑" in page
    code = await sign_in(staff_app, "", code=staff_app.code(NAME))
    assert code.status_code == 303, "codes go on working"
    acts = await staff_app.database.fetch("select act from audit_log order by entry")
    assert "passkey_added" in {row["act"] for row in acts}


async def test_no_other_answer_signs_in(staff_app: StaffApp) -> None:
    client, key = await staff_app.signed_in_client("supervisor"), passkey(staff_app)
    await add(client, key)
    other, foreign = await staff_app.signed_in_client("auditor"), passkey(staff_app)
    await add(other, foreign, "审计")
    used = key.sign(await challenge(staff_app))
    assert (await sign_in(staff_app, used)).status_code == 303

    def at(host: str, origin: str, count: int = 9) -> SoftwarePasskey:
        return SoftwarePasskey(host, origin, count, key.id, key.key)

    async def signed(by: SoftwarePasskey) -> str:
        return by.sign(await challenge(staff_app))

    refused: list[tuple[str, Callable[[], Awaitable[str]], dict[str, str]]] = [
        ("wrong origin", lambda: signed(at("localhost", "https://evil.example")), {}),
        ("wrong host", lambda: signed(at("evil.example", staff_app.origin)), {}),
        ("another account's", lambda: signed(foreign), {}),
        ("unknown", lambda: signed(passkey(staff_app)), {}),
        ("counter not grown", lambda: signed(at("localhost", staff_app.origin, 0)), {}),
        ("wrong password", lambda: signed(key), {"password": "x" * 12}),
        ("nobody's name", lambda: signed(key), {"name": "nobody"}),
    ]
    for what, answer, changed in refused:
        staff_app.clock.offset += timedelta(hours=1)  # the delay after wrong tries
        response = await sign_in(staff_app, await answer(), **changed)
        assert (response.status_code, "set-cookie" in response.headers) == (401, False), what
    registered = passkey(staff_app).register(await challenge(staff_app))
    made_up = key.sign({"challenge": "A" * 86})
    for wrong in (used, registered, made_up, "{", '{"id": 1, "response": []}'):
        staff_app.clock.offset += timedelta(hours=1)
        response = await sign_in(staff_app, wrong, code=staff_app.code(NAME))
        assert response.status_code == 401, "a code beside it does not help"
    staff_app.clock.offset += timedelta(hours=1)
    late = key.sign(await challenge(staff_app))
    staff_app.clock.offset += timedelta(minutes=3)
    assert (await sign_in(staff_app, late)).status_code == 401, "a challenge lasts for minutes"


async def test_a_passkey_is_added_by_its_owner_here_and_once(staff_app: StaffApp) -> None:
    client, key = await staff_app.signed_in_client("supervisor"), passkey(staff_app)
    other = await staff_app.signed_in_client("auditor")
    options = (await client.get(f"{ACCOUNT}/passkeys/options")).json()
    elsewhere = SoftwarePasskey("localhost", "https://evil.example")
    for sender, made in (
        (other, key.register(options)),
        (
            client,
            elsewhere.register((await client.get(f"{ACCOUNT}/passkeys/options")).json()),
        ),
        (client, key.register(await challenge(staff_app))),
        (client, ""),
    ):
        response = await sender.post(f"{ACCOUNT}/passkeys", data={"name": "x", "passkey": made})
        assert (response.status_code, "was not added" in response.text) == (409, True)
    assert (await add(client, key, " ")).status_code == 422
    assert (await add(client, key)).status_code == 303
    assert (await add(other, key)).status_code == 409, "one account's only"
    for number in range(2, 11):
        assert (await add(client, passkey(staff_app), str(number))).status_code == 303
    response = await add(client, passkey(staff_app))
    assert (response.status_code, "ten passkeys at most" in response.text) == (409, True)

    mine = await staff_app.database.fetchval("select min(id) from passkeys")
    theirs = f"{ACCOUNT}/passkeys/{mine}/remove"
    assert (await other.post(theirs, data={})).status_code == 404
    assert (await client.post(theirs, data={})).status_code == 303
    assert (await sign_in(staff_app, key.sign(await challenge(staff_app)))).status_code == 401
    staff_app.clock.offset += timedelta(minutes=6)
    script = {"accept": "application/json"}
    stale = await client.get(f"{ACCOUNT}/passkeys/options", headers=script)
    assert stale.status_code == 403, "the identity is confirmed first"
    for path in ("/passkeys", f"/passkeys/{mine}/remove"):
        answer = await client.post(f"{ACCOUNT}{path}", data={"name": "x"})
        assert answer.headers["location"].startswith("/confirm")


async def test_a_passkey_confirms_the_identity_once(staff_app: StaffApp) -> None:
    client, key = await staff_app.signed_in_client("supervisor"), passkey(staff_app)
    await add(client, key)
    staff_app.clock.offset += timedelta(minutes=6)
    assert 'id="use-passkey"' in (await client.get("/confirm?next=/account")).text
    foreign = passkey(staff_app).sign(await challenge(staff_app))
    answer = await client.post("/confirm", data={"next": ACCOUNT, "passkey": foreign})
    assert answer.status_code == 401
    staff_app.clock.offset += timedelta(minutes=1)
    signed = {"next": ACCOUNT, "passkey": key.sign(await challenge(staff_app))}
    answer = await client.post("/confirm", data=signed)
    assert (answer.status_code, answer.headers["location"]) == (303, ACCOUNT)
    assert (await client.get(f"{ACCOUNT}/passkeys/options")).status_code == 200, "confirmed"
    staff_app.clock.offset += timedelta(minutes=6)
    assert (await client.post("/confirm", data=signed)).status_code == 401, "used already"


async def test_a_renewed_account_has_no_passkey_left(staff_app: StaffApp) -> None:
    client, key = await staff_app.signed_in_client("recommender"), passkey(staff_app)
    await add(client, key)
    owner = await connect(staff_app.settings.migration_url)
    account = staff_app.accounts["recommender-1"]
    admin = await staff_app.account("administrator")
    async with owner.transaction():
        await owner.execute(
            "insert into invitations (token_hash, role, note, account_id, invited_by, invited_at, "
            "expires_at, used_at) values (sha256('x'), 'recommender', 'lost', $1, $2, now(), "
            "now() + interval '1 hour', null)",
            account.id,
            admin.id,
        )
        await owner.execute("update invitations set used_at = now() where note = 'lost'")
        await owner.execute("select renew_account(sha256('x'), 'hash', 'secret')")
    await owner.close()
    assert await staff_app.database.fetchval("select count(*) from passkeys") == 0


def virtual_authenticator(**more: Any) -> dict[str, Any]:
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    return {"options": {**options, **more}}


async def test_a_person_adds_and_uses_a_passkey_in_chromium(
    staff_app: StaffApp, desktop: Page
) -> None:
    devices = await desktop.context.new_cdp_session(desktop)
    await devices.send("WebAuthn.enable")
    await devices.send("WebAuthn.addVirtualAuthenticator", virtual_authenticator())
    await staff_app.sign_in(desktop, "supervisor", ACCOUNT)
    await desktop.fill("#passkey-name", "办公室电脑")
    await desktop.click("#add-passkey button")
    await expect(desktop.locator("main")).to_contain_text("通行密钥已添加")
    await expect(desktop.get_by_role("rowheader", name="办公室电脑")).to_be_visible()
    await assert_accessible(desktop)
    await desktop.click("header form button")
    await desktop.wait_for_url("**/sign-in")
    await expect(desktop.locator("#use-passkey")).to_be_visible()
    await assert_accessible(desktop)
    await desktop.fill("#name", NAME)
    await desktop.fill("#password", PASSWORD)
    await desktop.click("#use-passkey")
    await desktop.wait_for_url(staff_app.origin + "/")
    await desktop.goto(staff_app.origin + ACCOUNT)
    await desktop.click("summary:has-text('移除')")
    await desktop.click("button:has-text('确认移除')")
    await expect(desktop.locator("main")).to_contain_text("尚未添加通行密钥")


async def test_where_there_are_no_passkeys_codes_are_all_there_is(
    staff_app: StaffApp, desktop: Page
) -> None:
    """At an address in numbers, and in a browser without them."""
    await desktop.add_init_script("delete window.PublicKeyCredential")
    await desktop.goto(f"{staff_app.origin}/sign-in")
    await expect(desktop.locator("#use-passkey")).to_be_hidden()
    numbers = {"staff_url": "http://127.0.0.1:8001"}
    staff_app.state.settings = staff_app.settings.model_copy(update=numbers)
    client = await staff_app.signed_in_client("supervisor")
    assert "use-passkey" not in (await staff_app.client().get("/sign-in")).text
    assert "host name over https" in (await client.get(ACCOUNT)).text
    assert (await staff_app.client().post(OPTIONS, data=FOR)).status_code == 404


@pytest.mark.parametrize(
    ("staff_url", "host"),
    [
        ("https://desk.example.gov.cn", "desk.example.gov.cn"),
        ("https://desk.example:8443", "desk.example"),
        ("http://localhost:8001", "localhost"),
        ("http://desk.example", None),
        ("https://10.1.2.3", None),
        ("http://127.0.0.1:8001", None),
        ("https://[::1]:8001", None),
    ],
)
def test_passkeys_are_bound_to_the_host_of_the_staff_site(
    settings: Settings, staff_url: str, host: str | None
) -> None:
    assert settings.model_copy(update={"staff_url": staff_url}).passkey_host == host
