"""The chain of the journal, recomputed. Pure: entries in, faults out, one line held at a time.

A line's hash is the SHA-256 of its fields as netstrings (D. J. Bernstein, Netstrings, 1997: the
length in bytes, a colon, the bytes, a comma), the hash of the line before it among them;
migration 0004 computes the same when the line is written.

What the chain alone cannot show is that its end was cut off, or that all of it was written anew:
for that a `Head` noted elsewhere is compared.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC
from hashlib import sha256
from typing import Literal, NamedTuple

from voting_service.errors import Fault, InvalidInput
from voting_service.journal.model import Entry

FaultKind = Literal["missing", "out_of_order", "changed", "unlinked", "backdated", "another", "cut"]

_HEAD = re.compile(r"([0-9]{1,18}):([0-9a-f]{64})")


_SAID: Mapping[FaultKind, str] = {
    "missing": "{lines} missing",
    "out_of_order": "{lines} standing twice, or behind a later one",
    "changed": "{lines} changed: it does not fit its hash",
    "unlinked": "{lines} not following the line before it",
    "backdated": "{lines} older than the line before it",
    "another": "{lines} not the one whose hash was noted",
    "cut": "{lines} cut off the end",
}


class Head(NamedTuple):
    """A line's number and hash: whoever notes the newest can later tell whether all that was
    written up to it still stands."""

    entry: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.entry}:{self.hash.hex()}"


BEGINNING = Head(0, bytes(32))
"""What the first line follows."""


def parse_head(text: str) -> Head:
    """Reads what `str(head)` wrote. Raises InvalidInput."""
    found = _HEAD.fullmatch(text.strip().lower())
    if found is None:
        raise InvalidInput(Fault("head", "must be ENTRY:HASH as `journal verify` prints it"))
    return Head(int(found[1]), bytes.fromhex(found[2]))


class ChainFault(NamedTuple):
    """One thing wrong with the chain. `entry` is the line it shows at, `until` the last one that
    it is about."""

    kind: FaultKind
    entry: int
    until: int

    def __str__(self) -> str:
        lines = f"line {self.entry}"
        if self.entry != self.until:
            lines = f"lines {self.entry} to {self.until}"
        return _SAID[self.kind].format(lines=lines)


def netstrings(fields: Iterable[str]) -> bytes:
    """The fields one after another, so that no two lists of fields give the same bytes."""
    encoded = [field.encode() for field in fields]
    return b"".join(b"%d:%b," % (len(field), field) for field in encoded)


def hash_of(entry: Entry) -> bytes:
    """What the hash of this line must be."""
    moment = entry.at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
    return sha256(
        netstrings(
            (
                str(entry.entry),
                f"{moment}Z",
                entry.actor,
                entry.act,
                entry.contest or "",
                entry.subject,
                entry.details,
                entry.previous_hash.hex(),
            )
        )
    ).digest()


class Chain:
    """Lines come in one by one, in order; `head` is the last one that was seen.

    `noted` are heads from elsewhere. Begun at another `head` than the beginning, it checks what
    was added since.
    """

    def __init__(self, head: Head = BEGINNING, *, noted: Iterable[Head] = ()) -> None:
        self.head = head
        self._last: Entry | None = None
        self._noted: defaultdict[int, set[bytes]] = defaultdict(set)
        for each in noted:
            self._noted[each.entry].add(each.hash)

    def check(self, entry: Entry) -> Iterator[ChainFault]:
        """What is wrong with the next line. Consume it all before the next call."""
        number, expected = entry.entry, self.head.entry + 1
        if number < expected:
            yield ChainFault("out_of_order", number, number)
            return
        if hash_of(entry) != entry.hash:
            yield ChainFault("changed", number, number)
        if number > expected:
            yield ChainFault("missing", expected, number - 1)
        elif entry.previous_hash != self.head.hash:
            yield ChainFault("unlinked", number, number)
        if self._last is not None and entry.at < self._last.at:
            yield ChainFault("backdated", number, number)
        if self._noted.get(number, {entry.hash}) != {entry.hash}:
            yield ChainFault("another", number, number)
        self.head, self._last = Head(number, entry.hash), entry

    def finish(self) -> Iterator[ChainFault]:
        """What is missing at the end, by the heads that were noted."""
        last = max(self._noted, default=0)
        if last > self.head.entry:
            yield ChainFault("cut", self.head.entry + 1, last)


def verify(entries: Iterable[Entry], *, noted: Iterable[Head] = ()) -> Iterator[ChainFault]:
    """Everything wrong with a whole journal, in order."""
    chain = Chain(noted=noted)
    for entry in entries:
        yield from chain.check(entry)
    yield from chain.finish()
