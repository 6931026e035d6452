"""The demo contest: the rules of the notice of 2022 and fifty placeholder candidates.

Its Chinese texts are demo data.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import NamedTuple

import msgspec

from voting_service.contests.model import (
    BallotRules,
    Candidate,
    ContestRules,
    CutRules,
    Organiser,
    PersonPolicy,
    ReleaseSchedule,
)
from voting_service.demo.stories import (
    choose_grade,
    choose_honours,
    crafts,
    find_craft,
    make_name,
    tell_story,
)
from voting_service.i18n.text import Text

SLUG = "bayu-2022"
NEXT_SLUG = "bayu-2023"
"""The next contest, which is announced and opens in eleven months."""
UNTIL_NEXT = timedelta(days=335)
PLATFORM_SLUG = "demo"
PAST_SLUG = "youth-2022"
"""A smaller contest, without a panel, which is over."""
SINCE_PAST, PAST_DURATION = timedelta(days=2), timedelta(days=10)
PAST_CANDIDATES = 12


class DemoPlatform(NamedTuple):
    """A media platform; nothing answers under its `entrance`, whose domain is reserved."""

    name: Text
    person_policy: PersonPolicy
    app_name: Text
    entrance: str


PLATFORMS: Mapping[str, DemoPlatform] = {
    PLATFORM_SLUG: DemoPlatform(
        Text(zh="演示媒体平台", en="Demo media platform"),
        "never",
        Text(zh="演示媒体客户端", en="Demo media app"),
        "https://media.example/vote",
    ),
    "demo-press": DemoPlatform(
        Text(zh="演示报社", en="Demo newspaper"),
        "required",
        Text(zh="演示报客户端", en="Demo newspaper app"),
        "https://press.example/vote",
    ),
}
"""The demo's media platforms by slug."""
DURATION = timedelta(days=31)
CANDIDATES = 50

RULES = ContestRules(
    title=Text(
        zh="2022年“最美巴渝工匠”选树公众投票（演示）",
        en="Most Beautiful Bayu Craftsmen 2022, public vote (demo)",
    ),
    time_zone="Asia/Shanghai",
    ballot=BallotRules(min_choices=1, max_choices=10, every="day"),
    release=ReleaseSchedule(mode="live"),
    cut=CutRules(size=30, tie="committee", panel=True),
    theme=Text(zh="技能成就梦想，匠心铸就巴渝", en="Skill makes the dream, craft makes Bayu"),
    introduction=Text(
        zh="在全市推荐的技能人才中选树一线工匠。公众投票产生前 30 名，专家评审从中评出 10 名"
        "“最美巴渝工匠”和 10 名提名。\n"
        "参评者来自生产、服务和传承一线，不受性别、学历和资历限制。",
        en="The city looks for craftspeople on the front line among those who were recommended. "
        "The public vote finds the top 30, and an expert panel chooses 10 Most Beautiful Bayu "
        "Craftsmen and 10 nominees from them.\n"
        "Candidates work in production, services and crafts. Sex, education and seniority make "
        "no difference.",
    ),
    organisers=(
        Organiser(Text(zh="主办", en="Host"), Text(zh="市高技办", en="Municipal joint office")),
        Organiser(Text(zh="承办", en="Carried out by"), Text(zh="演示报社", en="Demo newspaper")),
    ),
    telephone="023-00000000",
    email="vote@example.org",
)

