"""Contest settings for publication name no candidates: these follow from the shortlist."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.contest_data import both
from tests.sites.nomination.bodies.selection_data import INDUSTRIES
from voting_service.errors import InvalidInput
from voting_service.nomination.model import Selection, SelectionRules
from voting_service.nomination.shortlist.contest_file import default_settings, read_contest

NOW = datetime(2022, 7, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "smuggled",
    [
        "[[candidates]]\nnumber = 3",
        "[[ candidates ]]\nnumber = 3",
        '[["candidates"]]\nnumber = 3',
        "[['candidates']]\nnumber = 3",
        '["candidates".x]\nnumber = 3',
    ],
)
def test_settings_name_nobody(smuggled: str) -> None:
    selection = Selection(
        id=1,
        slug="crafts",
        rules=SelectionRules(title=both("选树"), industries=INDUSTRIES),
        opens_at=NOW,
        closes_at=NOW + timedelta(days=1),
        district_quota=6,
        department_quota=3,
        contest_id=None,
    )
    settings = f"{default_settings(selection, NOW)}\n{smuggled}\n"
    with pytest.raises(InvalidInput, match="they are added from the shortlist"):
        read_contest(selection, settings, ())
