"""A panel whose thirty came back from the vote, on a console of its own.

Both states of it that tests begin with are stored once, and each test has a copy of the database.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.jobs.queue_workers import document_worker
from tests.sites.console.running_staff_app import StaffApp, StaffClient, running_staff_app
from tests.sites.nomination.panel.panel_data import (
    DOCUMENTS,
    EXPERTS,
    Chosen,
    chosen_thirty,
    end_objections,
)
from tests.sites.public.api.running_service import MovedClock
from voting_service.demo.document_signer import demo_signer
from voting_service.settings import Settings

Make = Callable[..., Awaitable[Settings]]


@pytest.fixture(scope="session")
async def stored_thirty(lasting_settings: Make) -> Chosen:
    """The thirty, of a console that has ended."""
    async with running_staff_app(await lasting_settings("panel_of_thirty")) as staff_app:
        return await chosen_thirty(staff_app)


@pytest.fixture(scope="session")
async def stored_result(lasting_settings: Make, stored_thirty: Chosen) -> Chosen:
    """The same once the result is out and the certificates have numbers; one expert was absent,
    one had a conflict."""
    before = stored_thirty.staff_app
    settings = copy_settings(before, await lasting_settings("panel_with_result", "panel_of_thirty"))
    async with running_staff_app(settings, like=before) as staff_app:
        chosen = replace(stored_thirty, staff_app=staff_app, tokens={})
        await chosen.seat("expert-a", body="north")
        for name in EXPERTS[1:]:
            await chosen.seat(name)
        await chosen.set_rules()
        await chosen.client("expert-a").get("/selections/selection-2022/panel")
        await chosen.submit_sheet("expert-a", _ladder_without_three())
        for name in EXPERTS[1:6]:
            await chosen.submit_sheet(name, _ladder_without_three() | {3: ("94", "40")})
        missing = await staff_app.account("expert", EXPERTS[6])
        await chosen.decide("panel", "close/1", {"round": 1, "absent": [missing.id]})
        await chosen.publish_result()
        await end_objections(staff_app, chosen)
        client = await staff_app.signed_in_client("reviewer")
        assert (await client.post(f"{DOCUMENTS}/certificates", data={})).status_code == 303
        return chosen


def copy_settings(staff_app: StaffApp, settings: Settings) -> Settings:
    """The settings for a copy of its database."""
    its = staff_app.settings
    keys = {"master_key": its.master_key, "signing_key_file": its.signing_key_file}
    return settings.model_copy(update=keys)


@pytest.fixture
def stored(request: pytest.FixtureRequest) -> Chosen:
    """What the test begins with."""
    has_result = "reviewer" in request.fixturenames
    chosen: Chosen = request.getfixturevalue("stored_result" if has_result else "stored_thirty")
    return chosen


@pytest.fixture
def database_template(stored: Chosen) -> str:
    return urlsplit(stored.staff_app.settings.database_url).path.removeprefix("/")


@pytest.fixture
def settings(settings: Settings, stored: Chosen) -> Settings:
    return copy_settings(stored.staff_app, settings)


@pytest.fixture
async def staff_app(
    settings: Settings, clock: MovedClock, stored: Chosen
) -> AsyncIterator[StaffApp]:
    before = stored.staff_app
    clock.offset = before.clock.offset
    async with running_staff_app(settings, clock, like=before) as running:
        yield running


@pytest.fixture
def chosen(staff_app: StaffApp, stored: Chosen) -> Chosen:
    return replace(stored, staff_app=staff_app, tokens=dict(stored.tokens))


@pytest.fixture
async def worker(staff_app: StaffApp, tmp_path: Path) -> AsyncIterator[None]:
    """A worker that renders what the console requests, and signs what the joint office issues."""
    key, certificate = demo_signer()
    files = {"document_signing_key_file": key, "document_signing_certificate_file": certificate}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    async with document_worker(staff_app, **{name: tmp_path / name for name in files}):
        yield


@pytest.fixture
async def reviewer(staff_app: StaffApp) -> StaffClient:
    """Staff of the joint office, once the result is out: the test begins with `stored_result`."""
    return await staff_app.signed_in_client("reviewer")


def _ladder_without_three() -> dict[int, tuple[str, str]]:
    return {n: (str(100 - 2 * n), "40") for n in range(1, 31) if n != 3}
