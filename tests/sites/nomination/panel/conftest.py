"""A panel whose thirty came back from the vote, on a console of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.jobs.queue_workers import document_worker
from tests.sites.console.running_staff_app import StaffApp, StaffClient
from tests.sites.nomination.panel.panel_data import (
    DOCUMENTS,
    EXPERTS,
    Chosen,
    chosen_thirty,
    end_objections,
)
from voting_service.demo.document_signer import demo_signer


@pytest.fixture
async def chosen(staff_app: StaffApp) -> Chosen:
    return await chosen_thirty(staff_app)


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
async def reviewer(staff_app: StaffApp, chosen: Chosen) -> StaffClient:
    """Staff of the joint office, once the result is out; one expert was absent, one had a
    conflict."""
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
    return client


def _ladder_without_three() -> dict[int, tuple[str, str]]:
    return {n: (str(100 - 2 * n), "40") for n in range(1, 31) if n != 3}
