"""Which texts may become public. No number and no address here is anybody's."""

from __future__ import annotations

import re
from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.nomination.form.people import complete_form, id_number
from voting_service.nomination.form.model import Opinion, RecommendationForm
from voting_service.nomination.privacy.disclosure import disclosures

NUMBER = id_number()  # 500101 19800517 011 and its check character
WITH_X = next(number for n in range(99) if (number := id_number(serial=n)).endswith("X"))
CARD = "6222020000000000000"  # passes the Luhn test


def sentences(text: str, known_names: RecommendationForm | None = None) -> str:
    """What is said in Chinese about a text; empty when it may become public."""
    return "".join(fault.zh for fault in disclosures({"story.zh": text}, form=known_names))


TRUE = {
    "身份证号": [
        f"身份证{NUMBER}。",
        f"（{NUMBER[:6]} {NUMBER[6:14]} {NUMBER[14:]}）",
        f"{NUMBER[:6]}-{NUMBER[6:14]}-{NUMBER[14:]}",
        "、".join(NUMBER),
        "，".join(NUMBER),
        f"{NUMBER[:9]}\n{NUMBER[9:]}",
        f"{NUMBER[:9]}\u200b{NUMBER[9:]}",
        NUMBER.translate(str.maketrans("0123456789X", "０１２３４５６７８９Ｘ")),
        NUMBER.translate(str.maketrans("0123456789", "零一二三四五六七八九")),
        NUMBER.translate(str.maketrans("0123456789", "〇壹贰叁肆伍陆柒捌玖")),
        NUMBER.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")),
        f"编号A{NUMBER}B",
        f"1{NUMBER}2",
        id_number(serial=6).lower() + "号",
        "旧证500101800517011。",
        "旧证500101 800517 011。",
    ],
    "银行卡号": [
        f"卡号{CARD}",
        "4111 1111 1111 1111",
        f"{CARD[:4]} {CARD[4:8]} {CARD[8:12]} {CARD[12:16]} {CARD[16:]}",
    ],
    "手机号码": [
        "手机13800000000。",
        "他的13800000000是",
        "138 0000 0000",
        "138-0000-0000",
        "138.0000.0000",
        "138·0000·0000",
        "1380 000 0000",
        "1380000 0000",
        "13800 000000",
        "1380 0000 000",
        "138 000 00000",
        "1 3 8 0 0 0 0 0 0 0 0",
        "１３８００００００００",
        "一三八零零零零零零零零",
        "幺三八〇〇〇〇〇〇〇〇",
        "统一13800000000",
        "①13800000000",
        "+86 138 0000 0000",
        "+8613800000000",
        "008613800000000",
        "(86)13800000000",
        "19900000000",
        "1990 0000 000",
        "138，0013，8000",
        "138/0013/8000",
        "138、0013、8000",
        "138 - 0013 - 8000",
        "138*0013*8000",
        "(138)00138000",
        "138（0013）8000",
        "138\n0013\n8000",
        "138 0013\n8000",
        "1380013\n8000",
        "1，3，8，0，0，1，3，8，0，0，0",
        "①③⑧⓪⓪①③⑧⓪⓪⓪",
        "⑴⑶⑻00138000",
        "❶❸❽00138000",
        "¹³⁸00138000",
        "㊀㊂㊇零零138000",
        "𝟏𝟑𝟖𝟎𝟎𝟏𝟑𝟖𝟎𝟎𝟎",
        "一三八，0013，8000",
    ],
    "固定电话号码": [
        "023-63000000",
        "02363000000",
        "（023）63000000",
        "023 6300 0000",
        "０２３－６３００００００",
        "零二三六三零零零零零零",
        "+86-23-63000000",
        "0851-8300000转801",
        "010—63000000",
        "023/63001234",
        "023，6300，1234",
        "023.6300.1234",
    ],
    "电话号码": [
        "联系电话：63000000",
        "电话63000000",
        "Tel. 6300 0000",
        "热线为4000000000",
        "电话 6300/1234",
    ],
    "电子邮箱": ["someone@example.com", "some.one＠mail.example.com.cn", "a1 @ example.org"],
    "微信或QQ号": [
        "微信号：abc_12345",
        "QQ: 12345678",
        "加QQ号：12345678",
        "QQ123456789",
        "VX:abc12345",
        "vx：abc12345",
        "wx: abc12345",
        "V信：abc12345",
        "v信abc12345",
        "薇信：abc12345",
        "微信号abc12345",
        "微信 abc_12345",
        "加微信abc12345",
        "微信为abc12345",
        "加V abc12345",
        "wechat abc12345",
        "WeChat ID: abc12345",
        "扣扣12345678",
        "企鹅号12345678",
        "q q 12345678",
        "Q-Q: 12345678",
        "ＱＱ１２３４５６７８",
        "微信同号",
        "手机微信同号",
        "（vx同号）",
        "微信与电话同号",
        "电话同微信",
        "手机号（同微信号）",
    ],
    "详细地址": [
        "渝中区示范路36号",
        "住在示范大道1号附2号",
        "示范一路三十六号",
        "示范正街5-2号",
        "示范路东段８号",
        "示范街道樱花社区8号",
        "示范街道8栋",
        "示范村5组",
        "示范村第三组",
        "示范社区2社",
        "3栋2单元5-1号",
        "示范苑7号楼301室",
        "8幢 3-2室",
        "1-5-2室",
        "大厦1203室",
        "通讯地址：重庆市某某区某某镇",
        "lives at 36 Sample Garden Road",
        "No. 5, Sample Street",
    ],
    "邮政编码": ["邮编400010", "邮政编码：400 010", "Postcode 400010"],
    "车牌号": ["渝A12345", "渝A·12345", "驾驶渝AD12345", "京B1C234"],
}

