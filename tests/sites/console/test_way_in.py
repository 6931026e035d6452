"""The ways in that are no ways in: stolen, expired, ended and tampered cookies, forms of other
sites, parameters that claim too much, addresses that lead away."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sites.console.running_staff_app import PASSWORD, StaffApp
from tests.sites.public.api.running_service import MovedClock
from voting_service.sites.shared.signed_in.access import csrf_token, safe_next
from voting_service.staff.accounts.sessions import (
    ABSOLUTE,
    CONFIRMED_FOR,
    IDLE,
)

CONSOLE = "https://desk.example"


async def is_in(client: httpx.AsyncClient) -> bool:
    answer = await client.get("/account")
    assert answer.status_code in {200, 303}
    return answer.status_code == 200


async def test_a_session_ends_when_it_is_idle_and_in_any_case(
    staff_app: StaffApp, clock: MovedClock
) -> None:
    clerk = await staff_app.signed_in_client("tally_clerk")
    clock.offset += IDLE - timedelta(seconds=2)
    assert await is_in(clerk)
    clock.offset += IDLE
    assert not await is_in(clerk)
    clerk = await staff_app.signed_in_client("tally_clerk")
    for _ in range(int(ABSOLUTE / (IDLE / 2)) - 1):
        clock.offset += IDLE / 2
        assert await is_in(clerk)
    clock.offset += IDLE / 2
    assert not await is_in(clerk)


async def test_a_chart_that_asks_by_itself_keeps_no_session(
    staff_app: StaffApp, clock: MovedClock
) -> None:
    clerk = await staff_app.signed_in_client("tally_clerk")
    for _ in range(3):
        clock.offset += IDLE / 3
        await clerk.get("/account", headers={"background-refresh": "1"})
    assert not await is_in(clerk)


async def test_a_stolen_cookie_publishes_nothing_without_a_proof(
    staff_app: StaffApp, clock: MovedClock
) -> None:
    token = await staff_app.token("administrator")
    clock.offset += CONFIRMED_FOR
    thief = staff_app.client(token)
    assert await is_in(thief)
    answer = await thief.post("/accounts/invite", data={"role": "supervisor", "note": "x"})
    assert answer.headers["location"].startswith("/confirm?next=")
    for proof in ("", "000000", PASSWORD + "!"):
        assert (await thief.post("/confirm", data={"proof": proof})).status_code == 401
    answer = await thief.post(
        "/accounts/invite",
        data={"role": "supervisor", "note": "x"},
        headers={"accept": "application/json"},
    )
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/confirm-identity")
    assert await staff_app.database.fetchval("select count(*) from invitations") == 0


@pytest.mark.parametrize("proof", ["password", "code"])
async def test_password_or_code_proves_who_one_is(
    staff_app: StaffApp, clock: MovedClock, proof: str
) -> None:
    admin = await staff_app.signed_in_client("administrator")
    clock.offset += CONFIRMED_FOR
    given = PASSWORD if proof == "password" else staff_app.code("administrator-1")
    answer = await admin.post("/confirm", data={"proof": given, "next": "/accounts"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/accounts")
    answer = await admin.post("/accounts/invite", data={"role": "auditor", "note": "x"})
    assert answer.status_code == 201
    if proof == "code":
        again = await admin.post("/confirm", data={"proof": given})
        assert again.status_code == 401, "a code is good once"


async def test_signing_out_and_being_disabled_end_what_was_copied(staff_app: StaffApp) -> None:
    token = await staff_app.token("auditor")
    auditor, copy = staff_app.client(token), staff_app.client(token)
    answer = await auditor.post("/sign-out", data={})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert not await is_in(copy)
    second = await staff_app.signed_in_client("auditor")
    admin = await staff_app.signed_in_client("administrator")
    account = staff_app.accounts["auditor-1"]
    assert (await admin.post(f"/accounts/{account.id}/disable", data={})).status_code == 303
    assert not await is_in(second)


async def test_a_tampered_cookie_is_nobodys(staff_app: StaffApp) -> None:
    token = await staff_app.token("auditor")
    for wrong in (token[:-1], token[::-1], f"{token}x", "x" * 43, "' or 1=1 --", ""):
        assert not await is_in(staff_app.client(wrong))


SITES = {
    "another origin": {"origin": "https://evil.example"},
    "another site": {"sec-fetch-site": "cross-site"},
    "a neighbour": {"sec-fetch-site": "same-site", "origin": "https://www.desk.example"},
    "a sandboxed frame": {"origin": "null"},
}


@pytest.mark.parametrize("headers", SITES.values(), ids=list(SITES))
async def test_posts_from_other_sites_are_refused(
    staff_app: StaffApp, headers: dict[str, str]
) -> None:
    token = await staff_app.token("auditor")
    for client, path in (
        (staff_app.client(token), "/sign-out"),
        (staff_app.client(token), "/account/end-session"),
        (staff_app.client(), "/sign-in"),
    ):
        answer = await client.post(path, data={"next": "/"}, headers=headers)
        assert answer.status_code == 403
        assert (
            "sent-from-elsewhere"
            in (await client.post(path, data={}, headers={**headers, "accept": "*/*"})).text
        )
    assert await is_in(staff_app.client(token))


async def test_a_form_without_this_sessions_mark_is_refused(staff_app: StaffApp) -> None:
    token, other = await staff_app.token("auditor"), await staff_app.token("auditor", "auditor-2")
    client = staff_app.client(token)
    for wrong in ("", csrf_token(other), csrf_token(token)[:-1], token, "ü"):
        assert (await client.post("/sign-out", data={"csrf": wrong})).status_code == 403
    twice = f"csrf={csrf_token(token)}&csrf={csrf_token(token)}"
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert (await client.post("/sign-out", content=twice, headers=form)).status_code == 403
    assert await is_in(client)


async def test_only_administrators_and_who_approves_reach_accounts(staff_app: StaffApp) -> None:
    target = await staff_app.account("auditor", "auditor-9")
    for role in ("tally_clerk", "reviewer", "supervisor", "auditor"):
        client = await staff_app.signed_in_client(role)
        approves = role == "supervisor"
        assert (await client.get("/accounts")).status_code == (200 if approves else 403)
        assert (await client.get(f"/accounts/{target.id}")).status_code == 403
        for path in ("/accounts/invite", f"/accounts/{target.id}/disable"):
            answer = await client.post(path, data={"role": "administrator", "note": "x"})
            assert answer.status_code == 403
        assert ("/accounts" in (await client.get("/")).text) is approves
    assert await staff_app.database.fetchval("select count(*) from invitations") == 0


async def test_parameters_do_not_reach_other_peoples_sessions(staff_app: StaffApp) -> None:
    victim = staff_app.client(await staff_app.token("supervisor"))
    sessions = await staff_app.database.fetch("select token_hash from staff_sessions")
    attacker = await staff_app.signed_in_client("auditor")
    for session in sessions:
        answer = await attacker.post(
            "/account/end-session",
            data={
                "session": session["token_hash"].hex(),
                "account": str(staff_app.accounts["supervisor-1"].id),
            },
        )
        assert answer.status_code == 404
    assert await is_in(victim)


AWAY = [
    "https://evil.example/",
    "//evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "javascript:alert(1)",
    "evil.example",
    "",
]


@pytest.mark.parametrize("expected", AWAY)
async def test_nothing_leads_to_another_site(staff_app: StaffApp, expected: str) -> None:
    auditor = await staff_app.signed_in_client("auditor")
    for path in ("/sign-in", "/language/en"):
        answer = await auditor.get(path, params={"next": expected})
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
    answer = await auditor.post("/confirm", data={"proof": PASSWORD, "next": expected})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


def as_a_browser_reads(address: str) -> str:
    """WHATWG URL: tabs and line ends are dropped, spaces trimmed, backslashes are slashes."""
    kept = address.strip("\x00\x01\x02 \t\r\n\x0b\x0c")
    for dropped in "\t\r\n":
        kept = kept.replace(dropped, "")
    return kept.replace("\\", "/")


@given(st.text(alphabet=st.sampled_from("/\\:?#@.ab \t\n\r\0é%"), max_size=12) | st.text())
def test_an_address_to_go_on_to_is_always_ours(expected: str) -> None:
    led = urlsplit(urljoin(CONSOLE + "/sign-in", as_a_browser_reads(safe_next(expected))))
    assert f"{led.scheme}://{led.netloc}" == CONSOLE


@given(st.from_regex(r"/[a-z0-9/.-]{0,20}(\?[a-z=&0-9]{0,10})?", fullmatch=True))
def test_an_address_of_ours_is_kept(expected: str) -> None:
    assert safe_next(expected) == (expected if not expected.startswith("//") else "/")