_DISTRICTS = (
    ("万州区", "Wanzhou"),
    ("黔江区", "Qianjiang"),
    ("涪陵区", "Fuling"),
    ("渝中区", "Yuzhong"),
    ("大渡口区", "Dadukou"),
    ("江北区", "Jiangbei"),
    ("沙坪坝区", "Shapingba"),
    ("九龙坡区", "Jiulongpo"),
    ("南岸区", "Nan'an"),
    ("北碚区", "Beibei"),
    ("渝北区", "Yubei"),
    ("巴南区", "Banan"),
    ("长寿区", "Changshou"),
    ("江津区", "Jiangjin"),
    ("合川区", "Hechuan"),
    ("永川区", "Yongchuan"),
    ("南川区", "Nanchuan"),
    ("綦江区", "Qijiang"),
    ("大足区", "Dazu"),
    ("璧山区", "Bishan"),
    ("铜梁区", "Tongliang"),
    ("潼南区", "Tongnan"),
    ("荣昌区", "Rongchang"),
    ("开州区", "Kaizhou"),
    ("梁平区", "Liangping"),
    ("武隆区", "Wulong"),
    ("城口县", "Chengkou"),
    ("丰都县", "Fengdu"),
    ("垫江县", "Dianjiang"),
    ("忠县", "Zhongxian"),
    ("云阳县", "Yunyang"),
    ("奉节县", "Fengjie"),
    ("巫山县", "Wushan"),
    ("巫溪县", "Wuxi"),
    ("石柱土家族自治县", "Shizhu"),
    ("秀山土家族苗族自治县", "Xiushan"),
    ("酉阳土家族苗族自治县", "Youyang"),
    ("彭水苗族土家族自治县", "Pengshui"),
    ("两江新区", "Liangjiang New Area"),
    ("西部科学城重庆高新区", "High-tech Zone"),
    ("万盛经开区", "Wansheng"),
)


LOT_SOURCE = Text(
    zh="截止后第一期双色球开奖号码，按开奖顺序连写",
    en="The first draw of the double-colour lottery after the close, digits in the order drawn",
)
NEXT_RULES = msgspec.structs.replace(
    RULES,
    title=Text(
        zh="2023年“最美巴渝工匠”选树公众投票（演示）",
        en="Most Beautiful Bayu Craftsmen 2023, public vote (demo)",
    ),
)


PAST_RULES = msgspec.structs.replace(
    RULES,
    title=Text(
        zh="2022年“巴渝青年技能之星”公众投票（演示）",
        en="Young Bayu Craftspeople 2022, public vote (demo)",
    ),
    cut=CutRules(size=6, tie="lot", lot_source=LOT_SOURCE),
    theme=Text(zh="青春有技，未来可期", en="Young hands, great skill"),
    introduction=Text(
        zh="面向 35 岁以下一线技能人才。得票前 6 名即为“巴渝青年技能之星”，不再另行评审。",
        en="For craftspeople under 35 on the front line. The six with the most votes are the Young "
        "Bayu Craftspeople; no panel follows.",
    ),
)


def trade_index(number: int) -> int:
    """Return the index of a candidate's trade."""
    return (number - 1) % len(crafts())


def trade_and_district(number: int) -> tuple[Text, Text]:
    """Return the trade and the district of a placeholder candidate."""
    district_zh, district_en = _DISTRICTS[(number - 1) % len(_DISTRICTS)]
    return find_craft(number).trade, Text(zh=district_zh, en=district_en)


def candidate(number: int) -> Candidate:
    """Return a placeholder candidate, whose story states that it is one."""
    trade, district = trade_and_district(number)
    craft = find_craft(number)
    return Candidate(
        number=number,
        name=make_name(number),
        trade=trade,
        district=district,
        summary=craft.deed,
        story=tell_story(number, district),
        employer=craft.employer,
        skill_grade=choose_grade(number),
        honours=choose_honours(number),
    )


def past_candidates() -> tuple[Candidate, ...]:
    """Return the candidates of the contest that is over, others than the first of the open one."""
    return tuple(
        msgspec.structs.replace(candidate(number + PAST_CANDIDATES), number=number)
        for number in range(1, PAST_CANDIDATES + 1)
    )


def candidates() -> tuple[Candidate, ...]:
    """Return the candidates in the order of their numbers."""
    return tuple(candidate(number) for number in range(1, CANDIDATES + 1))
