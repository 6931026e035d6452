"""The desk with the office, and a selection whose recommending is over."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.office.selection_data import Chosen, store_selection
from tests.office_review.review_data import RULES
from tests.staff.conftest import clock, desktop, guard, office
from tests.staff.running_office import Office

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
