"""The document and its verification, with no store."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contest_data import both, rules
from voting_service.contests.model import Contest, CutRules
from voting_service.errors import InvalidInput, Refused
from voting_service.infrastructure.crypto.canonical_json import canonical, read_strictly
from voting_service.infrastructure.crypto.signed_document import load_signing_key
from voting_service.voting.cut.document import (
    ContestFacts,
    CountedVotes,
    CutDocument,
    TieDecision,
    build_document,
    contest_facts,
)
from voting_service.voting.cut.ranking import ranked, tie_at_line
from voting_service.voting.cut.signature import sign, verify_document
from voting_service.voting.cut.tie_rule import TieRule
from voting_service.voting.tally.recount import Count

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(b"o" * 32)
NET = {1: 9, 2: 7, 3: 7, 4: 5, 5: 1}


def facts(size: int, tie: TieRule) -> ContestFacts:
    return contest_facts(
        Contest(
            id=1,
            slug="test-2022",
            rules=rules(cut=CutRules(size=size, tie=tie)),
            opens_at=datetime(2022, 7, 1, tzinfo=UTC),
            closes_at=datetime(2022, 7, 10, tzinfo=UTC),
            revision=1,
            candidates=(),
        )
    )


def document(
    net: dict[int, int],
    size: int,
    rule: TieRule = "committee",
    decision: TieDecision | None = None,
) -> CutDocument:
    return build_document(
        facts(size, rule),
        CountedVotes(
            {number: both(f"候选 {number}") for number in net},
            {number: Count(gross=votes + 1, void=1) for number, votes in net.items()},
            Count(gross=sum(net.values()) + 3, void=3),
        ),
        decision,
        version=1,
    )


@dataclass
class Forgery:
    """Content that no honest program would sign."""

    content: dict[str, Any]

    def builtins(self) -> dict[str, Any]:
        return self.content


def forged(content: dict[str, Any]) -> bytes:
    return sign(Forgery(content), KEY)  # type: ignore[arg-type]


def resigned(change: Callable[[dict[str, Any]], None]) -> bytes:
    """A cheat's file: changed, and signed again with the true key."""
    content = json.loads(sign(document(NET, 3), KEY))["document"]
    change(content)
    return forged(content)


def test_the_file_is_canonical_and_the_same_when_made_again() -> None:
    first, second = (
        sign(document(dict(order), 3), KEY) for order in (NET.items(), reversed(NET.items()))
    )
    assert first == second
    assert first == canonical(json.loads(first))
    assert "候选".encode() in first
    outer = json.loads(first)
    KEY.public_key().verify(
        b64decode(outer["signature"]["value"]),
        canonical(outer["document"]),
    )


def test_it_states_who_goes_on_and_how_close_it_was() -> None:
    made = document(NET, 4)
    assert made.selected == (1, 2, 3, 4)
    assert [(c.number, c.rank, c.selected) for c in made.candidates] == [
        (1, 1, 1),
        (2, 2, 1),
        (3, 2, 1),
        (4, 4, 1),
        (5, 5, 0),
    ]
    assert [(m.place, m.votes) for m in made.margins] == [(1, 2), (2, 0), (3, 2), (4, 4)]
    assert (made.candidates[0].gross, made.candidates[0].void, made.candidates[0].net) == (10, 1, 9)


def test_it_survives_a_pretty_printer() -> None:
    pretty = json.dumps(json.loads(sign(document(NET, 3), KEY)), indent=2).encode()
    assert verify_document(pretty, KEY.public_key()).document == document(NET, 3)


def test_a_changed_byte_of_any_value_is_found() -> None:
    signed = sign(document(NET, 3), KEY)
    for old, new in ((b'"net":9', b'"net":8'), (b'"rank":4', b'"rank":5'), (b"test-2022", b"t-22")):
        assert old in signed
        with pytest.raises(InvalidInput, match="changed after it was signed"):
            verify_document(signed.replace(old, new, 1))


def test_another_key_is_found() -> None:
    with pytest.raises(InvalidInput, match="not the key that was given"):
        verify_document(sign(document(NET, 3), OTHER_KEY), KEY.public_key())


def _swap(content: dict[str, Any]) -> None:
    first, second = content["candidates"][2:4]
    first["selected"], second["selected"] = 0, 1