MORE_SPELLINGS = {
    "身份证号": [
        f"{NUMBER[:6]}【{NUMBER[6:14]}】{NUMBER[14:]}",
        f"{NUMBER[:6]}×{NUMBER[6:14]}×{NUMBER[14:]}",
        f"{NUMBER[:6]}…{NUMBER[6:14]}…{NUMBER[14:]}",
        "\n".join(NUMBER),
        NUMBER.replace("0", "O"),
        NUMBER.replace("0", "o"),
        NUMBER.replace("1", "l"),
        NUMBER.translate(str.maketrans("0123456789", "洞幺两三四五六拐八勾")),
        "\u20e3".join(NUMBER),
        *(WITH_X.replace("X", sign) for sign in "×хХχⅩ"),
    ],
    "手机号码": [
        "138 OO13 8OOO",
        "l38 0013 8000",
        "138--0013--8000",
        "138_0013_8000",
        "138|0013|8000",
        "138｜0013｜8000",
        "138…0013…8000",
        "138～0013～8000",
        "[138]0013-8000",
        "【138】0013-8000",
        "138\t0013\t8000",
        "138;0013;8000",
        "138：0013：8000",
        "138.00.13.80.00",
        "13-800-138-000",
        "1\ufe0f\u20e33\ufe0f\u20e38\ufe0f\u20e30\ufe0f\u20e30\ufe0f\u20e31\ufe0f\u20e33\ufe0f\u20e38\ufe0f\u20e30\ufe0f\u20e30\ufe0f\u20e30\ufe0f\u20e3",
        "1\u20e33\u20e38\u20e30\u20e30\u20e31\u20e33\u20e38\u20e30\u20e30\u20e30\u20e3",
        "幺三八洞洞幺三八洞洞洞",
        "（+86）138 0013 8000",
        "0086-138-0013-8000",
        "138=0013=8000",
        "138>0013>8000",
        "138\\0013\\8000",
        "138°0013°8000",
        "138'0013'8000",
        "138“0013”8000",
        "138\u30000013\u30008000",
        "1 3 8，0 0 1 3，8 0 0 0",
        "一三八 零零一三 八零零零",
        "一三八—零零一三—八零零零",
        "壹叁捌-0013-8000",
        "138 0013 8000转1",
        "138→0013→8000",
        "138 00 13 8000",
        "1380 0138 000",
        "138空0013空8000",
        "138杠0013杠8000",
        "1.3.8.0.0.1.3.8.0.0.0",
    ],
    "固定电话号码": [
        "023 - 6300 - 1234",
        "023\n63001234",
        "(023)6300-1234",
        "０２３（６３００１２３４）",
        "023_63001234",
        "023*63001234",
        "023~63001234",
        "零贰叁-陆叁零零零零零零",
        "023:63001234",
        "0 2 3 6 3 0 0 1 2 3 4",
        "023转63001234",
        "[023]63001234",
        "023|63001234",
        "023--63001234",
    ],
    "电话号码": [
        "400-820-8820",
        "400 820 8820",
        "客服400 8208820",
        "800-820-8820",
        "联系我：63001234",
        "致电 6300-1234",
        "拨63001234",
        "联系电话是6300 1234",
        "☎63001234",
        "📞63001234",
        "Phone: 63001234",
        "tel:63001234",
        "来电63001234",
        "one three eight zero zero one three eight zero zero zero",
    ],
    "电子邮箱": [
        "someone at example dot com",
        "someone#example.com",
        "someone(at)example.com",
        "someone[at]example[dot]com",
        "someone@example。com",
        "someone艾特example点com",
        "someone＃qq.com",
        "12345678@QQ点COM",
        "someone @ example . com",
        "someone@example，com",
        "someone\n@example.com",
        "邮箱：someone12",
        "email: someone12",
    ],
    "微信或QQ号": [
        "➕V abc12345",
        "+V：abc12345",
        "＋微abc12345",
        "加微 abc12345",
        "加卫星abc12345",
        "vx号abc12345",
        "weixin:abc12345",
        "wei xin abc12345",
        "wxid_abc12345abc",
        "微 信：abc12345",
        "徽信abc12345",
        "VX｜abc12345",
        "V-X: abc12345",
        "v x abc12345",
        "微x:abc12345",
        "V同号",
        "QQ同号",
        "wx同号",
        "手机号即微信",
        "微信就是手机号",
        "微信号就是手机号",
        "电话微信同步",
        "微信同手机",
        "微信与手机一致",
        "Q Q：1 2 3 4 5 6 7 8",
        "扣：12345678",
        "叩叩12345678",
        "球球12345678",
        "🐧12345678",
        "秋秋12345678",
        "抖音号：abc12345",
        "快手号 abc12345",
        "小红书号：abc12345",
        "钉钉号abc12345",
        "WhatsApp: abc12345",
        "Telegram @abc12345",
        "微❤abc12345",
        "V❤：abc12345",
        "威X abc12345",
        "微信(abc12345)",
        "微信【abc12345】",
        "微信ID abc12345",
        "QQ（12345678）",
        "QQ邮箱12345678",
        "加Q12345678",
        "扣Q：12345678",
        "企业微信abc12345",
        "v：abc12345",
    ],
    "银行卡号": [
        "6222-0200-0000-0000-000",
        "6222/0200/0000/0000/000",
        "6222.0200.0000.0000.000",
        "6222 0200 0000\n0000 000",
        "6222_0200_0000_0000_000",
        "六二二二零二零零零零零零零零零零零零零",
        "⑥②②②⓪②⓪⓪⓪⓪⓪⓪⓪⓪⓪⓪⓪⓪⓪",
    ],
    "详细地址": [
        "渝中区示范路36號",
        "示范路36#",
        "示范路36之2号",
        "示范路三十六號",
        "12棟301室",
        "七号楼三单元五零二",
        "示范小区3栋2-1",
        "示范镇示范村12号",
        "示范村五组36号",
        "示范巷叁号",
        "示范路卅六号",
        "示范路 36 号",
        "示范路（36号）",
        "示范路No.36",
        "示范路①号",
        "示范园B座1203",
    ],
    "车牌号": [
        "渝A-12345",
        "渝A 12345",
        "渝A·D12345",
        "渝 A 12345",
        "渝A.12345",
        "渝Ａ１２３４５",
        "渝A一二三四五",
        "渝A①②③④⑤",
    ],
    "邮政编码": [
        "邮编：四〇〇〇一〇",
        "邮编４０００１０",
        "postal code 400010",
        "zip 400010",
        "邮 编 400010",
        "邮编为400010",
        "邮编是400010",
    ],
}
"""Letters for digits, signs between them, and words that say the same."""


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (kind, text)
        for spellings in (TRUE, MORE_SPELLINGS)
        for kind, texts in spellings.items()
        for text in texts
    ],
)
def test_personal_data_is_refused(kind: str, text: str) -> None:
    assert f"像是{kind}，" in sentences(text)


