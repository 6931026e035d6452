"""The lists that come with the service: bodies and industries."""

from __future__ import annotations

import re
from collections import Counter

from voting_service.nomination.form.industries import PILLAR_INDUSTRIES
from voting_service.nomination.recommending_bodies import LISTED_BODIES


def test_forty_one_bodies_recommend() -> None:
    assert list(Counter(body.kind for body in LISTED_BODIES).items()) == [
        ("district", 26),
        ("county", 8),
        ("autonomous_county", 4),
        ("zone", 3),
    ]
    assert len(LISTED_BODIES) == 41
    for unique in (
        {body.slug for body in LISTED_BODIES},
        {body.name.zh for body in LISTED_BODIES},
        {body.name.en for body in LISTED_BODIES},
    ):
        assert len(unique) == 41


def test_slugs_and_names_are_well_formed() -> None:
    endings = {"district": "区", "county": "县", "autonomous_county": "自治县", "zone": "区"}
    for body in LISTED_BODIES:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", body.slug)
        assert body.name.zh.endswith(endings[body.kind])
        assert re.fullmatch(r"[\u4e00-\u9fff]+", body.name.zh)


def test_keys_of_industries_are_well_formed() -> None:
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", key) for key in PILLAR_INDUSTRIES)
