"""The lists that come with the service: bodies and industries."""

from __future__ import annotations

import re

from voting_service.office.body_list import (
    AUTONOMOUS_COUNTIES,
    COUNTIES,
    DISTRICTS,
    LISTED_BODIES,
    ZONES,
)
from voting_service.office.industries import PILLAR_INDUSTRIES


def test_forty_one_bodies_recommend() -> None:
    assert [len(kind) for kind in (DISTRICTS, COUNTIES, AUTONOMOUS_COUNTIES, ZONES)] == [
        26,
        8,
        4,
        3,
    ]
    assert len(LISTED_BODIES) == 41
    for told_apart_by in (
        {body.slug for body in LISTED_BODIES},
        {body.name.zh for body in LISTED_BODIES},
        {body.name.en for body in LISTED_BODIES},
    ):
        assert len(told_apart_by) == 41


def test_slugs_and_names_are_well_formed() -> None:
    endings = {"district": "区", "county": "县", "autonomous_county": "自治县", "zone": "区"}
    for body in LISTED_BODIES:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", body.slug)
        assert body.name.zh.endswith(endings[body.kind])
        assert re.fullmatch(r"[\u4e00-\u9fff]+", body.name.zh)


def test_there_are_eight_pillar_industries() -> None:
    assert len(PILLAR_INDUSTRIES) == 8
    assert "".join(name.zh for name in PILLAR_INDUSTRIES.values()) == (
        "汽车摩托车电子装备医药材料消费品能源"
    )
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", key) for key in PILLAR_INDUSTRIES)
