"""A panel whose thirty came back from the vote, on a desk of its own."""

from __future__ import annotations

import pytest

from tests.sites.console.conftest import (
    clock,
    desktop,
    guard,
    office,
)
from tests.sites.console.running_office import Office
from tests.sites.nomination.panel.panel_data import Chosen, chosen_thirty

__all__ = ["clock", "desktop", "guard", "office"]


@pytest.fixture
async def chosen(office: Office) -> Chosen:
    return await chosen_thirty(office)
