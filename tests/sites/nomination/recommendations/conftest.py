"""The nomination site, an open selection, and an officer of its northern district."""

from __future__ import annotations

import pytest

from tests.sites.console.running_staff_app import StaffApp
from tests.sites.nomination.bodies.conftest import chosen
from tests.sites.nomination.bodies.selection_data import Chosen, seat_officer
from voting_service.nomination.privacy.encryption import PersonalKeys
from voting_service.settings import Settings
from voting_service.staff.accounts.model import Account

__all__ = ["chosen"]


@pytest.fixture
def keys(settings: Settings) -> PersonalKeys:
    return PersonalKeys.of(settings)


@pytest.fixture
async def officer(staff_app: StaffApp, chosen: Chosen) -> Account:
    """Of the body `north`."""
    return await seat_officer(staff_app, chosen.bodies["north"], "officer")
