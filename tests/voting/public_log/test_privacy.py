"""Nothing public tells what a ballot chose: every public byte of contests with planted ballots is
taken, and the ballots are looked for in it.

Two candidates are chosen by nobody but the planted ballots, so that a reader who can find the votes
of one ballot finds these.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Iterator
from hashlib import sha256
from itertools import chain

import msgspec
import pytest

from tests.voting.public_log.log_builder import (
    UNCHOSEN,
    LogBuilder,
    LogPlan,
    build_closed,
    build_log,
)
from voting_service.infrastructure.transparency_log.signed_note import decode_base64
from voting_service.infrastructure.transparency_log.tiles import read_entry_bundle
from voting_service.voting.public_log.bundling import MIN_BALLOTS
from voting_service.voting.public_log.commitments import (
    BALLOT_DOMAIN,
    BundleBallot,
    ballot_salt,
    ballot_tag,
    commit,
    commit_ballot,
    split_tags,
)
from voting_service.voting.public_log.entries import Bundle, Openings

FIRST, SECOND = ((number,) for number in UNCHOSEN)
HERE, NEARBY, FAR = 20, 30, 480
"""Places of ballots: two in one bundle, and one in another."""
PLAN = LogPlan(700, seed=5)


def planted(**places: tuple[int, ...]) -> LogPlan:
    names = {"here": HERE, "nearby": NEARBY, "far": FAR}
    return PLAN._replace(planted={names[name]: choices for name, choices in places.items()})


def public_hashes(files: dict[str, bytes]) -> set[bytes]:
    """Everything of 32 bytes in the public files: raw, in hexadecimal, or in base64."""
    hashes: set[bytes] = set()
    for path, data in files.items():
        if path.startswith(("bundles/", "tile/")):
            hashes |= {data[start : start + 32] for start in range(0, len(data) - 31, 32)}
        for match in re.finditer(rb"[0-9a-f]{64}", data):
            hashes.add(bytes.fromhex(match[0].decode()))
        for match in re.finditer(rb"[A-Za-z0-9+/]{43}=", data):
            hashes.add(decode_base64(match[0].decode()) or b"")
    return hashes - {b""}


def spellings(value: bytes) -> Iterator[bytes]:
    yield from (value, value.hex().encode(), b64encode(value))


def guesses(ballot: BundleBallot, salts: set[bytes]) -> Iterator[bytes]:
    """What a reader who holds the receipt of a ballot can compute for what it may have chosen."""
    tag = ballot_tag(ballot.ballot_id)
    for choices in (FIRST, SECOND):
        value = f'{{"ballot":"{ballot.ballot_id.hex()}","choices":[{choices[0]}],"held":0}}'
        yield sha256(value.encode()).digest()
        yield sha256(BALLOT_DOMAIN + value.encode()).digest()
        for salt in chain(salts, (tag, ballot.ballot_id, b"", b"\0" * 32)):
            yield commit_ballot(salt, ballot.ballot_id, choices, held=False)
            yield commit_ballot(ballot_salt(salt, tag), ballot.ballot_id, choices, held=False)


@pytest.mark.parametrize("build", [build_closed, build_log], ids=["before", "after"])
def test_neither_secrets_nor_single_ballots_are_public(
    build: Callable[[LogPlan], LogBuilder],
) -> None:
    """Before the openings and after them, with everything public tried as the salt."""
    log = build(planted(here=FIRST, far=SECOND))
    files = dict(log.files())
    every_byte = b"\n".join(files.values())
    assert len(log.never_public) > len(log.tags)
    for secret in log.never_public:
        assert not any(spelling in every_byte for spelling in spellings(secret))
    hashes = public_hashes(files)
    assert len(hashes) > 700
    ballot = next(b for b in log.planted if b.choices == FIRST)
    assert ballot_tag(ballot.ballot_id) in hashes
    assert not any(spelling in every_byte for spelling in spellings(ballot.ballot_id))
    assert hashes.isdisjoint(guesses(ballot, hashes))


def test_before_the_openings_only_commitments_depend_on_what_ballots_chose() -> None:
    """Two contests that differ in the choices of a ballot have the same files but for bound
    values and what is computed over them."""
    ours, theirs = (build_closed(planted(here=choices)) for choices in (FIRST, SECOND))
    files, others = dict(ours.files()), dict(theirs.files())
    assert {path: len(data) for path, data in files.items()} == {
        path: len(data) for path, data in others.items()
    }
    differing = {path for path in files if files[path] != others[path]}
    (entries,) = (path for path in files if path.startswith("tile/entries/"))
    assert differing == {"checkpoint", entries, entries.replace("tile/entries", "tile/0")}
    changed = [
        (msgspec.json.decode(ours_), msgspec.json.decode(theirs_))
        for ours_, theirs_ in zip(
            *(read_entry_bundle(data[entries]) for data in (files, others)), strict=True
        )
        if ours_ != theirs_
    ]
    assert [entry["bundle"] for entry, _ in changed] == [1]
    for entry, other in changed:
        assert {**entry, "commitment": ""} == {**other, "commitment": ""}


def test_before_the_openings_nobody_can_check_a_guess_of_the_counts() -> None:
    """Knowing the counts of a bundle but for one ballot does not help: no salt of a commitment
    follows from what is public."""
    log = build_closed(planted(here=FIRST))
    hashes = public_hashes(dict(log.files()))
    bundle = next(entry for entry in log.entries if isinstance(entry, Bundle))
    opening = log.bundle_openings[bundle.bundle]
    assert commit(*opening) == bundle.commitment
    guessed = {commit(salt, opening.value) for salt in (*hashes, b"", b"\0" * 32)}
    assert bundle.commitment not in guessed


def opened_votes(log: LogBuilder) -> dict[int, tuple[int, dict[int, int]]]:
    """The opened counts by bundle: ballots, and votes by candidate."""
    openings = [entry for entry in log.entries if isinstance(entry, Openings)][-1]
    document = msgspec.json.decode(log.documents[openings.document])
    return {
        opening["bundle"]: (opening["value"]["ballots"], dict(opening["value"]["votes"]))
        for opening in document["bundles"]
    }


def test_after_the_openings_a_choice_could_be_that_of_a_hundred_ballots() -> None:
    """The planted votes stand in one bundle; that two ballots of it exchange what they chose
    changes no count, so nobody can tell whose choice it was."""
    ours = build_log(planted(here=FIRST, nearby=SECOND))
    theirs = build_log(planted(here=SECOND, nearby=FIRST))
    votes = opened_votes(ours)
    assert votes == opened_votes(theirs)
    assert all(ballots >= MIN_BALLOTS for ballots, _ in votes.values())
    holding = {number for number, (_, counts) in votes.items() if counts[FIRST[0]]}
    assert holding == {1}
    bundle = next(e for e in ours.entries if isinstance(e, Bundle) and e.bundle in holding)
    assert len(set(split_tags(ours.tags[bundle.bundle]))) >= MIN_BALLOTS
    assert {path: len(data) for path, data in ours.files()}.items() >= {
        f"bundles/{number}": len(tags) for number, tags in theirs.tags.items()
    }.items()


def test_a_replaced_bundle_is_never_opened() -> None:
    """The difference of two openings would be the few ballots that came last."""
    log = build_log(PLAN)
    replaced = {entry.replaces for entry in log.entries if isinstance(entry, Bundle)}
    assert len(replaced) == 2  # one, and none of the others
    assert opened_votes(log).keys().isdisjoint(replaced)
    assert len(opened_votes(log)) == len(log.tags) - 1
