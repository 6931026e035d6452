"""Uploads are rate-limited by network, with a Retry-After."""

from __future__ import annotations

import asyncio

import pytest

from tests.sites.console.running_staff_app import StaffApp
from tests.sites.nomination.bodies.selection_data import Chosen, acting, seat_officer
from tests.sites.nomination.recommendations.posting import post_step
from voting_service.nomination.privacy.encryption import PersonalKeys
from voting_service.nomination.recommendations.service import create_draft
from voting_service.settings import Settings
from voting_service.sites.shared.signed_in import rate_limits, uploads
from voting_service.staff.accounts.model import Account


@pytest.fixture
def settings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Three uploads a minute, set before the site starts."""
    monkeypatch.setitem(rate_limits.RATES, "upload", "3/minute")
    return settings


async def test_uploads_of_a_network_are_rate_limited(
    staff_app: StaffApp, chosen: Chosen, keys: PersonalKeys, officer: Account
) -> None:
    client = await staff_app.signed_in_client("recommender", officer.name)
    actor = acting(officer, chosen.selection, keys, staff_app.database)
    number = await create_draft(actor, chosen.bodies["north"])
    sent = [await post_step(client, number, "deeds", {}) for _ in range(4)]
    assert [answer.status_code for answer in sent] == [303, 303, 303, 503]
    assert sent[-1].headers["retry-after"] == "60"
    typed = await post_step(client, number, "deeds", {"deeds": "事迹"}, json=True)
    assert typed.status_code == 200, "what is typed is kept all the same"


async def test_a_slow_upload_does_not_block_others(
    staff_app: StaffApp,
    chosen: Chosen,
    keys: PersonalKeys,
    officer: Account,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Both turns of the first officer are taken; the second has turns of their own."""
    monkeypatch.setattr(uploads, "WAIT_SECONDS", 0.05)
    other = await seat_officer(staff_app, chosen.bodies["north"], "other")
    actor = acting(officer, chosen.selection, keys, staff_app.database)
    number = await create_draft(actor, chosen.bodies["north"])
    slow = asyncio.Semaphore(uploads.AT_ONCE_EACH)
    monkeypatch.setitem(uploads._own_turns, officer.id, slow)
    async with slow, slow:
        client = await staff_app.signed_in_client("recommender", officer.name)
        assert (await post_step(client, number, "deeds", {})).status_code == 503
        typed = await post_step(client, number, "deeds", {"deeds": "事迹"}, json=True)
        assert typed.status_code == 200, "what is typed takes no turn"
        colleague = await staff_app.signed_in_client("recommender", other.name)
        assert (await post_step(colleague, number, "person", {})).status_code == 303
    large = {"deeds": "一" * 20_000, **{f"x{place}": "一" * 20_000 for place in range(9)}}
    assert (await post_step(client, number, "deeds", large, json=True)).status_code == 413
