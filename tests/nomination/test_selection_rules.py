"""What a selection's documents say of its award, when the rules leave it to the title."""

from __future__ import annotations

import msgspec
import pytest

from voting_service.i18n.text import Text
from voting_service.nomination.model import SelectionRules

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
