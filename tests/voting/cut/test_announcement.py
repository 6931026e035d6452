"""The printed announcement states what the signed file states, and looks right."""

from __future__ import annotations

from hashlib import sha256
from typing import get_args

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.contest_data import both, rules
from tests.cut_data import CLOSES, OPENS
from tests.printed import (
    Printed,
    check_looks_right,
    get_keys,
    printed,
)
from voting_service.contests.model import Contest, CutRules
from voting_service.errors import InvalidInput
from voting_service.i18n.text import Language, Text
from voting_service.voting.cut.announcement.announcement import announcement, texts
from voting_service.voting.cut.correction import correction
from voting_service.voting.cut.document import (
    CountedVotes,
    CutDocument,
    TieDecision,
    build_document,
    contest_facts,
)
from voting_service.voting.cut.signature import sign
from voting_service.voting.cut.tie_rule import TieRule
from voting_service.voting.tally.recount import Count

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
LANGUAGES: tuple[Language, ...] = get_args(Language)
CLEAR = {number: 10_000 - 100 * number for number in range(1, 51)}
TIED = CLEAR | {31: CLEAR[30], 32: CLEAR[30]}


def cut_document(
    net: dict[int, int],
    rule: TieRule = "committee",
    decision: TieDecision | None = None,
    *,
    size: int = 30,
    version: int = 1,
    name: str = "候选人",
) -> CutDocument:
    contest = Contest(
        id=1,
        slug="test-2022",
        rules=rules(max_choices=10, cut=CutRules(size=size, tie=rule)),
        opens_at=OPENS,
        closes_at=CLOSES,
        revision=1,
        candidates=(),
    )
    return build_document(
        contest_facts(contest),
        CountedVotes(
            {number: both(f"{name}{number}") for number in net},
            {number: Count(gross=votes + 5, void=5) for number, votes in net.items()},
            Count(gross=sum(net.values()) // 2 + 50, void=50),
        ),
        decision,
        version=version,
    )


def without_spaces(document: Printed) -> str:
    return "".join(document.text.split())


def announced(document: CutDocument, language: Language) -> str:
    """The text of the announcement, once it looks right."""
    pages = printed(announcement(sign(document, KEY), language))
    check_looks_right(pages)
    return without_spaces(pages)


@pytest.mark.parametrize("language", LANGUAGES)
def test_thirty_names_and_how_to_check_them_fill_two_pages(language: Language) -> None:
    document = cut_document(CLEAR)
    pages = printed(announcement(sign(document, KEY), language))
    check_looks_right(pages)
    assert len(pages.pages) == 2
    first, second = ("".join(page.text.split()) for page in pages.pages)
    for result in document.candidates:
        row = f"{result.rank}{result.number}候选人{result.number}{result.net:,}"
        assert (row in first) == bool(result.selected)
    for margin in document.margins:
        assert f"{margin.place}{margin.number}候选人{margin.number}" in second
    assert texts(language)["ties"]["not_needed"].replace(" ", "") in second


def test_the_fingerprints_are_of_the_file_and_of_the_key() -> None:
    data = sign(cut_document(CLEAR), KEY)
    text = without_spaces(printed(announcement(data, "en")))
    der = KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert sha256(data).hexdigest() in text
    assert sha256(der).hexdigest() in text


@pytest.mark.parametrize(
    ("rule", "decision", "shown"),
    [
        (
            "committee",
            TieDecision(order=(32, 30, 31), decided_at="2022-07-11T00:00:00Z"),
            ["Orderdecided:32候选人32,30候选人30,31候选人31."],
        ),
        (
            "lot",
            TieDecision(drawn="73", decided_at="2022-07-11T00:00:00Z"),
            ["DRAWN|test-2022|NUMBER", "Numberdrawn:73.", "Orderdecided:"],
        ),
        ("advance_all", None, ["alltiedcandidatesadvance"]),
    ],
)
def test_a_tie_is_shown_with_its_rule_and_its_end(
    rule: TieRule, decision: TieDecision | None, shown: list[str]
) -> None:
    text = announced(cut_document(TIED, rule, decision), "en")
    assert "3candidatesaretiedwith7,000votesfor1oftheplaces:" in text
    for sentence in shown:
        assert sentence in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_correction_states_what_it_changes_and_of_which_file(language: Language) -> None:
    before = sign(cut_document(CLEAR), KEY)
    changed = cut_document(CLEAR | {30: 1}, version=2)
    reason = Text(zh="复核后有选票作废。", en="Ballots were ruled void after a review.")
    document = msgspec.structs.replace(changed, corrects=(correction(before, changed, reason),))
    pages = printed(announcement(sign(document, KEY), language))
    check_looks_right(pages)
    assert len(pages.pages) == 2
    text = without_spaces(pages)
    assert texts(language)["title_corrected"].replace(" ", "") in text
    assert getattr(reason, language).replace(" ", "") in text
    assert sha256(before).hexdigest() in text
    assert "--beforecut.1.json" in text
    output = texts(language)["correction"]
    assert output["entered"].format(names="31候选人31").replace(" ", "") in text
    assert output["left"].format(names="30候选人30").replace(" ", "") in text


def test_the_same_file_gives_the_same_bytes() -> None:
    data = sign(cut_document(CLEAR), KEY)
    assert announcement(data, "zh") == announcement(data, "zh")


def test_everybody_goes_on_where_there_are_not_more() -> None:
    text = announced(cut_document({1: 5, 2: 4}, size=3), "zh")
    assert "候选人不多于3名，全部入围。" in text


def test_long_names_stay_on_their_pages() -> None:
    announced(cut_document(CLEAR, name="Maximiliana-Alexandrowna von und zu Hohenfels " * 2), "en")


def test_a_file_that_was_changed_is_not_announced() -> None:
    data = sign(cut_document(CLEAR), KEY).replace(b'"net":9900', b'"net":9901')
    with pytest.raises(InvalidInput):
        announcement(data, "zh")


def test_a_name_that_cannot_be_printed_leaves_a_gap() -> None:
    assert (
        "候选\ufffd"
        not in printed(announcement(sign(cut_document(CLEAR, name="𪚥"), KEY), "zh")).text
    )


def test_both_languages_have_the_same_texts() -> None:
    assert get_keys(texts("zh")) == get_keys(texts("en"))
