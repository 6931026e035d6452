"""Guessing at the sign-in: slowed down where it comes from, and nobody else notices."""

from __future__ import annotations

import asyncio
import threading
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis
from starlette.requests import Request

from tests.patience import PATIENCE_SECONDS
from tests.sites.console.running_staff_app import PASSWORD, StaffApp, StaffClient, running_staff_app
from voting_service.demo.embedded_server import HOST, free_port
from voting_service.settings import Settings
from voting_service.sites.shared.signed_in import rate_limits
from voting_service.staff.accounts.failed_sign_ins import FREE_TRIES
from voting_service.staff.accounts.known_devices import (
    issue_device_cookie,
    read_device_cookie,
)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """The test's own X-Forwarded-For is believed, so that it can come from anywhere."""
    return settings.model_copy(update={"trusted_proxies": (ip_network("127.0.0.1/32"),)})


async def test_guessing_slows_down_the_place_of_the_guesses(staff_app: StaffApp) -> None:
    await staff_app.account("supervisor")
    here, elsewhere = (staff_app.client(**{"x-forwarded-for": f"192.0.{n}.1"}) for n in (2, 3))
    wrong = {"name": "supervisor-1", "password": "wrong", "code": "000000"}
    for _ in range(FREE_TRIES):
        assert (await here.post("/sign-in", data=wrong)).status_code == 401
    right = {"name": "supervisor-1", "password": PASSWORD}
    answer = await here.post("/sign-in", data={**right, "code": staff_app.code("supervisor-1")})
    assert answer.status_code == 429
    assert "Too many failed attempts from your network" in answer.text
    answer = await elsewhere.post(
        "/sign-in", data={**right, "code": staff_app.code("supervisor-1")}
    )
    assert answer.status_code == 303


async def test_a_colleague_s_tries_do_not_lock_out_a_known_device(staff_app: StaffApp) -> None:
    """Who has signed in there before is counted by the browser: for the delay, and for the requests
    a minute. That browser's own guesses are delayed, and so are another account's in it."""
    await staff_app.account("supervisor")
    await staff_app.account("supervisor", "colleague")

    def form(name: str, code: str = "000000") -> dict[str, str]:
        return {"name": name, "password": PASSWORD, "code": code}

    async def status(browser: StaffClient, data: dict[str, str]) -> int:
        return (await browser.post("/sign-in", data=data)).status_code

    mine, theirs, new = (staff_app.client(**{"x-forwarded-for": "192.0.2.1"}) for _ in range(3))
    await mine.get("/sign-in")
    assert await status(mine, form("supervisor-1", staff_app.code("supervisor-1"))) == 303
    assert await status(theirs, form("colleague", staff_app.code("colleague"))) == 303
    for browser in (mine, theirs):
        browser.cookies.delete("staff")
    guesses = [await status(theirs, form("supervisor-1")) for _ in range(FREE_TRIES + 1)]
    assert guesses == [401] * FREE_TRIES + [429]
    per_minute = int(rate_limits.RATES["sign_in"].split("/")[0])
    for _ in range(per_minute):
        answer = await new.post("/sign-in", data=form("colleague <>"))
        if answer.status_code == 429:
            break
    answer = await new.post("/sign-in", data=form("colleague <>"))
    assert answer.status_code == 429
    assert answer.headers["retry-after"].isdecimal()
    assert 'value="colleague &lt;&gt;"' in answer.text, "the typed name is kept"

    assert await status(mine, form("supervisor-1", staff_app.code("supervisor-1"))) == 303
    mine.cookies.delete("staff")
    guesses = [await status(mine, form("supervisor-1")) for _ in range(FREE_TRIES + 1)]
    assert guesses == [401] * FREE_TRIES + [429]
    assert await status(mine, form("supervisor-1", staff_app.code("supervisor-1"))) == 429


async def test_networks_of_one_48_guess_together(staff_app: StaffApp) -> None:
    await staff_app.account("supervisor")
    wrong = {"name": "supervisor-1", "password": "wrong", "code": "000000"}
    statuses = [
        (
            await staff_app.client(**{"x-forwarded-for": f"2001:db8:1:{number}::1"}).post(
                "/sign-in", data=wrong
            )
        ).status_code
        for number in range(FREE_TRIES + 1)
    ]
    assert statuses == [401] * FREE_TRIES + [429]
    other = staff_app.client(**{"x-forwarded-for": "2001:db8:2::1"})
    assert (await other.post("/sign-in", data=wrong)).status_code == 401


