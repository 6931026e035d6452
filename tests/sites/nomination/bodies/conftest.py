"""An open selection."""

from __future__ import annotations

import pytest

from tests.sites.console.running_staff_app import StaffApp
from tests.sites.nomination.bodies.selection_data import Chosen, store_selection


@pytest.fixture
async def chosen(staff_app: StaffApp) -> Chosen:
    return await store_selection(staff_app.database, staff_app.clock())
