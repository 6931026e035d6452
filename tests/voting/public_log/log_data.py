"""Bundles of ballots and a log of them, in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from voting_service.infrastructure.transparency_log.checkpoints import (
    Checkpoint,
    cosign,
    sign_checkpoint,
)
from voting_service.infrastructure.transparency_log.merkle import Tree, hash_leaf
from voting_service.infrastructure.transparency_log.signed_note import (
    COSIGNATURE,
    verifier_key,
)
from voting_service.voting.public_log.commitments import (
    BundleBallot,
    BundleContents,
    bundle_contents,
    commit,
)
from voting_service.voting.public_log.entries import Bundle

NUMBERS = range(1, 51)
SALT = b"s" * 32
BUNDLE_KEY = b"k" * 32
AT = "2022-07-18T01:00:00Z"
ORIGIN = "vote.example/log/bayu-2022"
LOG_KEY = Ed25519PrivateKey.from_private_bytes(b"l" * 32)
LOG = verifier_key(ORIGIN, LOG_KEY)
WITNESS_KEYS = {
    name: Ed25519PrivateKey.from_private_bytes(name[-1:].encode() * 32)
    for name in ("unions.example/w1", "notary.example/w2")
}
WITNESSES = tuple(verifier_key(name, key, COSIGNATURE) for name, key in WITNESS_KEYS.items())


class LoggedBundle(NamedTuple):
    contents: BundleContents
    entry: Bundle


def bundled(count: int, first: int = 0) -> list[BundleBallot]:
    """Ballots that say something else each, every seventh of them held."""
    return [
        BundleBallot(number.to_bytes(16), [1 + number % 50, 1 + (number + 1) % 50], number % 7 == 0)
        for number in range(first, first + count)
    ]


def logged_bundle(number: int, count: int) -> LoggedBundle:
    contents = bundle_contents(NUMBERS, bundled(count, first=number * 10_000), BUNDLE_KEY)
    entry = Bundle(
        at=AT,
        bundle=number,
        ballots=count,
        held=contents.held,
        tags=contents.root,
        commitment=commit(SALT, contents.value),
    )
    return LoggedBundle(contents, entry)


def cosigned_checkpoint(entries: Sequence[bytes]) -> bytes:
    """The checkpoint of a log of these entries, with both witnesses' signatures."""
    root = Tree(map(hash_leaf, entries)).root()
    note = sign_checkpoint(Checkpoint(ORIGIN, len(entries), root), LOG_KEY)
    lines = [cosign(note.text, name, key, 1_658_106_000) for name, key in WITNESS_KEYS.items()]
    return note._replace(signatures=(*note.signatures, *lines)).data
