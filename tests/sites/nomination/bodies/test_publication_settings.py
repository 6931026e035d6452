"""Contest settings for publication name no candidates: these follow from the shortlist."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from tests.contest_data import both
from tests.sites.nomination.bodies.selection_data import INDUSTRIES
from voting_service.errors import InvalidInput
from voting_service.nomination.model import Selection, SelectionRules
from voting_service.nomination.shortlist.contest_file import (
    ShortlistedCandidate,
    contest_text,
    default_settings,
    read_contest,
)
from voting_service.nomination.shortlist.profiles import Profile

NOW = datetime(2022, 7, 1, tzinfo=UTC)


def test_every_character_reaches_the_contest_file() -> None:
    text = both("".join(map(chr, range(0x300))) + "\u2028\U00020000")
    profile = Profile(
        name=text, trade=text, district=both(""), employer=text, summary=text, story=text
    )
    nothing: Any = None
    second, first = (
        ShortlistedCandidate(number=number, submitted=nothing, profile=profile, photo=b"")
        for number in (2, 1)
    )
    read = tomllib.loads(contest_text("[cut]\nsize = 1  # kept", (second, first)))
    written = msgspec.to_builtins(profile)
    given = ("name", "trade", "district", "employer", "summary", "story")
    fields = {field: written[field] for field in given}  # no skill grade was given
    assert read == {
        "cut": {"size": 1},
        "candidates": [{"number": 2, **fields}, {"number": 1, **fields}],
    }


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
