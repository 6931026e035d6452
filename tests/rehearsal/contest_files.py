"""Contest files to rehearse."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

TABLES = """\
slug = "crafts-2022"
title = {{ zh = "能工巧匠", en = "Craftsmen" }}
time_zone = "{time_zone}"

[window]
publish_at = 2022-07-18T08:00:00
opens_at = {opens_at}
closes_at = {closes_at}

[ballot]
max_choices = 5

[release]
mode = "daily"
daily_at = 20:00:00
blackout_hours = {blackout_hours}

[cut]
size = {size}
tie = "committee"
"""
CANDIDATE = """
[[candidates]]
number = {number}
name = {{ zh = "{number}号候选人", en = "Candidate {number}" }}
trade = {{ zh = "焊工", en = "Welder" }}
district = {{ zh = "渝中区", en = "Yuzhong" }}
summary = "…"
story = "…"
"""
PLAIN: Mapping[str, object] = {
    "time_zone": "Asia/Shanghai",
    "opens_at": "2022-07-18T09:00:00",
    "blackout_hours": 6,
    "size": 6,
}


def contest_file(*, days: int = 2, field: int = 12, **changed: object) -> str:
    """Return a contest file of so many days and candidates."""
    closes = date(2022, 7, 18) + timedelta(days=days - 1)
    values = {"closes_at": f"{closes}T18:00:00", **PLAIN, **changed}
    candidates = (CANDIDATE.format(number=number) for number in range(1, field + 1))
    return TABLES.format(**values) + "".join(candidates)
