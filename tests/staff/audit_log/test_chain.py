"""The chain as pure lines: every way to tamper with it is named, and nothing else is."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.staff.audit_log.chained import chained
from voting_service.errors import InvalidInput
from voting_service.staff.audit_log.hash_chain import (
    BEGINNING,
    Chain,
    Head,
    hash_entry,
    netstrings,
    parse_head,
    verify,
)
from voting_service.staff.audit_log.json_lines import encode_entry, read_lines
from voting_service.staff.audit_log.model import Entry

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
LINES = [("staff-1", f"ballot {number}", "{}") for number in range(6)]


def faults(entries: list[Entry], *noted: Head) -> list[str]:
    return [str(fault) for fault in verify(entries, noted=noted)]


def split(data: bytes) -> Iterator[str]:
    """Netstrings read back, the slow way."""
    while data:
        length, _, rest = data.partition(b":")
        size = int(length)
        assert rest[size : size + 1] == b","
        yield rest[:size].decode()
        data = rest[size + 1 :]


@given(st.lists(TEXTS))
def test_netstrings_can_be_read_back_so_no_two_lists_are_alike(fields: list[str]) -> None:
    assert list(split(netstrings(fields))) == fields


@given(st.lists(st.tuples(TEXTS, TEXTS, TEXTS), max_size=12))
def test_an_untouched_chain_is_whole_and_comes_back_from_a_file(
    fields: list[tuple[str, str, str]],
) -> None:
    lines = chained(fields)
    assert faults(lines) == []
    assert list(read_lines(encode_entry(line) for line in lines)) == lines


@given(
    st.integers(0, 5),
    st.sampled_from(["actor", "act", "contest", "subject", "details", "at", "hash"]),
)
def test_any_changed_field_is_found(place: int, field: str) -> None:
    lines = chained(LINES)
    line = lines[place]
    other: object = {"at": lines[(place + 1) % 6].at, "hash": b"\1" * 32}.get(field, "other")
    lines[place] = msgspec.structs.replace(line, **{field: other})
    assert f"Entry {place + 1}: changed; the content does not match the hash" in faults(lines)


def test_a_line_rewritten_with_its_hash_shows_at_the_next() -> None:
    lines = chained(LINES)
    changed = msgspec.structs.replace(lines[2], subject="nothing")
    lines[2] = msgspec.structs.replace(changed, hash=hash_entry(changed))
    assert faults(lines) == ["Entry 4: does not follow from the entry before"]


def test_gaps_are_named_whole() -> None:
    lines = chained(LINES)
    assert faults(lines[:1] + lines[4:]) == ["Entries 2 to 4: missing"]
    assert faults(lines[1:]) == ["Entry 1: missing"]


def test_lines_out_of_their_order_or_twice_are_named() -> None:
    first, two, three, *rest = chained(LINES)
    assert faults([first, three, two, *rest]) == [
        "Entry 2: missing",
        "Entry 2: repeated, or after a later entry",
    ]
    assert faults([first, two, two, three, *rest]) == ["Entry 2: repeated, or after a later entry"]


def test_a_first_line_that_follows_something_is_named() -> None:
    assert faults(chained(LINES, Head(0, b"\1" * 32))) == [
        "Entry 1: does not follow from the entry before"
    ]


def test_a_line_older_than_the_one_before_is_named() -> None:
    first, second = chained(LINES[:2])
    early = msgspec.structs.replace(second, at=first.at.replace(year=2021))
    early = msgspec.structs.replace(early, hash=hash_entry(early))
    assert faults([first, early]) == ["Entry 2: dated before the entry before it"]


def test_only_a_noted_head_shows_that_the_end_was_cut_off_or_all_was_rewritten() -> None:
    lines = chained(LINES)
    head = Head(6, lines[-1].hash)
    assert faults(lines, head, Head(3, lines[2].hash)) == []
    assert faults(lines[:4]) == []
    assert faults(lines[:4], head) == ["Entries 5 to 6: cut off the end"]
    rewritten = chained([("staff-2", "all is well", "{}")] * 6)
    assert faults(rewritten) == []
    assert faults(rewritten, head, Head(6, rewritten[-1].hash)) == [
        "Entry 6: not the hash that was noted"
    ]


def test_a_check_goes_on_where_the_last_one_ended() -> None:
    lines = chained(LINES)
    chain = Chain(Head(3, lines[2].hash))
    assert [fault for line in lines[3:] for fault in chain.check(line)] == []
    assert chain.head == Head(6, lines[-1].hash)


def test_a_head_is_read_as_it_is_written() -> None:
    head = Head(6, chained(LINES)[-1].hash)
    assert parse_head(f" {head}\n".upper()) == head
    assert parse_head(str(BEGINNING)) == BEGINNING
    for wrong in ("", "6", "6:abc", f"-1:{head.hash.hex()}", f"{head.hash.hex()}:6"):
        with pytest.raises(InvalidInput):
            parse_head(wrong)


@pytest.mark.parametrize(
    "wrong", [b"{}", b"[1]", b"no JSON", b'{"entry": "1"}', encode_entry(chained(LINES)[0])[:-20]]
)
def test_a_line_of_a_file_that_is_none_is_named(wrong: bytes) -> None:
    good = [encode_entry(line) for line in chained(LINES)]
    with pytest.raises(InvalidInput, match="line 3: is not an entry of an exported audit log"):
        list(read_lines([*good[:2], wrong, *good[2:]]))