@given(st.text(max_size=40), st.binary(min_size=1, max_size=80))
def test_a_device_cookie_is_only_what_was_issued(name: str, other: bytes) -> None:
    key = b"k" * 32
    cookie = issue_device_cookie(key, name.encode("utf-8", "replace").decode())
    device = read_device_cookie(key, cookie)
    assert device is not None
    assert device.account == name.encode("utf-8", "replace").decode()
    assert read_device_cookie(b"o" * 32, cookie) is None
    for wrong in (other.decode("latin-1"), cookie[:-4], "A" + cookie[1:], ""):
        assert wrong == cookie or read_device_cookie(key, wrong) is None


async def test_one_network_tries_only_so_often(staff_app: StaffApp) -> None:
    here, elsewhere = (staff_app.client(**{"x-forwarded-for": f"192.0.{n}.1"}) for n in (2, 3))
    per_minute = int(rate_limits.RATES["invitation"].split("/")[0])
    statuses = [(await here.get("/invitation/x")).status_code for _ in range(per_minute + 1)]
    assert statuses == [404] * per_minute + [429]
    answer = await here.get("/invitation/x")
    assert answer.headers["retry-after"] == "60"
    assert (await elsewhere.get("/invitation/x")).status_code == 404


async def test_all_links_count_together_in_valkey_and_without_their_tokens(
    staff_app: StaffApp, valkey_url: str
) -> None:
    here = staff_app.client(**{"x-forwarded-for": "192.0.2.1"})
    for link in ("/invitation/one", "/invitation/two"):
        assert (await here.get(link)).status_code == 404
    assert (await here.post("/invitation/three", data={})).status_code == 404
    async with Redis.from_url(valkey_url) as store:
        (key,) = await store.keys("LIMITS*")
        assert b"192.0.2.0/24/invitation" in key
        assert await store.get(key) == b"3"


async def test_without_valkey_each_process_counts(settings: Settings) -> None:
    away = settings.model_copy(update={"valkey_url": f"redis://{HOST}:{free_port()}/0"})
    per_minute = int(rate_limits.RATES["invitation"].split("/")[0])
    async with running_staff_app(away) as staff_app:
        here = staff_app.client(**{"x-forwarded-for": "198.51.100.1"})
        statuses = [(await here.get("/invitation/x")).status_code for _ in range(per_minute + 1)]
    assert statuses == [404] * per_minute + [429]


async def test_counting_does_not_hold_up_the_loop(
    staff_app: StaffApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that answers slowly keeps the one who signs in waiting, and nobody else."""
    reached, go_on, threads = threading.Event(), threading.Event(), []

    def slow(_request: Request) -> str:
        threads.append(threading.current_thread())
        reached.set()
        assert go_on.wait(2 * PATIENCE_SECONDS)
        return "192.0.2.0/24"

    monkeypatch.setattr(rate_limits, "limited_network", slow)
    slowed, other = staff_app.client(), staff_app.client()
    task = asyncio.create_task(slowed.get("/invitation/x"))
    assert await asyncio.to_thread(reached.wait, PATIENCE_SECONDS)
    assert (await other.get("/healthz")).status_code == 200, "before the slowed one has gone on"
    assert not task.done()
    go_on.set()
    assert (await task).status_code == 404
    assert threads[0] is not threading.main_thread()


async def test_failed_tries_stand_in_the_audit_log_without_what_was_typed(
    staff_app: StaffApp,
) -> None:
    await staff_app.account("supervisor")
    browser = staff_app.client()
    for name in ("supervisor-1", "my secret password"):
        await browser.post("/sign-in", data={"name": name, "password": "x", "code": "000000"})
    rows = await staff_app.database.fetch(
        "select actor, act, subject, details::text from audit_log order by entry"
    )
    assert [tuple(row)[:3] for row in rows] == [
        ("console", "sign_in_failed", "supervisor-1"),
        ("console", "sign_in_failed", ""),
    ]
    assert "my secret password" not in str([tuple(row) for row in rows])
