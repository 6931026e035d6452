"""Tags of ballots, and commitments to what they say: hashes that bind and tell nothing before they
are opened. No I/O.

A commitment is SHA-256 of a domain, a random salt of 32 bytes and the canonical JSON of a value.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple

import msgspec

from voting_service.infrastructure.crypto.canonical_json import canonical
from voting_service.infrastructure.transparency_log.merkle import Tree, hash_leaf

TAG_DOMAIN = b"voting-log/1 tag\n"
COUNTS_DOMAIN = b"voting-log/1 counts\n"
BALLOT_DOMAIN = b"voting-log/1 ballot\n"
SALT_BYTES = 32
TAG_BYTES = 32


class CommittedCounts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many ballots, and how many votes each candidate has on them: `[[number, votes], …]`,
    every candidate named, in the order of their numbers."""

    ballots: int
    votes: tuple[tuple[int, int], ...]

    def plus(self, other: CommittedCounts) -> CommittedCounts:
        """Return the sum of two counts of the same candidates."""
        added = dict(other.votes)
        votes = tuple((number, votes + added[number]) for number, votes in self.votes)
        return CommittedCounts(self.ballots + other.ballots, votes)


def count_votes(numbers: Iterable[int], ballots: int, votes: Mapping[int, int]) -> CommittedCounts:
    """Return the counts with every candidate named."""
    return CommittedCounts(
        ballots, tuple((number, votes.get(number, 0)) for number in sorted(numbers))
    )


def ballot_tag(ballot_id: bytes) -> bytes:
    """Return the tag by which a ballot is in the log, from the id that its receipt has."""
    return sha256(TAG_DOMAIN + ballot_id).digest()


class BundleValue(CommittedCounts, frozen=True, forbid_unknown_fields=True):
    """What a bundle commits to: its counts, and the root of the tree over the commitments to its
    ballots, in the order of their tags (base64)."""

    choices: str


def commit(salt: bytes, value: CommittedCounts) -> str:
    """Return the commitment to the counts of a bundle or of a ruling, in base64."""
    digest = sha256(COUNTS_DOMAIN + salt + canonical(msgspec.to_builtins(value))).digest()
    return b64encode(digest).decode()


def ballot_salt(bundle_key: bytes, tag: bytes) -> bytes:
    """Return the salt of one ballot: HMAC-SHA-256 of its tag under the bundle's secret."""
    return hmac.digest(bundle_key, tag, "sha256")


def commit_ballot(salt: bytes, ballot_id: bytes, choices: Sequence[int], *, held: bool) -> bytes:
    """Return the commitment to one stored ballot, for auditors who have the salt.

    The value is `{"ballot":HEX,"choices":[…],"held":0|1}`, choices ascending. Written here by hand,
    because it is done for every ballot; a test compares it with the canonical form.
    """
    names = ",".join(map(str, sorted(choices)))
    value = f'{{"ballot":"{ballot_id.hex()}","choices":[{names}],"held":{int(held)}}}'
    return sha256(BALLOT_DOMAIN + salt + value.encode()).digest()


class BundleBallot(NamedTuple):
    """What a bundle needs of a stored ballot."""

    ballot_id: bytes
    choices: Sequence[int]
    held: bool


class BundleContents(NamedTuple):
    """A bundle of ballots: the sorted tags and their root in base64, how many were held, and what
    the bundle commits to."""

    tags: tuple[bytes, ...]
    held: int
    value: BundleValue
    root: str


def bundle_contents(
    numbers: Iterable[int], ballots: Sequence[BundleBallot], bundle_key: bytes
) -> BundleContents:
    """Return the contents of a bundle; `numbers` are the contest's candidates."""
    tagged = sorted((ballot_tag(ballot.ballot_id), ballot) for ballot in ballots)
    votes: dict[int, int] = {}
    leaves = []
    for tag, ballot in tagged:
        for number in ballot.choices:
            votes[number] = votes.get(number, 0) + 1
        salt = ballot_salt(bundle_key, tag)
        leaves.append(commit_ballot(salt, ballot.ballot_id, ballot.choices, held=ballot.held))
    tags = tuple(tag for tag, _ in tagged)
    counts = count_votes(numbers, len(ballots), votes)
    return BundleContents(
        tags=tags,
        held=sum(ballot.held for ballot in ballots),
        value=BundleValue(counts.ballots, counts.votes, _root_text(Tree(map(hash_leaf, leaves)))),
        root=_root_text(tag_tree(tags)),
    )


def _root_text(tree: Tree) -> str:
    return b64encode(tree.root()).decode()


def tag_tree(tags: Iterable[bytes]) -> Tree:
    """Return the tree over the tags of a bundle, which are sorted."""
    return Tree(map(hash_leaf, tags))


def split_tags(data: bytes) -> list[bytes]:
    """Return the tags of a bundle's file."""
    return [data[start : start + TAG_BYTES] for start in range(0, len(data), TAG_BYTES)]
