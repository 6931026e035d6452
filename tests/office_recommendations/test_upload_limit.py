"""One network sends files only so often, and is told when to go on."""

from __future__ import annotations

import pytest

from tests.office.selection_data import Chosen
from tests.office_recommendations.posting import post_step
from tests.staff.running_office import Office
from voting_service.accounts.model import Account
from voting_service.desk import limits
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
