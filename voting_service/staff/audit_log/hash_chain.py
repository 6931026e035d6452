"""The hash chain of the audit log, recomputed. Pure: one entry in memory at a time.

An entry's hash is the SHA-256 of its fields as netstrings (D. J. Bernstein, Netstrings, 1997: the
length in bytes, a colon, the bytes, a comma), including the hash of the entry before it; migration
0004 computes the same when the entry is written.

The chain alone does not show that entries were cut off its end, or that all of it was rewritten:
for that a `Head` noted elsewhere is compared.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC
from hashlib import sha256
from typing import Literal, NamedTuple

from voting_service.errors import Fault, InvalidInput
from voting_service.i18n.catalogues import load_text
from voting_service.staff.audit_log.model import Entry

FaultKind = Literal["missing", "out_of_order", "changed", "unlinked", "backdated", "another", "cut"]

_HEAD = re.compile(r"([0-9]{1,18}):([0-9a-f]{64})")


class Head(NamedTuple):
    """An entry's number and hash. Who notes the newest one can later prove whether everything up to
    it is unchanged."""

    entry: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.entry}:{self.hash.hex()}"


BEGINNING = Head(0, bytes(32))
"""The head before the first entry."""


def parse_head(text: str) -> Head:
    """Parse the output of `str(head)`. Raises InvalidInput."""
    match = _HEAD.fullmatch(text.strip().lower())
    if match is None:
        raise InvalidInput(Fault("head", "staff.audit_log.head_format"))
    return Head(int(match[1]), bytes.fromhex(match[2]))


class ChainFault(NamedTuple):
    """A fault in the chain. `entry` is where it shows, `until` the last entry that it concerns."""

    kind: FaultKind
    entry: int
    until: int

    def __str__(self) -> str:
        span = "chain.line" if self.entry == self.until else "chain.lines"
        lines = load_text("audit_log", span, entry=self.entry, until=self.until)
        return load_text("audit_log", f"faults.{self.kind}", lines=lines).en


def netstrings(fields: Iterable[str]) -> bytes:
    """Encode the fields so that different lists of fields give different bytes."""
    encoded = [field.encode() for field in fields]
    return b"".join(b"%d:%b," % (len(field), field) for field in encoded)


def hash_entry(entry: Entry) -> bytes:
    """Return the hash that an entry must have."""
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
    """Checks entries one by one, in order; `head` is the last one checked.

    `noted` are heads from elsewhere. Started at another `head` than the beginning, it checks the
    entries after it.
    """

    def __init__(self, head: Head = BEGINNING, *, noted: Iterable[Head] = ()) -> None:
        self.head = head
        self._last: Entry | None = None
        self._noted: defaultdict[int, set[bytes]] = defaultdict(set)
        for noted_head in noted:
            self._noted[noted_head.entry].add(noted_head.hash)

    def check(self, entry: Entry) -> Iterator[ChainFault]:
        """Yield the faults of the next entry. Consume them all before the next call."""
        number, expected = entry.entry, self.head.entry + 1
        if number < expected:
            yield ChainFault("out_of_order", number, number)
            return
        if hash_entry(entry) != entry.hash:
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
        """Yield what is missing at the end, by the noted heads."""
        last = max(self._noted, default=0)
        if last > self.head.entry:
            yield ChainFault("cut", self.head.entry + 1, last)


def verify(entries: Iterable[Entry], *, noted: Iterable[Head] = ()) -> Iterator[ChainFault]:
    """Yield every fault of a whole audit log, in order."""
    chain = Chain(noted=noted)
    for entry in entries:
        yield from chain.check(entry)
    yield from chain.finish()
