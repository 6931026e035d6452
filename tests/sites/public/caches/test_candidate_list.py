"""The list as it is filtered, and who stands beside whom in it."""

from __future__ import annotations

import msgspec

from tests.contest_data import unstored_contest
from tests.contests.test_candidate_search import CANDIDATES
from voting_service.sites.public.caches.candidate_list import CandidateIndex, ListFilter


def test_a_filter_keeps_to_its_address() -> None:
    list_filter = ListFilter(district="万州区", q="a&b=c#d")
    assert ListFilter.from_query(list_filter.query.removeprefix("?").encode()) == list_filter
    assert ListFilter().query == ""
    for strange in (
        b"q=%ff%fe",
        b"=&&&=%",
        b"q=1&q=2",
        b"x=1",
        b"district=" + b"x" * 5000,
        b"\xff",
    ):
        ListFilter.from_query(strange)


def test_filters_are_counted_and_combined() -> None:
    shown = CandidateIndex(msgspec.structs.replace(unstored_contest(), candidates=CANDIDATES))
    trades = [(facet.value, facet.label, facet.size) for facet in shown.trades["en"]]
    assert trades == [("钳工", "Fitter", 3), ("焊工", "Welder", 2)]
    assert [f.value for f in shown.districts["zh"]] == ["万州区", "渝北区"]  # by pinyin
    assert shown.find(ListFilter(trade="钳工", district="万州区")) == {27, 70}
    assert shown.find(ListFilter(trade="钳工", q="zsf")) == {27}
    assert shown.find(ListFilter(trade="nothing of the kind")) == set()
    neighbours = shown.neighbours(70, ListFilter(trade="钳工"))
    assert neighbours is not None
    assert (neighbours.previous.number, neighbours.following.number) == (27, 17)
    assert shown.neighbours(7, ListFilter(trade="焊工", district="渝北区")) is None
    beside = shown.neighbours(
        7, ListFilter(trade="钳工")
    )  # reached with a filter that is not theirs
    assert beside is not None
    assert (beside.previous.number, beside.following.number) == (3, 17)