FALSE = [
    "2018、2019、2020、2021、2022年连续五年被评为先进个人。",
    "2018，2019，2020，2021年",
    "1998.10-2003.5在一车间，2003.6—2022.06任班长。",
    "1998-2003-2022三次获奖",
    "1985.07.12至1990.12.31，1991/01/01起",
    "2022年6月30日15:30:00",
    "产值13800000000元，利润1380000万元，节约63000000度电。",
    "销售额１３８００００００００元",
    "累计生产13800000000件，行程15000000000米",
    "年产量 150、200、3000、4000 台，共7350台",
    "投资额为1,380,000,000元，增长138.00%",
    "圆周率3.14159265358979，0.13800000000",
    "执行GB/T 1234-2008、GB 11643-1999、ISO 9001:2015和DB50/T 867.1-2022。",
    "发明专利ZL 2019 1 0123456.7，ZL201910123456.7，ZL 98 1 12345.6，CN201910123456A",
    "证书编号：2250001001100123，软著登字第1234567号",
    "国家职业资格证书0022003002300123",
    "统一社会信用代码91500000MA5U000000",
    "渝人社发〔2022〕15号文件，渝府办发2022第36号",
    "渝B2022001号项目，渝AQ20220012",
    "在中铁二十局路桥公司、重庆公路工程三处、示范路小学和解放路街道工作。",
    "获街道、社区表彰，走遍36个村、128个组。",
    "全村5组织一次培训，把社区志愿者分3组",
    "轨道交通3号线、环线路5号车、电路3号板、油路2号阀、公路12号桥、铁路1号隧道。",
    "示范路2号线工程、大道3号标段、运输巷2号支架、一路5号机组",
    "1号高炉、2号机组、3号楼改造、7号楼封顶",
    "技能大师工作室、201实验室、5室2厅、1203室内测温点",
    "国家级技能大师工作室3个，培训12000余人次，带徒36人。",
    "φ20H7@0.01，邮箱系统、QQ群、微信小程序、微信公众号：",
    "手机1200000台、电话机5000000部以上",
    "转速12000r/min、功率138.5kW、精度0.001mm、HRC58-62",
    "12345热线、110、119、120和96195",
    "型号CNC-6140、XK714D、YB2-315M-4、川崎ZX165U",
    "全国五一劳动奖章1次，一等奖三项、二等奖五项、三等奖八项。",
    "一、二、三、四、五、六、七、八、九、十",
    "一二三四五六七八九",
    "四川A级景区，新B型设备，云A平台",
    "从0.05毫米到0.023毫米，误差63000000分之一",
    "第1380000000号",
    "设备编号138-2020-0001，合同号：023-63000001，ISBN 978-7-111-12345-6，DOI 10.3969/j.issn.1002",
    "论文载2019年第3期第138-145页；软著登记号2019SR1234567；川C12345批次；长江二路、一横线",
    "在示范路3号店任厨师长，安装1至5栋楼3单元120户，惠及2栋 50户居民",
    "编号6222020000000000001",  # fails the Luhn test
    "Won 3 national prizes in 2018-2021; Road and Bridge Group; 12 Silk Road projects.",
    "He led 5 High Street renovation projects.",
    "分别为138、1200、1350件，138，2019，2020年，工号138、20190718",
    "年产量150、1380、1500、2000，合格率99.5%",
    "13800、15000、138000三个档次",
    "建微信群，微信 10000余名用户，QQ 20000条消息，微信2019年上线",
    "连同微信公众号、同微信小程序对接，树立威信，企鹅家电",
    "VX1200型加工中心、WX5000风机，增加V8发动机，Q: what is it?",
    "热线12345、110/119/120",
    "①138台②0013号③8000元",
    "隧洞3个、洞室12345678立方米，打拐行动，勾缝2000米",
    "尺寸135×1200×2400毫米，比例为023:1200，公差±0.02",
    "电话、微信同步开展服务，微信与电话一致好评，手机和微信相同功能",
    "3单元120户，B座2022年竣工，示范路12#桥墩，第12村3号机井，示范村3号大棚",
    "加V型槽，增加Q345B钢材，加微量元素12345克，添加VX系列，加卫星定位",
    "渝 A 级资质，400、820、8820件，800千伏线路",
    "works at example.com, counts one, two, three; Li Er San Wu",
    "O型圈12O件，Iso9001，l0号线缆",
    "客服人员12人，拨打测试5000000次，致电120人",
    "抖音账号运营、快手平台直播，微博粉丝100000名",
    "邮箱系统为主，地点.com",
    "",
]


