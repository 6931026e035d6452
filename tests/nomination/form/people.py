"""Made-up personal data for tests; it belongs to nobody."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec

from voting_service.nomination.form.id_numbers import check_character
from voting_service.nomination.form.model import (
    Achievement,
    Month,
    Opinion,
    RecommendationForm,
)


def id_number(division: str = "500101", birth: date = date(1980, 5, 17), serial: int = 11) -> str:
    """A number that obeys the standard."""
    digits = f"{division}{birth:%Y%m%d}{serial:03}"
    return digits + check_character(digits)


def complete_form(**changed: Any) -> RecommendationForm:
    """A form with nothing missing on 30 June 2022, of 10 pages of evidence; but for `changed`."""
    form = RecommendationForm(
        name="候选人甲",
        sex="male",
        birth=Month(1980, 5),
        id_number=id_number(),
        ethnic_group="汉族",
        political_status="群众",
        education="大专",
        trade="数控车工",
        skill_grade="高级技师",
        employer="某某路桥机械有限公司",
        first_employed=Month(1998, 7),
        employer_address="重庆市渝中区示范路36号附2号",
        employer_postcode="400010",
        employer_contact="联络员乙",
        employer_telephone="023-63000000",
        industry="equipment",
        skills="技能特长",
        deeds="事迹",
        conduct_declared=True,
        qualification="technician",
        qualification_pages="1",
        achievements=(
            Achievement(kind="innovation", pages="2-4,7"),
            Achievement(kind="special_skill", pages="8至10"),
        ),
        evidence_handler="经办人丙",
        evidence_confirmed_on=date(2022, 6, 1),
        employer_opinion=Opinion(text="同意推荐。", signer="签署人丁", signed_on=date(2022, 6, 2)),
        body_opinion=Opinion(text="同意推荐。", signer="签署人戊", signed_on=date(2022, 6, 2)),
    )
    return msgspec.structs.replace(form, **changed)
