"""Whom a search finds, by number, name, pinyin, trade, district or employer."""

from __future__ import annotations

import pytest

from voting_service.contests.candidate_search import CandidateSearch, search_key
from voting_service.contests.model import Candidate
from voting_service.i18n.text import Text

WELDER, FITTER = Text("焊工", "Welder"), Text("钳工", "Fitter")
WANZHOU, YUBEI = Text("万州区", "Wanzhou"), Text("渝北区", "Yubei")
NOTHING = Text("", "")


def candidate(number: int, zh: str, en: str, trade: Text, district: Text) -> Candidate:
    return Candidate(number, Text(zh, en), trade, district, NOTHING, NOTHING)


CANDIDATES = (
    candidate(3, "阿依古丽·买买提", "Ayguli Memet", WELDER, WANZHOU),
    candidate(7, "单雄", "Shan Xiong", WELDER, YUBEI),
    candidate(17, "吕 思", "Lü Si", FITTER, YUBEI),
    candidate(27, "张三丰", "Zhang Sanfeng", FITTER, WANZHOU),
    candidate(70, "𬍛𰻞", "Rare Name", FITTER, WANZHOU),
)
SEARCHES: list[tuple[str, set[int]]] = [
    ("", {3, 7, 17, 27, 70}),
    *((f"阿依古丽{dot}买买提", {3}) for dot in ("·", "•", "・", "･", "．", ".", "‧", "⋅", "")),
    ("阿依古丽 买买提", {3}),
    ("阿依古丽　买买提", {3}),
    ("「阿依古丽」，", {3}),
    *((number, {7}) for number in ("7", "07", "７", "7号", "第7号", "№7", "no. 7", "No.7")),
    ("70", {70}),
    ("071", set()),
    ("吕思", {17}),
    ("吕　思", {17}),
    ("lv si", {17}),
    ("Lü", {17}),
    ("张 三 丰", {27}),
    ("zhangsanfeng", {27}),
    ("ZHANG sanfeng", {27}),
    ("sanfeng", {27}),
    ("zsf", {27}),
    ("sf", {27}),
    ("shanxiong", {7}),  # a surname is read otherwise than the word
    ("danxiong", {7}),
    ("hangong", {3, 7}),
    ("wanzhou", {3, 27, 70}),
    ("wzq", {3, 27, 70}),
    ("an", set()),  # pinyin from its beginning: not in "wan" or "zhang"
    ("焊工 渝北", {7}),
    ("welder yubei", {7}),
    ("张三李四", set()),
    ("𬍛", {70}),
    ("\ud842", {3, 7, 17, 27, 70}),
    ("···", {3, 7, 17, 27, 70}),
]


@pytest.mark.parametrize(("query", "numbers"), SEARCHES)
def test_who_is_found(query: str, numbers: set[int]) -> None:
    assert CandidateSearch(CANDIDATES).find(query) == numbers


def test_a_long_name_has_one_reading_and_a_key_stays_short() -> None:
    assert len(search_key(CANDIDATES[0])) < 300