@pytest.mark.parametrize("text", FALSE)
def test_ordinary_deeds_are_accepted(text: str) -> None:
    assert sentences(text) == ""
    assert sentences(text, complete_form()) == ""


def test_a_fault_states_where_and_never_what() -> None:
    text = f"序言\n１：{NUMBER[:6]}　{NUMBER[6:]}，手机138 0000 0000。"
    faults = disclosures({"summary.zh": "清白", "story.zh": text})
    assert [fault.field for fault in faults] == ["story.zh"] * 2
    assert [
        text[int(first) - 1 : int(last)]
        for fault in faults
        for first, last in re.findall(r"characters (\d+) to (\d+)", fault.message)
    ] == [f"{NUMBER[:6]}　{NUMBER[6:]}", "138 0000 0000"]
    assert "第6至24个字符像是身份证号" in faults[0].zh
    for fault in faults:
        assert not re.search(r"\d{4}", f"{fault}{fault.zh}")


ORDINARY = st.sampled_from(["他", "先进", "，", "工艺A", "。", "（", "创新\n", ""])
SEPARATORS = st.sampled_from(["", " ", "-", "，", "、", ".", " / ", "\n", "\u200b", "—", "·"])
DIGIT_SPELLINGS = st.sampled_from(
    [
        *("0123456789", "０１２３４５６７８９", "零一二三四五六七八九", "〇壹贰叁肆伍陆柒捌玖"),
        *("⓪①②③④⑤⑥⑦⑧⑨", "⁰¹²³⁴⁵⁶⁷⁸⁹", "०१२३४५६७८९"),
    ]
)


