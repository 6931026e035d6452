"""The nomination site, and a selection whose recommendation period is over."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.sites.console.conftest import (
    clock,
    desktop,
    guard,
    office,
)
from tests.sites.console.running_office import Office
from tests.sites.nomination.bodies.selection_data import Chosen, store_selection
from tests.sites.nomination.review.review_data import RULES

__all__ = ["clock", "desktop", "guard", "office"]


@pytest.fixture
async def chosen(office: Office) -> Chosen:
    """Over since yesterday."""
    now = office.clock()
    return await store_selection(
        office.database,
        now,
        rules=RULES,
        opens_at=now - timedelta(days=20),
        closes_at=now - timedelta(days=1),
    )
