"""The 41 districts and counties that recommend: the city's 38 and three zones. No I/O.

Names and order follow the city's own list of its divisions; English names are the official
romanisation.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from voting_service.contests.model import Text

ListedKind = Literal["district", "county", "autonomous_county", "zone"]


class ListedBody(NamedTuple):
    """One of the 41; `slug` names it in addresses and files for ever."""

    slug: str
    name: Text
    kind: ListedKind


def _of(kind: ListedKind, names: str) -> tuple[ListedBody, ...]:
    """A body a line: slug, Chinese and English name, parted by `|`."""
    parts = [[part.strip() for part in line.split("|")] for line in names.strip().splitlines()]
    return tuple(ListedBody(slug, Text(zh=zh, en=en), kind) for slug, zh, en in parts)


DISTRICTS = _of(
    "district",
    """
    wanzhou     | 万州区   | Wanzhou District
    qianjiang   | 黔江区   | Qianjiang District
    fuling      | 涪陵区   | Fuling District
    yuzhong     | 渝中区   | Yuzhong District
    dadukou     | 大渡口区 | Dadukou District
    jiangbei    | 江北区   | Jiangbei District
    shapingba   | 沙坪坝区 | Shapingba District
    jiulongpo   | 九龙坡区 | Jiulongpo District
    nanan       | 南岸区   | Nan'an District
    beibei      | 北碚区   | Beibei District
    yubei       | 渝北区   | Yubei District
    banan       | 巴南区   | Banan District
    changshou   | 长寿区   | Changshou District
    jiangjin    | 江津区   | Jiangjin District
    hechuan     | 合川区   | Hechuan District
    yongchuan   | 永川区   | Yongchuan District
    nanchuan    | 南川区   | Nanchuan District
    qijiang     | 綦江区   | Qijiang District
    dazu        | 大足区   | Dazu District
    bishan      | 璧山区   | Bishan District
    tongliang   | 铜梁区   | Tongliang District
    tongnan     | 潼南区   | Tongnan District
    rongchang   | 荣昌区   | Rongchang District
    kaizhou     | 开州区   | Kaizhou District
    liangping   | 梁平区   | Liangping District
    wulong      | 武隆区   | Wulong District
    """,
)
COUNTIES = _of(
    "county",
    """
    chengkou | 城口县 | Chengkou County
    fengdu   | 丰都县 | Fengdu County
    dianjiang | 垫江县 | Dianjiang County
    zhongxian | 忠县  | Zhong County
    yunyang  | 云阳县 | Yunyang County
    fengjie  | 奉节县 | Fengjie County
    wushan   | 巫山县 | Wushan County
    wuxi     | 巫溪县 | Wuxi County
    """,
)
AUTONOMOUS_COUNTIES = _of(
    "autonomous_county",
    """
    shizhu   | 石柱土家族自治县       | Shizhu Tujia Autonomous County
    xiushan  | 秀山土家族苗族自治县   | Xiushan Tujia and Miao Autonomous County
    youyang  | 酉阳土家族苗族自治县   | Youyang Tujia and Miao Autonomous County
    pengshui | 彭水苗族土家族自治县   | Pengshui Miao and Tujia Autonomous County
    """,
)
ZONES = _of(
    "zone",
    """
    liangjiang | 两江新区             | Liangjiang New Area
    high-tech  | 西部科学城重庆高新区 | Western Science City Chongqing High-tech Zone
    wansheng   | 万盛经开区           | Wansheng Economic and Technological Development Zone
    """,
)
LISTED_BODIES = (*DISTRICTS, *COUNTIES, *AUTONOMOUS_COUNTIES, *ZONES)