@given(
    st.dates(date(1900, 1, 1), date(2010, 1, 1)),
    st.integers(0, 999),
    st.lists(SEPARATORS, min_size=17, max_size=17),
    DIGIT_SPELLINGS,
    ORDINARY,
    ORDINARY,
)
def test_an_id_number_is_found_anywhere(
    birth: date, serial: int, separators: list[str], spelling: str, before: str, after: str
) -> None:
    number = id_number(birth=birth, serial=serial)
    number = number.translate(str.maketrans("0123456789", spelling))
    spelled = "".join(map("".join, zip(number, [*separators, ""], strict=True)))
    assert "身份证号" in sentences(f"{before}{spelled}{after}")


@given(
    st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True),
    st.one_of(
        st.tuples(
            st.sampled_from([(3, 7), (11, 11), (3, 3), (7, 7), (5, 5), (3, 6)]),
            st.sampled_from(["", " ", "-", "·", "  ", " - "[:2], "–"]),
        ),
        st.tuples(
            st.just((3, 7)), st.sampled_from(["，", "、", "/", "\n", " - ", " / ", "*", "~"])
        ),
    ),
    DIGIT_SPELLINGS,
    ORDINARY,
    ORDINARY,
)
def test_a_mobile_number_is_found_in_every_usual_spelling(
    number: str, grouping: tuple[tuple[int, int], str], spelling: str, before: str, after: str
) -> None:
    cuts, separator = grouping
    assume(not re.fullmatch("(?:(?:19|20)..){2}", number[3:]))  # two years
    groups = [number[: cuts[0]], number[cuts[0] : cuts[1]], number[cuts[1] :]]
    spelled = separator.join(group for group in groups if group)
    spelled = spelled.translate(str.maketrans("0123456789", spelling))
    assert "手机号码" in sentences(f"{before}{spelled}{after}")


@given(
    st.lists(
        st.one_of(
            st.integers(1950, 2022).map(lambda year: f"{year}年"),
            st.dates(date(1950, 1, 1), date(2022, 1, 1)).map(lambda day: f"{day:%Y.%m}-"),
            st.integers(1, 10**12).map(lambda amount: f"{amount}元"),
            st.integers(1, 10**12).map(lambda amount: f"{amount:,}件"),
            st.decimals(0, 100, places=2).map(lambda share: f"{share}%"),
            st.integers(1950, 2022).map(str),
            st.dates(date(1950, 1, 1), date(2022, 1, 1)).map(lambda day: f"{day:%Y/%m/%d}"),
            st.dates(date(1950, 1, 1), date(2022, 1, 1)).map(lambda day: f"{day:%Y-%m-%d}起"),
            st.integers(1, 99999).map(lambda number: f"GB/T {number}-2008"),
            st.integers(1, 99999).map(lambda number: f"ISO {number}:2015"),
            st.integers(100, 999).map(lambda number: f"{number}万元"),
            st.integers(0, 9999999).map(lambda number: f"ZL20191{number:07}.7"),
            st.sampled_from(["微信公众号", "QQ群", "同微信小程序"]),
            st.integers(0, 9999999).map(lambda number: f"ZL 2019 1 {number:07}.7"),
        ),
        max_size=12,
    ),
    st.sampled_from(["，", "、", "；", "。", "\n", " / "]),
)
def test_figures_of_deeds_are_accepted(figures: list[str], between: str) -> None:
    assert sentences(between.join(figures)) == ""


