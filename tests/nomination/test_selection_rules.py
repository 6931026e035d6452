"""What a selection's documents say of its award, when the rules leave it to the title."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest

from tests.nomination.documents.printed_samples import summary
from voting_service.i18n.text import Text
from voting_service.nomination.awards.report_texts import draft_report_texts
from voting_service.nomination.model import DeadlineExtension, Selection, SelectionRules

AWARD = Text("最美巴渝工匠", "Most Beautiful Bayu Craftsmen")


@pytest.mark.parametrize(
    ("title", "award", "year"),
    [
        (Text("2022年“最美巴渝工匠”选树", "“Most Beautiful Bayu Craftsmen” of 2022"), AWARD, 2022),
        (Text("2022年度", "2022"), Text("2022年度", "2022"), 2022),
    ],
)
def test_award_and_year_come_from_the_title_and_stay(title: Text, award: Text, year: int) -> None:
    rules = SelectionRules(title=title, industries={})
    assert (rules.award, rules.year) == (award, year)
    assert rules.host.zh == "重庆市高技能人才工作联席会"
    assert rules.office.zh == "重庆市高技能人才工作联席会办公室"
    assert msgspec.convert(msgspec.to_builtins(rules), SelectionRules) == rules


def test_what_the_rules_state_counts() -> None:
    title = Text("2022年“寻找最美巴渝工匠”活动", "Activity")
    rules = SelectionRules(title=title, industries={}, award=AWARD, year=2023, host=AWARD)
    assert (rules.award, rules.year, rules.host) == (AWARD, 2023, AWARD)


def test_the_summary_report_names_the_first_deadline_beside_the_extended_one() -> None:
    first, second = (datetime(2022, month, 1, tzinfo=ZoneInfo("Asia/Shanghai")) for month in (7, 8))
    selection = Selection(
        id=1,
        slug="crafts",
        rules=SelectionRules(title=Text("选树（2022）", "Crafts 2022"), industries={}),
        opens_at=first - timedelta(days=30),
        closes_at=second,
        district_quota=6,
        department_quota=3,
        contest_id=None,
        extensions=(DeadlineExtension(first, second, first, "暴雨"),),
    )
    drafted = draft_report_texts(selection, summary()).sections["recommendation"]
    assert "2022年7月31日24时（原定2022年6月30日24时，经批准延长）" in drafted.zh.replace(" ", "")
    assert "(extended from the end of 30 June 2022)" in drafted.en
