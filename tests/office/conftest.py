"""The office runs in the same process as the staff's desk; so do its tests' fixtures."""

from __future__ import annotations

import pytest

from tests.office.selection_data import Chosen, store_selection
from tests.staff.conftest import clock, desktop, guard, office
from tests.staff.running_office import Office

__all__ = ["clock", "desktop", "guard", "office"]


@pytest.fixture
async def chosen(office: Office) -> Chosen:
    return await store_selection(office.database, office.clock())
