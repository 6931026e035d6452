"""The demo contest: the rules of the notice of 2022 and fifty placeholder candidates.

Its Chinese texts are demo data.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from voting_service.contests.model import (
    BallotRules,
    Candidate,
    ContestRules,
    CutRules,
    PersonPolicy,
    ReleaseSchedule,
)
from voting_service.i18n.text import Text

SLUG = "bayu-2022"
PLATFORM_SLUG = "demo"
PLATFORMS: Mapping[str, tuple[Text, PersonPolicy]] = {
    PLATFORM_SLUG: (Text(zh="演示媒体平台", en="Demo media platform"), "never"),
    "demo-press": (Text(zh="演示报社", en="Demo newspaper"), "required"),
}
"""The demo's media platforms by slug, with their person policy."""
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
    cut=CutRules(size=30, tie="committee"),
)

_TRADES = (
    ("汽车装调工", "Automobile assembler"),
    ("摩托车装调工", "Motorcycle assembler"),
    ("集成电路测试员", "Integrated-circuit tester"),
    ("显示面板工艺员", "Display-panel technician"),
    ("数控车工", "CNC turner"),
    ("焊工", "Welder"),
    ("钳工", "Fitter"),
    ("模具工", "Mould maker"),
    ("工业机器人系统运维员", "Industrial-robot maintainer"),
    ("化工总控工", "Chemical process operator"),
    ("药物检验员", "Pharmaceutical analyst"),
    ("铝材轧制工", "Aluminium roller"),
    ("玻璃纤维工艺员", "Glass-fibre technician"),
    ("变电设备检修工", "Substation maintainer"),
    ("页岩气采气工", "Shale-gas operator"),
    ("桥隧工", "Bridge and tunnel worker"),
    ("船舶装配工", "Ship fitter"),
    ("酿酒师", "Distiller"),
    ("榨菜腌制工艺师", "Pickle maker"),
    ("柑橘栽培技师", "Citrus grower"),
    ("漆器髹饰技师", "Lacquer artisan"),
    ("石雕技师", "Stone carver"),
    ("夏布织造技师", "Ramie weaver"),
    ("人工智能训练师", "Artificial-intelligence trainer"),
    ("网络与信息安全管理员", "Information-security administrator"),
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


def trade_index(number: int) -> int:
    """Return the index of a candidate's trade."""
    return (number - 1) % len(_TRADES)


def trade_and_district(number: int) -> tuple[Text, Text]:
    """Return the trade and the district of a placeholder candidate."""
    trade_zh, trade_en = _TRADES[trade_index(number)]
    district_zh, district_en = _DISTRICTS[(number - 1) % len(_DISTRICTS)]
    return Text(zh=trade_zh, en=trade_en), Text(zh=district_zh, en=district_en)


def candidate(number: int) -> Candidate:
    """Return a placeholder candidate, whose texts make clear that it is one."""
    trade, district = trade_and_district(number)
    return Candidate(
        number=number,
        name=Text(zh=f"{number:02d}号候选人（占位）", en=f"Candidate {number:02d} (placeholder)"),
        trade=trade,
        district=district,
        summary=Text(
            zh=f"演示用占位资料：{district.zh}推荐的{trade.zh}，并非真实人物。",
            en=f"Placeholder for the demo: {trade.en}, recommended by {district.en}; "
            "not a real person.",
        ),
        story=Text(
            zh="此处将刊登候选人的事迹材料。演示中的五十位候选人只有编号、工种和推荐单位，"
            "姓名、事迹和画像均为占位内容。",
            en="The candidate's story will appear here. The fifty candidates of the demo have a "
            "number, a trade and a district only; name, story and portrait are placeholders.",
        ),
    )


def candidates() -> tuple[Candidate, ...]:
    """Return the candidates in the order of their numbers."""
    return tuple(candidate(number) for number in range(1, CANDIDATES + 1))
