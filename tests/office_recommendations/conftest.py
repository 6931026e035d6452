"""The desk with the office, a selection that is open, and an officer of its northern district."""

from __future__ import annotations

import pytest

from tests.office.conftest import chosen
from tests.office.selection_data import Chosen, seat_officer
from tests.staff.conftest import clock, desktop, guard, office
from tests.staff.running_office import Office
from voting_service.accounts.model import Account
from voting_service.office.sealing import PersonalKeys
from voting_service.settings import Settings

__all__ = ["chosen", "clock", "desktop", "guard", "office"]


@pytest.fixture
def keys(settings: Settings) -> PersonalKeys:
    return PersonalKeys.of(settings)


@pytest.fixture
async def officer(office: Office, chosen: Chosen) -> Account:
    """Of the body `north`."""
    return await seat_officer(office, chosen.bodies["north"], "officer")