@given(st.text(), st.text(alphabet="0123456789 -.Xx一二三号室路街组@渝A\n", max_size=60))
def test_any_text_is_handled(text: str, near: str) -> None:
    for fault in (*disclosures({"a": text, "b": near}, form=complete_form()),):
        first, last = map(int, re.findall(r"characters (\d+) to (\d+)", fault.message)[0])
        assert 1 <= first <= last <= len({"a": text, "b": near}[fault.field])


# The values of the form itself

KNOWN = complete_form(
    employer_telephone="023-63001234-801", employer_address="重庆市渝中区示范工业园B区附楼"
)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("请记6300 1234。", "电话号码"),
        ("请记６３００－１２３４", "电话号码"),
        ("请记六三〇〇一二三四", "电话号码"),
        ("位于示范工业园 b区（附楼）", "详细地址"),
        ("位于重庆市渝中区示范工业园Ｂ区附楼", "详细地址"),
        ("联络员乙说", "联系人"),
        ("经办人 丙", "联系人"),
        ("签署人丁与签署人戊", "联系人"),
        ("1980年5月17日出生", "出生日期"),
        ("生于1980-05-17", "出生日期"),
        ("生于1980 . 5 . 17", "出生日期"),
        ("19800517", "出生日期"),
    ],
)
def test_values_of_the_form_are_refused(text: str, kind: str) -> None:
    assert kind in sentences(text, KNOWN)
    assert sentences(text) == ""


def test_values_of_the_form_are_found_where_they_stand() -> None:
    text = "㎡\u200b㎡：1980年5月17日，联络\u200b员乙，6300 1234"
    faults = disclosures({"story": text}, form=KNOWN)
    assert [
        text[int(first) - 1 : int(last)]
        for fault in faults
        for first, last in re.findall(r"characters (\d+) to (\d+)", fault.message)
    ] == ["1980年5月17日", "联络\u200b员乙", "6300 1234"]


def test_a_mistyped_id_number_of_the_form_is_found_too() -> None:
    wrong = f"{NUMBER[:-1]}{(int(NUMBER[-1]) + 1) % 10 if NUMBER[-1] != 'X' else 0}"
    text = f"号码{wrong[:6]} {wrong[6:]}"
    assert "身份证号" in sentences(text, complete_form(id_number=wrong))


@pytest.mark.parametrize(
    "text",
    [
        "某某路桥机械有限公司的候选人甲",  # name and employer are meant to be public
        "产量163001234件、630012345件",  # longer numbers than the telephone's
        "1980年5月起，在渝中区",
        "出生年月1980.5",
    ],
)
def test_public_data_is_accepted(text: str) -> None:
    assert sentences(text, KNOWN) == ""


def test_the_employers_name_is_public_whatever_it_holds() -> None:
    form = complete_form(
        employer="示范路36号加油站",
        employer_address="示范路36号",
        employer_contact="候选人甲",
        body_opinion=Opinion(),
    )
    assert sentences("在示范路36号加油站工作的候选人甲", form) == ""
    assert "详细地址" in sentences("在示范路37号工作", form)
    assert "详细地址" in sentences("在示范路36号工作", form)


@pytest.mark.parametrize(
    ("telephone", "text"),
    [
        ("138-0000-0000", "13800000000"),
        ("+86 138 0000 0000", "138/0000/0000"),
        ("023-6300-1234", "6300，1234"),
        ("63001234", "六三零零1234"),
        ("+86 23 63001234", "63001234"),
    ],
)
def test_the_forms_telephone_in_any_spelling(telephone: str, text: str) -> None:
    assert re.search(
        "电话号码|手机号码", sentences(text, complete_form(employer_telephone=telephone))
    )


def test_an_empty_form_refuses_nothing() -> None:
    assert sentences("任何文字", RecommendationForm()) == ""
