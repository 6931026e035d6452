"""The tally's files say the same, and no spreadsheet runs what they hold."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.contest_data import both, rules
from tests.cut_data import CLOSES, OPENS
from voting_service.contests.model import (
    Candidate,
    Contest,
    CutRules,
)
from voting_service.infrastructure.text_files import read_rows
from voting_service.voting.tally.exports import (
    TallyTable,
    safe_text,
    tally_table,
    to_csv,
    to_json,
    to_xlsx,
)
from voting_service.voting.tally.recount import (
    BALLOTS,
    Count,
    CountedCell,
    Key,
    Recount,
)

EVIL = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1",
    "http://example.org",
    '一,"二"',
]


def contest(names: list[str], size: int = 3) -> Contest:
    return Contest(
        id=1,
        slug="test-2022",
        rules=rules(cut=CutRules(size=size, tie="committee")),
        opens_at=OPENS,
        closes_at=CLOSES,
        revision=1,
        candidates=tuple(
            Candidate(number, both(name), both(""), both(""), both(""), both(""))
            for number, name in enumerate(names, start=1)
        ),
    )


def recounted(of: Contest, votes: dict[int, Count], platform: str = "demo") -> Recount:
    ballots = Count()
    for count in votes.values():
        ballots = ballots.plus(count)
    cells = [
        CountedCell(OPENS, platform, number, count)
        for number, count in votes.items()
        if count.gross
    ]
    return Recount(of.zone, CLOSES, (CountedCell(OPENS, platform, BALLOTS, ballots), *cells), 0.1)


def table(*by: Key, names: list[str] | None = None, platform: str = "demo") -> TallyTable:
    of = contest(names or EVIL)
    votes = {n: Count(gross=20 - n, held=1) for n in of.numbers}
    return tally_table(of, recounted(of, votes, platform), by or ("candidate",), CLOSES)


def csv_rows(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def test_the_ranking_has_ranks_shares_and_the_line() -> None:
    of = contest(["a", "b", "c", "d", "e"], size=2)
    votes = {1: Count(5, 1), 2: Count(2), 3: Count(4), 4: Count(2), 5: Count(0)}
    made = tally_table(of, recounted(of, votes), ("candidate",), CLOSES)
    assert made.unit == "votes"
    assert made.rows == (
        (1, 1, "a", "a", 5, 1, 0, 4, 33.33, "yes"),
        (1, 3, "c", "c", 4, 0, 0, 4, 33.33, "yes"),
        (3, 2, "b", "b", 2, 0, 0, 2, 16.67, "no"),
        (3, 4, "d", "d", 2, 0, 0, 2, 16.67, "no"),
        (5, 5, "e", "e", 0, 0, 0, 0, 0.0, "no"),
    )


def test_a_tie_at_the_line_is_shown_as_one() -> None:
    of = contest(["a", "b", "c", "d"], size=2)
    votes = {1: Count(5), 2: Count(2), 3: Count(2), 4: Count(1)}
    made = tally_table(of, recounted(of, votes), ("candidate",), CLOSES)
    assert [row[-1] for row in made.rows] == ["yes", "tied", "tied", "no"]


def test_no_votes_at_all_is_no_division_by_nothing() -> None:
    of = contest(["a", "b"], size=1)
    made = tally_table(of, Recount(of.zone, CLOSES, (), 0.0), ("candidate",), CLOSES)
    assert [row[-2:] for row in made.rows] == [(0.0, "tied"), (0.0, "tied")]
    assert openpyxl.load_workbook(io.BytesIO(to_xlsx(made, "en")))["Tally"].max_row == 3


def test_groups_count_ballots_or_votes() -> None:
    by_day = table("day")
    assert (by_day.unit, by_day.columns) == ("ballots", ("day", "gross", "held", "void", "net"))
    assert by_day.rows == (("2022-07-01", 145, 10, 0, 135),)
    both_keys = table("platform", "candidate")
    assert both_keys.unit == "votes"
    assert both_keys.columns[:4] == ("platform", "candidate", "name_zh", "name_en")
    assert both_keys.rows[0] == ("demo", 1, "=1+1", "=1+1", 19, 1, 0, 18, 1)
    assert both_keys.columns[-1] == "rank"


@pytest.mark.parametrize("mark", [True, False])
def test_csv_is_utf8_and_safe_against_formulas(mark: bool) -> None:
    content = to_csv(table(platform="@x"), mark=mark)
    assert content.startswith(b"\xef\xbb\xbf") == mark
    rows = csv_rows(content)
    assert len({len(row) for row in rows}) == 1
    assert [row[2] for row in rows[1:]] == [safe_text(name) for name in EVIL]
    assert rows[1][2] == "'=1+1"
    assert rows[9][2] == "http://example.org"
    assert csv_rows(to_csv(table("platform", platform="@x"), mark=mark))[1][0] == "'@x"


@pytest.mark.parametrize("text", ["12345678901234567890123456789012", "12e5", "0012", "1234567E89"])
def test_what_excel_would_change_is_marked_as_text(text: str) -> None:
    assert safe_text(text) == f"'{text}"
    assert list(read_rows(f"id,n\n{safe_text(text)},1\n"))[1] == (text, "1")


@pytest.mark.parametrize("text", ["12", "2022-07-01", "12e5f", "1e", "0", "3|7", "deadbeef"])
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert safe_text(text) == text


@given(st.text())
def test_no_text_begins_like_a_formula(text: str) -> None:
    safe = safe_text(text)
    assert safe[:1] not in set("=+-@\t\r\n＝＋－＠") - {""}
    assert safe.endswith(text)


def test_xlsx_holds_texts_and_numbers_and_no_formula_or_link() -> None:
    workbook = openpyxl.load_workbook(io.BytesIO(to_xlsx(table(), "zh")))
    assert workbook.sheetnames == ["计票结果", "说明"]
    cells = [cell for sheet in workbook for row in sheet.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} == {"s", "n"}
    assert all(cell.hyperlink is None for cell in cells)
    rows = list(workbook["计票结果"].values)
    assert rows[0][:3] == ("名次", "编号", "姓名")
    assert rows[1] == (*table().rows[0][:-1], "入围")
    facts = {row[0]: row[1] for row in workbook["说明"].values}
    assert facts["数据截至"] == "2022年7月10日 12:00:00"
    assert facts["选票：有效"] == 135
    assert not any(str(value).startswith("{") for value in facts.values())
    # XML cannot hold a carriage return; Excel reads this escape as one, openpyxl leaves it.
    assert [row[2] for row in rows[1:]] == [name.replace("\r", "_x000D_") for name in EVIL]


def test_json_is_stable_and_whole() -> None:
    made = table()
    content = to_json(made)
    assert content == to_json(replace(made))
    read: Any = msgspec.json.decode(content)
    assert read["contest"] == "test-2022"
    assert read["as_of"] == "2022-07-10T12:00:00+08:00"
    assert read["ballots"] == {"gross": 145, "held": 10, "void": 0, "net": 135}
    assert (read["phase"], read["unit"], read["cut_size"]) == ("closed", "votes", 3)
    assert [tuple(row.values()) for row in read["rows"]] == list(made.rows)
    assert tuple(read["rows"][0]) == made.columns


def test_an_open_contest_states_it() -> None:
    of = contest(["a"])
    made = tally_table(of, recounted(of, {1: Count(1)}), ("hour",), CLOSES - timedelta(hours=1))
    assert made.phase == "open"
    assert made.rows[0][0] == "2022-07-01T08:00+08:00"


def test_the_same_figures_give_the_same_xlsx_bytes() -> None:
    assert to_xlsx(table(), "zh") == to_xlsx(table(), "zh")
