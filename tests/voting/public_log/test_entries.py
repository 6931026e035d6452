"""Entries and commitments: one form each, and no other is read."""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime, timedelta, timezone
from hashlib import sha256

import msgspec
import pytest

from tests.voting.public_log.log_data import (
    AT,
    BUNDLE_KEY,
    LOG,
    NUMBERS,
    SALT,
    bundled,
)
from voting_service.errors import InvalidInput
from voting_service.infrastructure.crypto.canonical_json import canonical
from voting_service.voting.public_log.commitments import (
    BALLOT_DOMAIN,
    ballot_salt,
    ballot_tag,
    bundle_contents,
    commit,
    commit_ballot,
    count_votes,
    split_tags,
    tag_tree,
)
from voting_service.voting.public_log.entries import (
    AnyEntry,
    Bundle,
    CloseEntry,
    CorrectionEntry,
    Cut,
    OpenEntry,
    Openings,
    RulingEntry,
    SettingsEntry,
    Statement,
    WithdrawalEntry,
    read_entry,
    written,
)

HASH = "0" * 64
ROOT = "A" * 43 + "="
ENTRIES: tuple[AnyEntry, ...] = (
    OpenEntry(AT, "bayu-2022", HASH, HASH, (1, 2), 3, 30, AT, AT, LOG.text, ()),
    Bundle(AT, 0, 925, 3, ROOT, ROOT),
    Bundle(AT, 1, 1_000, 3, ROOT, ROOT, 0),
    RulingEntry(AT, 1, "void", "campaign", "bought_votes", 3, 2, 3, ROOT),
    CorrectionEntry(AT, 7, HASH),
    WithdrawalEntry(AT, 7, HASH),
    SettingsEntry(AT, HASH, AT, AT, 10, 30),
    Statement(AT, "app", "2022-07-18", 10, 9, HASH),
    CloseEntry(AT, AT, 2, 1_000, 3),
    Openings(AT, HASH, 1),
    Cut(AT, 1, HASH),
)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: type(entry).__name__)
def test_an_entry_comes_back_from_its_bytes_and_from_no_others(entry: AnyEntry) -> None:
    assert read_entry(entry.data) == entry
    for changed in (
        entry.data.replace(b'"type":"', b'"type":"x', 1),
        entry.data.replace(b"{", b'{"added":1,', 1),
        entry.data.replace(b":", b": ", 1),
        entry.data[:-1],
        b"",
    ):
        with pytest.raises(InvalidInput):
            read_entry(changed)


def test_an_entry_is_written_as_documented() -> None:
    """Keys in order, no white space, and nothing for what is not set."""
    assert ENTRIES[2].data.decode() == (
        f'{{"at":"2022-07-18T01:00:00Z","ballots":1000,"bundle":1,"commitment":"{ROOT}",'
        f'"held":3,"replaces":0,"tags":"{ROOT}","type":"ballots"}}'
    )
    beijing = datetime(2022, 7, 18, 9, tzinfo=timezone(timedelta(hours=8)))
    assert written(beijing) == AT


def test_the_commitment_to_a_ballot_is_over_the_canonical_form() -> None:
    ballot = bundled(1, first=77)[0]
    value = {"ballot": ballot.ballot_id.hex(), "choices": [28, 29], "held": 1}
    expected = sha256(BALLOT_DOMAIN + SALT + canonical(value)).digest()
    assert commit_ballot(SALT, ballot.ballot_id, [29, 28], held=True) == expected
    assert commit_ballot(SALT, ballot.ballot_id, [29, 28], held=False) != expected


def test_a_bundle_does_not_depend_on_the_order_of_its_ballots() -> None:
    ballots = bundled(150)
    contents = bundle_contents(NUMBERS, ballots, BUNDLE_KEY)
    assert bundle_contents(NUMBERS, ballots[::-1], BUNDLE_KEY) == contents
    assert contents.tags == tuple(sorted(ballot_tag(ballot.ballot_id) for ballot in ballots))
    assert split_tags(b"".join(contents.tags)) == list(contents.tags)
    assert b64encode(tag_tree(contents.tags).root()).decode() == contents.root
    assert contents.value.ballots == 150 and contents.held == 22
    assert sum(votes for _, votes in contents.value.votes) == 300
    assert [number for number, _ in contents.value.votes] == list(NUMBERS)
    another = bundle_contents(NUMBERS, ballots, b"another secret".ljust(32))
    assert another.value.choices != contents.value.choices
    assert another._replace(value=contents.value) == contents
    assert ballot_salt(BUNDLE_KEY, contents.tags[0]) != ballot_salt(BUNDLE_KEY, contents.tags[1])


def test_counts_add_up_and_their_commitment_binds_salt_and_value() -> None:
    counts = count_votes([2, 1], 3, {1: 2})
    assert counts.votes == ((1, 2), (2, 0))
    assert counts.plus(count_votes([1, 2], 1, {2: 5})).votes == ((1, 2), (2, 5))
    commitments = {
        commit(SALT, counts),
        commit(b"t" * 32, counts),
        commit(SALT, counts.plus(counts)),
    }
    assert len(commitments) == 3
    assert msgspec.to_builtins(counts) == {"ballots": 3, "votes": ((1, 2), (2, 0))}
