"""The nomination site runs in the same process as the console, and so do the fixtures."""

from __future__ import annotations

import pytest

from tests.sites.console.conftest import (
    clock,
    desktop,
    guard,
    office,
)
from tests.sites.console.running_office import Office
from tests.sites.nomination.bodies.selection_data import Chosen, store_selection

__all__ = ["clock", "desktop", "guard", "office"]


@pytest.fixture
async def chosen(office: Office) -> Chosen:
    return await store_selection(office.database, office.clock())
