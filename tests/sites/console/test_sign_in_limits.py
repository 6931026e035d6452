"""Guessing at the sign-in: slowed down where it comes from, and nobody else notices."""

from __future__ import annotations

import asyncio
import threading
import time
from ipaddress import ip_network

import pytest
from starlette.requests import Request

from tests.sites.console.running_office import PASSWORD, Office
from voting_service.settings import Settings
from voting_service.sites.shared.signed_in import rate_limits
from voting_service.staff.accounts.sign_in import FREE_TRIES


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """The test's own X-Forwarded-For is believed, so that it can come from anywhere."""
    return settings.model_copy(update={"trusted_proxies": (ip_network("127.0.0.1/32"),)})


async def test_guessing_slows_down_the_place_of_the_guesses(office: Office) -> None:
    await office.account("supervisor")
    here, elsewhere = (office.client(**{"x-forwarded-for": f"192.0.{n}.1"}) for n in (2, 3))
    wrong = {"name": "supervisor-1", "password": "wrong", "code": "000000"}
    for _ in range(FREE_TRIES):
        assert (await here.post("/sign-in", data=wrong)).status_code == 401
    right = {"name": "supervisor-1", "password": PASSWORD}
    answer = await here.post("/sign-in", data={**right, "code": office.code("supervisor-1")})
    assert answer.status_code == 429
    assert "Too many failed attempts from your network" in answer.text
    answer = await elsewhere.post("/sign-in", data={**right, "code": office.code("supervisor-1")})
    assert answer.status_code == 303


async def test_one_network_tries_only_so_often(office: Office) -> None:
    here, elsewhere = (office.client(**{"x-forwarded-for": f"192.0.{n}.1"}) for n in (2, 3))
    per_minute = int(rate_limits.RATES["invitation"].split("/")[0])
    statuses = [(await here.get("/invitation/x")).status_code for _ in range(per_minute + 1)]
    assert statuses == [404] * per_minute + [429]
    answer = await here.get("/invitation/x")
    assert answer.headers["retry-after"] == "60"
    assert (await elsewhere.get("/invitation/x")).status_code == 404


async def test_counting_does_not_hold_up_the_loop(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that answers slowly keeps the one who signs in waiting, and nobody else."""
    reached, go_on, threads = threading.Event(), threading.Event(), []

    def slow(_request: Request) -> str:
        threads.append(threading.current_thread())
        reached.set()
        assert go_on.wait(20)
        return "192.0.2.0/24"

    monkeypatch.setattr(rate_limits, "network_of_request", slow)
    slowed, other = office.client(), office.client()
    asked = asyncio.create_task(slowed.get("/invitation/x"))
    assert await asyncio.to_thread(reached.wait, 20)
    started = time.monotonic()
    assert (await other.get("/healthz")).status_code == 200
    assert time.monotonic() - started < 5
    assert not asked.done()
    go_on.set()
    assert (await asked).status_code == 404
    assert threads[0] is not threading.main_thread()


async def test_failed_tries_stand_in_the_journal_without_what_was_typed(office: Office) -> None:
    await office.account("supervisor")
    browser = office.client()
    for name in ("supervisor-1", "my secret password"):
        await browser.post("/sign-in", data={"name": name, "password": "x", "code": "000000"})
    rows = await office.database.fetch(
        "select actor, act, subject, details::text from journal order by entry"
    )
    assert [tuple(row)[:3] for row in rows] == [
        ("desk", "sign_in_failed", "supervisor-1"),
        ("desk", "sign_in_failed", ""),
    ]
    assert "my secret password" not in str([tuple(row) for row in rows])
