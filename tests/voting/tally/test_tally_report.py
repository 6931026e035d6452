"""The printed report states what the recount states, in both languages, and looks right."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contest_data import both, rules
from tests.cut_data import CLOSES, OPENS
from tests.printed import (
    Printed,
    check_looks_right,
    get_keys,
    printed,
)
from voting_service.contests.model import Candidate, Contest, CutRules
from voting_service.i18n.text import Language
from voting_service.voting.tally.exports import tally_table, to_csv
from voting_service.voting.tally.recount import (
    BALLOTS,
    Count,
    CountedCell,
    Recount,
)
from voting_service.voting.tally.report.tally_report import (
    report_data,
    tally_report,
    texts,
)

LANGUAGES: tuple[Language, ...] = get_args(Language)


def contest(count: int = 50, size: int = 30, name: str = "候选人") -> Contest:
    return Contest(
        id=1,
        slug="test-2022",
        rules=rules(cut=CutRules(size=size, tie="lot")),
        opens_at=OPENS,
        closes_at=CLOSES,
        revision=1,
        candidates=tuple(
            Candidate(number, both(f"{name}{number}"), both(""), both(""), both(""), both(""))
            for number in range(1, count + 1)
        ),
    )


def recounted(of: Contest, votes: dict[int, Count], *, days: int = 3) -> Recount:
    """These votes on each of so many days, on two platforms, one name a ballot."""
    cells = []
    for day in range(days):
        hour = OPENS + timedelta(days=day)
        for number, count in votes.items():
            cells.append(CountedCell(hour, "demo", number, count))
            cells.append(CountedCell(hour, "demo", BALLOTS, count))
        cells.append(CountedCell(hour, "wechat", BALLOTS, Count(7)))
        cells.append(CountedCell(hour, "wechat", 1, Count(7)))
    return Recount(of.zone, CLOSES, tuple(cells), seconds=0.5)


def usual(of: Contest) -> dict[int, Count]:
    """Every place apart by a hundred votes, some held and some void."""
    return {n: Count(20_000 - 100 * n, held=n, void=2 * n) for n in sorted(of.numbers)}


def without_spaces(document: Printed) -> str:
    return "".join(document.text.split())


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_contest_of_fifty_fills_four_pages_that_look_right(language: Language) -> None:
    of = contest()
    document = printed(tally_report(of, recounted(of, usual(of)), language))
    check_looks_right(document)
    assert len(document.pages) == 4
    words = texts(language)
    for page, heading in zip(
        document.pages,
        [
            words["title"],
            words["candidates"]["heading"],
            words["candidates"]["chart_heading"],
            words["days"]["heading"],
        ],
        strict=True,
    ):
        assert heading.replace(" ", "") in "".join(page.text.split())


def test_every_figure_of_every_candidate_is_printed() -> None:
    of = contest()
    counts = recounted(of, usual(of))
    text = without_spaces(printed(tally_report(of, counts, "en")))
    table = tally_table(of, counts, ("candidate",), CLOSES)
    for rank, number, name, _, gross, held, void, net, share, _ in table.rows:
        row = f"{rank}{number}{name}{gross:,}{held:,}{void:,}{net:,}{share:.2f}%"
        assert "".join(row.split()) in text
    assert f"{counts.ballots.net:,}" in text
    for _, count in counts.grouped(("platform",)):
        assert f"{count.gross:,}{count.held:,}{count.void:,}{count.net:,}" in text


def test_the_fingerprints_are_those_of_the_files_that_the_commands_write() -> None:
    of = contest()
    counts = recounted(of, usual(of))
    text = without_spaces(printed(tally_report(of, counts, "en")))
    for keys in (("hour", "platform", "candidate"), ("hour", "platform")):
        content = to_csv(tally_table(of, counts, keys, CLOSES), mark=False)
        assert sha256(content).hexdigest() in text
        assert "--formatcsv" + "".join(f"--by{key}" for key in keys) + "|sha256sum" in text


def test_the_same_recount_gives_the_same_bytes() -> None:
    of = contest(5, 3)
    counts = recounted(of, usual(of))
    assert tally_report(of, counts, "zh") == tally_report(of, replace(counts, seconds=9), "zh")


def get_line(of: Contest, votes: dict[int, Count]) -> dict[str, Any]:
    line: dict[str, Any] = report_data(of, recounted(of, votes, days=1), "en")["line"]
    return line


def test_the_line_tells_margin_and_what_is_held() -> None:
    line = get_line(contest(4, 2), {2: Count(1500), 3: Count(1300), 4: Count(1290, held=40)})
    assert line["words"] == (
        "Place 2, 候选人3 (no. 3), has 1,300 net votes, 50 more than place 3, 候选人4 (no. 4)."
    )
    assert line["held"] == "40 ballots are still waiting for a ruling, so ranks may change."
    assert [(row["place"], row["ahead"]) for row in line["around"]] == [
        (1, 200),
        (2, 50),
        (3, 1243),
        (4, None),
    ]


def test_a_tie_at_the_line_is_shown_as_one() -> None:
    line = get_line(contest(4, 2), {2: Count(9), 3: Count(7), 4: Count(2)})
    assert line["words"] == (
        "Place 2 is tied: 2 candidates with 7 net votes each compete for 1 of the places. "
        "The tie is decided by a public draw."
    )
    assert line["held"] == ""


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_contest_without_ballots_or_line_is_printed_too(language: Language) -> None:
    of = contest(3, 3)
    document = printed(tally_report(of, Recount(of.zone, OPENS, (), 0.0), language))
    check_looks_right(document)
    plain = without_spaces(document)
    assert texts(language)["days"]["none"].replace(" ", "") in plain
    assert texts(language)["line"]["none"].format(size=3).replace(" ", "") in plain


def test_many_candidates_with_long_names_stay_on_their_pages() -> None:
    of = contest(130, 30, name="Maximiliana-Alexandrowna von und zu Hohenfels " * 2)
    counts = recounted(of, {n: Count(10**7 + n) for n in of.numbers}, days=1)
    check_looks_right(printed(tally_report(of, counts, "en")))


def test_votes_for_nobody_are_shown_and_not_hidden() -> None:
    of = contest(3, 2)
    data = report_data(of, recounted(of, {99: Count(5)}), "en")
    [stranger] = [row for row in data["candidates"] if row["number"] == 99]
    assert stranger["name"] == "(not a candidate)"


def test_days_without_a_ballot_are_in_the_chart() -> None:
    of = contest(3, 2)
    cells = tuple(
        CountedCell(OPENS + timedelta(days=day), "demo", BALLOTS, Count(4)) for day in (0, 3)
    )
    data = report_data(of, Recount(of.zone, CLOSES, cells, 0.0), "en")
    assert [(day["label"], day["net"]) for day in data["days"]] == [
        ("1 Jul", 4),
        ("2 Jul", 0),
        ("3 Jul", 0),
        ("4 Jul", 4),
    ]


def test_a_name_that_cannot_be_printed_leaves_a_gap() -> None:
    none_yet = Recount(contest().zone, OPENS, (), 0.0)
    check_looks_right(printed(tally_report(contest(2, 1, name="𠀀"), none_yet, "zh")))


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(
        st.integers(1, 12),
        st.tuples(*[st.integers(0, 50)] * 3).map(lambda c: Count(sum(c), c[1], c[2])),
    ),
    st.integers(1, 12),
)
def test_rows_add_up_to_the_totals_whatever_the_votes(votes: dict[int, Count], size: int) -> None:
    of = contest(12, size)
    data = report_data(of, recounted(of, votes), "zh")
    for name in ("gross", "held", "void", "net"):
        assert sum(row[name] for row in data["platforms"]) == data["ballots"][name]
        assert sum(row[name] for row in data["days"]) == data["ballots"][name]
        assert sum(row[name] for row in data["candidates"]) == data["votes"][name]
    assert len(data["candidates"]) == 12


def test_both_languages_have_the_same_texts() -> None:
    assert get_keys(texts("zh")) == get_keys(texts("en"))
