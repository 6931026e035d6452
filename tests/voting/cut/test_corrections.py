"""What a new version states of the one before, and how lies about it are found."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from tests.contest_data import both, rules
from voting_service.contests.model import Contest, CutRules
from voting_service.errors import InvalidInput
from voting_service.i18n.text import Text
from voting_service.infrastructure.crypto.signed_document import sign_document
from voting_service.voting.cut.correction import (
    check_predecessor,
    correction,
    correction_faults,
    read_document,
    same_result,
)
from voting_service.voting.cut.document import (
    CountedVotes,
    CutDocument,
    build_document,
    contest_facts,
)
from voting_service.voting.cut.signature import sign, verify_document
from voting_service.voting.tally.recount import Count

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
WHY = Text(zh="申诉成立", en="an objection was upheld")
FACTS = contest_facts(
    Contest(
        id=1,
        slug="test-2022",
        rules=rules(cut=CutRules(size=3, tie="advance_all")),
        opens_at=datetime(2022, 7, 1, tzinfo=UTC),
        closes_at=datetime(2022, 7, 10, tzinfo=UTC),
        revision=1,
        candidates=(),
    )
)
FIRST = {1: 9, 2: 7, 3: 6, 4: 5, 5: 1}
SECOND = {1: 9, 2: 7, 3: 4, 4: 5, 5: 1}


def version(net: dict[int, int], number: int = 1, before: bytes | None = None) -> CutDocument:
    gross = 12
    document = build_document(
        FACTS,
        CountedVotes(
            {candidate: both(f"候选 {candidate}") for candidate in net},
            {candidate: Count(gross, void=gross - votes) for candidate, votes in net.items()},
            Count(sum(net.values()) + 5, void=5),
        ),
        None,
        version=number,
    )
    if before is None:
        return document
    corrects = (correction(before, document, WHY),)
    return msgspec.structs.replace(document, corrects=corrects)


def test_it_names_whose_votes_changed_who_entered_and_who_left() -> None:
    first = sign(version(FIRST), KEY)
    second = sign(version(SECOND, 2, first), KEY)
    verified = verify_document(second, KEY.public_key()).document
    (stated,) = verified.corrects
    assert (stated.version, stated.reason) == (1, WHY)
    assert [(row.number, row.before.net, row.after.net) for row in stated.votes] == [(3, 6, 4)]
    assert (stated.entered, stated.left) == ((4,), (3,))
    check_predecessor(verified, first)


def test_the_first_version_is_as_it_always_was() -> None:
    """Without a word about corrections, so that older readers understand it."""
    assert b"corrects" not in sign(version(FIRST), KEY)


nets = st.fixed_dictionaries({number: st.integers(0, 6) for number in range(1, 6)})


@given(nets, nets)
def test_an_honest_correction_is_always_believed(
    before: dict[int, int], after: dict[int, int]
) -> None:
    first = sign(version(before), KEY)
    second = version(after, 2, first)
    assert correction_faults(second) == []
    check_predecessor(second, first)
    (stated,) = second.corrects
    changed = {row.number for row in stated.votes}
    assert changed == {number for number in before if before[number] != after[number]}
    old, new = set(read_document(first).selected), set(second.selected)
    assert (old | set(stated.entered)) - set(stated.left) == new
    assert same_result(read_document(first), second) == (before == after)


LIES: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "none at all": (lambda c: c.pop("votes"), "document"),
    "another version": (lambda c: c.update(version=7), "of the previous version"),
    "no hash": (lambda c: c.update(document_sha256="x"), "not a SHA-256"),
    "no reason": (lambda c: c["reason"].update(zh=""), "gives no reason"),
    "votes that did not change": (
        lambda c: c["votes"][0].update(before=c["votes"][0]["after"]),
        "did not change",
    ),
    "votes after": (lambda c: c["votes"][0]["after"].update(net=5, void=7), "did not change"),
    "impossible votes": (lambda c: c["votes"][0]["before"].update(net=99), "are impossible"),
    "nobody entered": (lambda c: c.update(entered=[]), "others would have advanced"),
    "entered but is out": (lambda c: c.update(entered=[5]), "those who entered must be selected"),
    "left but is in": (lambda c: c.update(left=[1]), "those who left must not"),
    "a stranger left": (lambda c: c.update(left=[77]), "those who left must not"),
    "twice": (lambda c: c.update(entered=[4, 4]), "each once"),
    "other ballots": (lambda c: c["ballots"].update(held=1), "are impossible"),
    "other votes before": (
        lambda c: c["votes"][0]["before"].update(net=1, void=11),
        "others would have advanced",
    ),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_signed_with_the_true_key_is_found(lie: str) -> None:
    change, words = LIES[lie]
    first = sign(version(FIRST), KEY)
    content = json.loads(sign(version(SECOND, 2, first), KEY))["document"]
    change(content["corrects"][0])
    with pytest.raises(InvalidInput, match=words):
        verify_document(sign_document(content, KEY))


def test_versions_and_corrections_come_together() -> None:
    first = sign(version(FIRST), KEY)
    with pytest.raises(InvalidInput, match="version 2 must have 1"):
        verify_document(sign(version(SECOND, 2), KEY))
    second = version(SECOND, 2, first)
    early = msgspec.structs.replace(second, version=1)
    with pytest.raises(InvalidInput, match="version 1 must have 0"):
        verify_document(sign(early, KEY))


def test_with_the_version_before_nothing_can_be_hidden() -> None:
    first = sign(version(FIRST), KEY)
    second = version(SECOND, 2, first)
    with pytest.raises(InvalidInput, match="is not version 1"):
        check_predecessor(second, sign(version({**FIRST, 5: 2}), KEY))
    with pytest.raises(InvalidInput, match="does not correct another"):
        check_predecessor(version(FIRST), first)
    (stated,) = second.corrects
    before = msgspec.structs.replace(stated.ballots, gross=99, net=94)
    hidden = msgspec.structs.replace(stated, ballots=before)
    with pytest.raises(InvalidInput, match="does not list what changed"):
        check_predecessor(msgspec.structs.replace(second, corrects=(hidden,)), first)
