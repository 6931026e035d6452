"""The nomination site, and a selection whose recommendation period is over."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.sites.console.running_staff_app import StaffApp
from tests.sites.nomination.bodies.selection_data import Chosen, store_selection
from tests.sites.nomination.review.review_data import RULES, SMALL
from voting_service.nomination.model import SelectionRules


async def finished_selection(staff_app: StaffApp, rules: SelectionRules) -> Chosen:
    """Over since yesterday."""
    now = staff_app.clock()
    return await store_selection(
        staff_app.database,
        now,
        rules=rules,
        opens_at=now - timedelta(days=20),
        closes_at=now - timedelta(days=1),
    )


@pytest.fixture
async def chosen(staff_app: StaffApp) -> Chosen:
    return await finished_selection(staff_app, RULES)


@pytest.fixture
async def small(staff_app: StaffApp) -> Chosen:
    """Three are chosen."""
    return await finished_selection(staff_app, SMALL)
