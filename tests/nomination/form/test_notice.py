"""The form has the words of the notice of 2022, each in one place."""

from __future__ import annotations

import re

import pytest
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st

from voting_service.commands.nomination import read_selection_file
from voting_service.i18n.catalogues import load_catalogue, locale_folder
from voting_service.i18n.text import Text
from voting_service.nomination.form.industries import KEY_CHAINS, PILLAR_INDUSTRIES
from voting_service.nomination.form.model import OTHER_INDUSTRY
from voting_service.nomination.model import NewSelection, SelectionRules

CONDUCT = (
    "热爱祖国，热爱社会主义制度，拥护党的领导，遵守国家法律法规，热爱本职工作，具有良好的职业道德和敬业精神，"
    "模范履行岗位职责，奋发进取，勇于奉献"
)
QUALIFICATIONS = {
    "technician": "取得技师及以上职业资格或技能等级证书",
    "heritage": "被授予市级及以上非遗传承人称号",
    "title": "在工程、农业、工艺美术、文物博物、实验技术、艺术、体育等领域"
    "取得中级及以上专业技术职称",
}
ACHIEVEMENTS = {
    "innovation": "在技术革新、技术改造、攻克技术难关或预防排除重大事故隐患中作出突出贡献，"
    "或解决了关键性技术难题，取得重大经济效益和社会效益的",
    "method": "在本行业中具有领先的技术技能水平，并在某一生产工作领域总结出先进的操作方法，"
    "得到广泛推广，取得重大经济效益和社会效益的",
    "technology": "开发出重点新产品、新技术，或在技术成果转化，推广和应用新技术、新工艺、新方法中"
    "有突出贡献，取得重大经济效益和社会效益的",
    "special_skill": "有被行业公认的绝招绝技，达到国内先进水平，在国际国内有较大影响，"
    "在带徒传艺方面做出突出贡献的",
}
LABELS = {
    "name": "姓名",
    "sex": "性别",
    "birth": "出生年月",
    "id_number": "身份证号",
    "ethnic_group": "民族",
    "political_status": "政治面貌",
    "education": "文化程度",
    "trade": "职业工种",
    "skill_grade": "职业资格等级",
    "employer": "工作单位",
    "first_employed": "参加工作时间",
    "employer_address": "单位通讯地址",
    "employer_postcode": "邮政编码",
    "employer_contact": "单位联系人",
    "employer_telephone": "单位联系电话",
    "skills": "技能技术特长、主要事迹贡献和获奖情况（1000字内）",
    "employer_opinion": "所在单位意见",
    "body_opinion": "区县（自治县）人力社保部门、市级主管部门意见",
}


def test_conditions_are_those_of_the_notice_word_for_word() -> None:
    texts = load_catalogue("recommendations", "zh")
    assert texts["conditions"]["conduct"] == CONDUCT
    assert texts["qualifications"] == QUALIFICATIONS
    assert texts["achievements"] == ACHIEVEMENTS


def test_no_other_catalogue_words_a_condition_in_its_own_way() -> None:
    """A kind of fault: the same condition in three wordings."""
    own = re.compile("技术难关|技术革新|先进.?操作方?法|绝[招技]绝[技活]|成果转化")
    folder = locale_folder() / "zh" / "LC_MESSAGES"
    for path in folder.glob("*.po"):
        if path.name in {"demo.po"}:
            continue
        with path.open("rb") as file:
            texts = [str(message.string) for message in read_po(file) if message.id]
        conditions = {text for text in texts if own.search(text)}
        allowed = set(ACHIEVEMENTS.values()) if path.name == "recommendations.po" else set()
        assert conditions <= allowed, path.name


def test_labels_are_those_of_the_paper_form_in_both_languages() -> None:
    fields = {language: load_catalogue("recommendations", language) for language in ("zh", "en")}
    for name, label in LABELS.items():
        assert fields["zh"]["fields"][name] == label
        without_limit = label.removesuffix("（1000字内）")
        assert f"({without_limit})" in fields["en"]["fields"][name], name
    assert fields["zh"]["slots"]["photo"] == "两寸像片"
    assert "(两寸像片)" in fields["en"]["slots"]["photo"]


def test_industries_are_the_citys_eight_those_of_the_notice_and_other() -> None:
    names = [name.zh for name in PILLAR_INDUSTRIES.values()]
    assert names[:8] == ["汽车", "摩托车", "电子", "装备", "医药加工", "材料", "消费品", "能源"]
    assert set(names[8:]) == {"信息技术", "现代服务", "其他"}
    assert list(PILLAR_INDUSTRIES)[-1] == OTHER_INDUSTRY
    assert [chain.zh for chain in KEY_CHAINS] == [
        *("电子信息", "高端装备制造", "新能源汽车", "新材料", "医药健康")
    ]


@pytest.mark.parametrize(
    ("zh", "en", "award", "year"),
    [
        (
            "2022年“最美巴渝工匠”选树（演示）",
            "Most Beautiful Bayu Craftsmen 2022, selection (demo)",
            Text("最美巴渝工匠", "Most Beautiful Bayu Craftsmen"),
            2022,
        ),
        (
            "最美巴渝工匠选树（2022）",
            "Most Beautiful Bayu Craftsmen 2022",
            Text("最美巴渝工匠", "Most Beautiful Bayu Craftsmen"),
            2022,
        ),
        (
            "2023年度重庆工匠评选活动",
            "Chongqing Craftsmen",
            Text("重庆工匠", "Chongqing Craftsmen"),
            2023,
        ),
        ("选树", "Selection", Text("选树", "Selection"), 0),
    ],
)
def test_award_and_year_follow_from_the_title(zh: str, en: str, award: Text, year: int) -> None:
    rules = SelectionRules(title=Text(zh, en), industries={})
    assert (rules.award, rules.year) == (award, year)


@given(
    st.text("匠工巴渝最美 ABC", min_size=1).filter(str.strip),
    st.integers(1990, 2099),
    st.sampled_from(["选树", "选树活动（演示）", ""]),
)
def test_a_quoted_award_is_found_in_any_title(award: str, year: int, ending: str) -> None:
    rules = SelectionRules(title=Text(f"{year}年“{award}”{ending}", "Award"), industries={})
    assert (rules.award.zh, rules.year) == (award, year)
    assert rules.form_title == f"{year}年“{award}”推荐表"


def test_a_selection_without_a_year_in_its_title_is_of_the_year_it_opens(
    pytestconfig: pytest.Config,
) -> None:
    described = read_selection_file(pytestconfig.rootpath / "docs" / "nomination.toml")
    bare = SelectionRules(title=Text("选树", "Selection"), industries={})
    new = NewSelection(
        slug="s", rules=bare, opens_at=described.opens_at, closes_at=described.closes_at
    )
    assert new.rules.year == 2022
    rules = described.rules
    assert rules.form_title == "2022年“最美巴渝工匠”推荐表"
    assert (rules.host.zh, rules.office.zh) == (
        "重庆市高技能人才工作联席会",
        "重庆市高技能人才工作联席会办公室",
    )
    assert rules.office_address is not None
    assert rules.office_address.zh == "市人力社保局二号楼404"
