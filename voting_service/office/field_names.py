"""What the fields of the recommendation form are called in sentences. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from voting_service.contests.model import Text

FIELD_NAMES: Mapping[str, Text] = MappingProxyType(
    {
        "name": Text(zh="姓名", en="the name"),
        "sex": Text(zh="性别", en="the sex"),
        "birth": Text(zh="出生年月", en="year and month of birth"),
        "photo": Text(zh="照片", en="the photo"),
        "id_number": Text(zh="身份证号码", en="the ID number"),
        "ethnic_group": Text(zh="民族", en="the ethnic group"),
        "political_status": Text(zh="政治面貌", en="the political status"),
        "education": Text(zh="文化程度", en="the education"),
        "trade": Text(zh="职业工种", en="the trade"),
        "skill_grade": Text(zh="职业资格等级", en="the skill grade"),
        "employer": Text(zh="工作单位", en="the employer"),
        "first_employed": Text(zh="参加工作时间", en="year and month of first employment"),
        "employer_address": Text(zh="单位地址", en="the employer's address"),
        "employer_postcode": Text(zh="邮政编码", en="the employer's postcode"),
        "employer_contact": Text(zh="单位联系人", en="the employer's contact"),
        "employer_telephone": Text(zh="联系电话", en="the employer's telephone"),
        "industry": Text(zh="所属产业", en="the industry"),
        "chain": Text(zh="重点产业链", en="the industry chain"),
        "skills": Text(zh="技能特长、主要事迹及获奖情况", en="skills, deeds and awards"),
        "deeds": Text(zh="事迹材料", en="the deeds text"),
        "qualification": Text(zh="申报条件", en="the qualification"),
        "qualification_pages": Text(zh="申报条件的佐证页码", en="the qualification's pages"),
        "achievements": Text(zh="业绩条件", en="an achievement"),
        "achievements.pages": Text(zh="业绩条件的佐证页码", en="the achievement's pages"),
        "evidence": Text(zh="佐证材料", en="the evidence"),
        "evidence_handler": Text(
            zh="“此件与原件相符”的经办人",
            en="who confirmed that the copies are identical with the original",
        ),
        "evidence_confirmed_on": Text(zh="核对原件的日期", en="the day the copies were confirmed"),
        "employer_opinion.text": Text(zh="所在单位意见", en="the employer's opinion"),
        "employer_opinion.signer": Text(zh="所在单位意见的签署人", en="its signer"),
        "employer_opinion.signed_on": Text(zh="所在单位意见的签署日期", en="its day"),
        "body_opinion.text": Text(
            zh="区县人力社保部门或市级主管部门意见", en="the district's or department's opinion"
        ),
        "body_opinion.signer": Text(zh="推荐部门意见的签署人", en="its signer"),
        "body_opinion.signed_on": Text(zh="推荐部门意见的签署日期", en="its day"),
    }
)
"""By field path, in the form's order; `achievements.pages` is that of each achievement."""


def field_name(path: str) -> Text:
    """The name of the field at a path such as `achievements[0].pages`."""
    head, bracket, rest = path.partition("[")
    return FIELD_NAMES[head + rest.partition("]")[2] if bracket else head]
