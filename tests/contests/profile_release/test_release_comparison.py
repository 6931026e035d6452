"""What a page shows, compared with the record."""

from __future__ import annotations

import json
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voting_service.contests.pictures.model import PublicProfile
from voting_service.contests.profile_release.comparison import (
    Difference,
    compare_html,
    compare_json,
)
from voting_service.i18n.text import Text


def profile(number: int, name: str) -> PublicProfile:
    return PublicProfile(
        number=number,
        name=Text(zh=name, en=f"Worker {number}"),
        trade=Text(zh="焊工", en="Welder"),
        district=Text(zh="万盛经开区", en="Wansheng"),
        summary=Text(zh="一句话", en="One line"),
        story=Text(zh="第一段。\n第二段。", en="First.\nSecond."),
    )


# Rare characters beyond the basic plane, names within names, and two of one name.
EVERYBODY = (
    profile(1, "甲一"), profile(2, "甲一二"), profile(3, "𠮷田㐂"), profile(4, "同名"),
    profile(5, "同名"), profile(21, "阿卜杜·某"),
)  # fmt: skip
NUMBERS = {candidate.number for candidate in EVERYBODY}


def kinds(differences: Sequence[Difference]) -> set[tuple[int | None, str]]:
    return {(difference.number, difference.what) for difference in differences}


def list_page(shown: Sequence[tuple[object, str]], *, after: bool = False) -> str:
    cards = "".join(
        f"<li><h3>{name}</h3><b>No. {number}</b><i>焊工</i></li>"
        if after
        else f"<li><b>{number:>02}</b> <h3>{name}</h3> <i>焊工</i></li>"
        for number, name in shown
    )
    return (
        "<!doctype html><html><head><title>2022年</title><script>var 丙 = 3</script></head>"
        f"<body><h1>2022年选树 50</h1><ul>{cards}</ul><footer>2022</footer></body></html>"
    )


RIGHT = [(candidate.number, candidate.name.zh) for candidate in EVERYBODY]


@pytest.mark.parametrize("after", [False, True])
def test_a_list_that_is_right_has_no_difference(after: bool) -> None:
    assert compare_html(list_page(RIGHT, after=after), EVERYBODY, EVERYBODY).differences == ()
    english = [(item.number, item.name.en) for item in EVERYBODY]
    assert compare_html(list_page(english, after=after), EVERYBODY, EVERYBODY).differences == ()


@pytest.mark.parametrize("after", [False, True])
@given(order=st.permutations(RIGHT), swapped=st.integers(0, 3))
def test_two_swapped_numbers_are_noticed_in_any_order(
    after: bool, order: list[tuple[int, str]], swapped: int
) -> None:
    assert compare_html(list_page(order, after=after), EVERYBODY, EVERYBODY).differences == ()
    (first, name), (other, next_name) = order[swapped], order[swapped + 1]
    wrong = [*order[:swapped], (other, name), (first, next_name), *order[swapped + 2 :]]
    result = kinds(compare_html(list_page(wrong, after=after), EVERYBODY, EVERYBODY).differences)
    expected = {(first, "number beside the name"), (other, "number beside the name")}
    assert result == (set() if name == next_name else expected)


def test_a_candidate_who_is_not_shown_is_named() -> None:
    result = compare_html(list_page(RIGHT[1:]), EVERYBODY, EVERYBODY).differences
    assert result == (Difference(1, "candidate", "甲一", "not shown"),)


def test_a_name_that_is_only_a_part_of_another_is_not_shown() -> None:
    page = "<p>1 甲一二</p><p>Worker 210</p>"
    result = kinds(compare_html(page, EVERYBODY, EVERYBODY).differences)
    assert {(1, "candidate"), (21, "candidate")} <= result
    assert (2, "candidate") not in result


def test_how_a_page_breaks_a_name_does_not_matter() -> None:
    page = "<p>3 <b>𠮷</b>田\n  <b>㐂</b></p>" + STORY.partition("</p>")[2]
    assert compare_html(page, EVERYBODY[2:3], EVERYBODY).differences == ()


def test_what_is_in_scripts_and_comments_is_not_shown() -> None:
    page = "<script>'1 甲一'</script><style>甲一</style><!-- 1 甲一 --><template>1 甲一</template>"
    result = kinds(compare_html(page, EVERYBODY[:1], EVERYBODY).differences)
    assert (1, "candidate") in result


STORY = "<p>1 甲一</p><p>焊工 · 万盛经开区</p><p>第一段。</p>\n<p>第二段。</p>"


def test_a_page_of_one_candidate_tells_trade_district_and_story() -> None:
    assert compare_html(STORY, EVERYBODY[:1], EVERYBODY).differences == ()
    for part, field in (("焊工", "trade"), ("万盛", "district"), ("第二段", "story")):
        result = compare_html(STORY.replace(part, "别的"), EVERYBODY[:1], EVERYBODY).differences
        assert kinds(result) == {(1, field)}


def test_the_pictures_of_a_page_are_listed_once() -> None:
    page = (
        '<picture><source srcset="/a.avif 1x, /b.avif 2x"><img src="/c.webp" srcset="/c.webp 1x">'
        "</picture><img><img src='d.jpg'>"
    )
    shown = compare_html(page, EVERYBODY, EVERYBODY)
    assert shown.pictures[1] == ("/a.avif", "/b.avif", "/c.webp", "d.jpg")


def entry(public_profile: PublicProfile, **changes: object) -> dict[str, object]:
    return {**msgspec.to_builtins(public_profile), **changes}


def test_json_like_ours_has_no_difference() -> None:
    entries = [entry(item) for item in EVERYBODY]
    for document in (entries, {"candidates": entries}):
        assert compare_json(document, EVERYBODY, NUMBERS).differences == ()
    assert compare_json(entries[0], EVERYBODY[:1], NUMBERS).differences == ()


def test_one_language_is_enough_and_white_space_does_not_matter() -> None:
    changed = entry(EVERYBODY[0], name="甲一", trade={"en": "Welder"}, story=" 第一段。 第二段。")
    assert compare_json(changed, EVERYBODY[:1], NUMBERS).differences == ()


@pytest.mark.parametrize("field", ["name", "trade", "district", "summary", "story"])
@pytest.mark.parametrize("value", ["other", {"zh": "other"}, {}, {"fr": "x"}, None, 7, ["焊工"]])
def test_a_field_that_states_something_else_is_named(field: str, value: object) -> None:
    changed = entry(EVERYBODY[0], **{field: value})
    result = compare_json(changed, EVERYBODY[:1], NUMBERS).differences
    assert kinds(result) == {(1, field)}


def test_strangers_and_absent_candidates_are_named() -> None:
    entries = [entry(item) for item in EVERYBODY[1:]] + [entry(profile(99, "别人"))]
    result = kinds(compare_json(entries, EVERYBODY, NUMBERS).differences)
    assert result == {(1, "candidate"), (99, "candidate")}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["candidates", "number", "name", "portrait", "zh"]) | st.text(),
                inner,
                max_size=4,
            )
        ),
    )
)
def test_any_json_can_be_compared(document: object) -> None:
    shown = compare_json(json.loads(json.dumps(document)), EVERYBODY, NUMBERS)
    assert all(isinstance(difference.actual, str) for difference in shown.differences)


@given(st.text() | st.text(alphabet="<>/ '\"=&;#!-imgsrcet甲一1").map(lambda text: text * 3))
def test_any_text_can_be_compared(html: str) -> None:
    shown = compare_html(html, EVERYBODY, EVERYBODY)
    assert len(shown.pictures) == len(EVERYBODY)