LIES: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "selection": (lambda d: d.update(selected=[1, 2, 4]), "document.selected"),
    "flags": (_swap, "document.candidates"),
    "rank": (lambda d: d["candidates"][0].update(rank=2), "document.candidates"),
    "order": (lambda d: d["candidates"].reverse(), "document.candidates"),
    "margin": (lambda d: d["margins"][0].update(votes=1), "document.margins"),
    "no margins": (lambda d: d.update(margins=[]), "document.margins"),
    "invented tie": (
        lambda d: d.update(
            ties=[
                {
                    "votes": 7,
                    "places": 1,
                    "numbers": [2, 3],
                    "order": [3, 2],
                    "drawn": "",
                    "decided_at": "",
                }
            ]
        ),
        "document.ties",
    ),
    "sum": (lambda d: d["candidates"][0].update(gross=99), "candidates[0]"),
    "negative": (lambda d: d["candidates"][4].update(gross=0, net=-1), "candidates[4]"),
    "twice": (lambda d: d["candidates"].append(d["candidates"][0]), "appears twice"),
    "held": (lambda d: d["candidates"][0].update(gross=11, held=1), "held and not yet ruled on"),
    "ballots": (lambda d: d["ballots"].update(gross=4, net=1), "document.ballots.net"),
    "size": (lambda d: d["contest"]["cut"].update(size=2), "document."),
    "no size": (lambda d: d["contest"]["cut"].update(size=0), "size"),
    "as_of": (lambda d: d.update(as_of="2022-07-09T00:00:00Z"), "document.as_of"),
    "format": (lambda d: d.update(format="other"), "document.format"),
    "unknown part": (lambda d: d.update(note="x"), "document"),
    "missing part": (lambda d: d.pop("margins"), "document"),
    "wrong type": (lambda d: d.update(version="1"), "document"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_found_even_under_a_good_signature(lie: str) -> None:
    change, field = LIES[lie]
    with pytest.raises(InvalidInput) as caught:
        verify_document(resigned(change), KEY.public_key())
    assert field in str(caught.value)


def with_signature(algorithm: str, text: str) -> bytes:
    signature = {"algorithm": algorithm, "public_key": text, "value": text}
    return canonical({"document": {}, "signature": signature})


BAD_FILES = {
    "nothing": b"",
    "not JSON": b"top thirty",
    "not UTF-8": b"\xff\xfe",
    "a list": b"[]",
    "another object": b'{"document":{}}',
    "key twice": b'{"document":{"a":1,"a":2},"signature":{}}',
    "fraction": b'{"document":{"a":1.5},"signature":{}}',
    "huge": b'{"document":{"a":' + b"9" * 5000 + b'},"signature":{}}',
    "NaN": b'{"document":{"a":NaN},"signature":{}}',
    "lone surrogate": b'{"document":{"a":"\\ud800"},"signature":{}}',
    "deep": b"[" * 100_000,
    "no base64": with_signature("Ed25519", "?"),
    "no key": with_signature("Ed25519", ""),
    "alg none": with_signature("none", ""),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_bad_input(name: str) -> None:
    with pytest.raises(InvalidInput):
        verify_document(BAD_FILES[name])


def test_a_lot_can_be_drawn_again_by_the_verifier() -> None:
    made = document(NET, 2, "lot", TieDecision(drawn="8265", decided_at="2022-07-10T01:00:00Z"))
    signed = sign(made, KEY)
    assert verify_document(signed).document.selected == made.selected
    assert len(made.selected) == 2
    report = made.ties[0]
    assert (report.votes, report.places, report.numbers, report.drawn) == (7, 1, (2, 3), "8265")
    content = json.loads(signed)["document"]
    content["ties"][0]["order"].reverse()
    with pytest.raises(InvalidInput, match=r"document\.ties"):
        verify_document(forged(content))


def test_a_ballot_for_a_stranger_stops_everything() -> None:
    with pytest.raises(Refused, match="not candidates"):
        build_document(
            facts(3, "committee"),
            CountedVotes({1: both("a")}, {1: Count(1), 2: Count(1)}, Count(2)),
            None,
            version=1,
        )


@settings(max_examples=150, deadline=None)
@given(
    st.dictionaries(st.integers(1, 60), st.integers(0, 5), min_size=1, max_size=30),
    st.integers(1, 32),
    st.sampled_from(["committee", "lot", "advance_all"]),
    st.data(),
)
def test_whatever_is_made_verifies(
    net: dict[int, int], size: int, rule: TieRule, data: st.DataObject
) -> None:
    tie = tie_at_line(ranked(net), size)
    decision = None
    if tie and rule == "committee":
        decision = TieDecision(order=tuple(data.draw(st.permutations(tie.numbers))))
    if tie and rule == "lot":
        decision = TieDecision(drawn=str(data.draw(st.integers(0, 10**9))))
    made = document(net, size, rule, decision)
    assert verify_document(sign(made, KEY), KEY.public_key()).document == made
    if rule != "advance_all":
        assert len(made.selected) == min(size, len(net))
    assert sum(c.selected for c in made.candidates) == len(made.selected)


json_values: st.SearchStrategy[Any] = st.recursive(
    st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(json_values)
def test_canonical_form_reads_back(value: Any) -> None:
    assert read_strictly(canonical(value)) == value
    assert canonical(read_strictly(canonical(value))) == canonical(value)


def test_keys_are_sorted_as_the_standard_requires() -> None:
    """By UTF-16 code units (RFC 8785, section 3.2.3), where U+10000 stands before U+FB33."""
    assert canonical({"\ufb33": 1, "\U00010000": 2, "b": 3, "a": "\x7f\n"}) == (
        '{"a":"\x7f\\n","b":3,"\U00010000":2,"\ufb33":1}'.encode()
    )
    with pytest.raises(ValueError, match="safe integer"):
        canonical([2**53])


def test_a_missing_or_other_signing_key_is_named(tmp_path: Any) -> None:
    with pytest.raises(Refused, match="VOTING_SIGNING_KEY_FILE"):
        load_signing_key(tmp_path / "none.pem")
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("no key")
    with pytest.raises(Refused, match="VOTING_SIGNING_KEY_FILE"):
        load_signing_key(wrong)
