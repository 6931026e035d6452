"""The nomination site, an open selection, and an officer of its northern district."""

from __future__ import annotations

import pytest

from tests.sites.console.conftest import (
    clock,
    desktop,
    guard,
    office,
)
from tests.sites.console.running_office import Office
from tests.sites.nomination.bodies.conftest import chosen
from tests.sites.nomination.bodies.selection_data import Chosen, seat_officer
from voting_service.nomination.privacy.encryption import PersonalKeys
from voting_service.settings import Settings
from voting_service.staff.accounts.model import Account

__all__ = ["chosen", "clock", "desktop", "guard", "office"]


@pytest.fixture
def keys(settings: Settings) -> PersonalKeys:
    return PersonalKeys.of(settings)


@pytest.fixture
async def officer(office: Office, chosen: Chosen) -> Account:
    """Of the body `north`."""
    return await seat_officer(office, chosen.bodies["north"], "officer")
