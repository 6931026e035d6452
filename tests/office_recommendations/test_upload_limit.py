"""One network sends files only so often, and is told when to go on."""

from __future__ import annotations

import asyncio

import pytest

from tests.office.selection_data import Chosen, seat_officer
from tests.office_recommendations.posting import post_step
from tests.staff.running_office import Office
from voting_service.accounts.model import Account
from voting_service.desk import limits, uploads
from voting_service.office.recommendations.store import create_draft
from voting_service.office.sealing import PersonalKeys
from voting_service.settings import Settings


@pytest.fixture
def settings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Before the desk starts: it takes three a minute."""
    monkeypatch.setitem(limits.RATES, "upload", "3/minute")
    return settings


async def test_one_network_sends_files_only_so_often(
    office: Office, chosen: Chosen, keys: PersonalKeys, officer: Account
) -> None:
    client = await office.signed_in_client("recommender", officer.name)
    number = await create_draft(
        office.database, keys, chosen.selection, body=chosen.bodies["north"], account=officer
    )
    sent = [await post_step(client, number, "deeds", {}) for _ in range(4)]
    assert [answer.status_code for answer in sent] == [303, 303, 303, 503]
    assert sent[-1].headers["retry-after"] == "60"
    typed = await post_step(client, number, "deeds", {"deeds": "事迹"}, json=True)
    assert typed.status_code == 200, "what is typed is kept all the same"


async def test_who_sends_slowly_keeps_nobody_else_from_saving(
    office: Office,
    chosen: Chosen,
    keys: PersonalKeys,
    officer: Account,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Both turns of the first officer are taken; the second has turns of their own."""
    monkeypatch.setattr(uploads, "WAIT_SECONDS", 0.05)
    other = await seat_officer(office, chosen.bodies["north"], "other")
    number = await create_draft(
        office.database, keys, chosen.selection, body=chosen.bodies["north"], account=officer
    )
    slow = asyncio.Semaphore(uploads.AT_ONCE_EACH)
    monkeypatch.setitem(uploads._own_turns, officer.id, slow)
    async with slow, slow:
        client = await office.signed_in_client("recommender", officer.name)
        assert (await post_step(client, number, "deeds", {})).status_code == 503
        typed = await post_step(client, number, "deeds", {"deeds": "事迹"}, json=True)
        assert typed.status_code == 200, "what is typed takes no turn"
        colleague = await office.signed_in_client("recommender", other.name)
        assert (await post_step(colleague, number, "person", {})).status_code == 303
    large = {"deeds": "一" * 20_000, **{f"x{place}": "一" * 20_000 for place in range(9)}}
    assert (await post_step(client, number, "deeds", large, json=True)).status_code == 413
