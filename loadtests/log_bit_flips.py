"""Single bits of the public files of a log are changed, and the verifier has to find each.

    python -m loadtests.log_bit_flips --count 10000 FOLDER

FOLDER is a log that verifies. The files are drawn evenly by what they are, then the bit; a durable
receipt is made from the folder and changed too. For each change the real checks run that read the
file, and the whole verification where they find nothing. The exit code is 0 if none is missed.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random
from time import perf_counter

import click
import msgspec

from voting_service.errors import InvalidInput, Unavailable
from voting_service.infrastructure.transparency_log.merkle import Tree, hash_leaf
from voting_service.infrastructure.transparency_log.sources import FolderSource
from voting_service.voting.public_log.commitments import split_tags
from voting_service.voting.public_log.entries import Bundle
from voting_service.voting.public_log.receipt_proof import EntryPlace, prove
from voting_service.voting.public_log.verification.ballots import check_tags
from voting_service.voting.public_log.verification.contents import LogContents
from voting_service.voting.public_log.verification.documents import read_document
from voting_service.voting.public_log.verification.report import Report
from voting_service.voting.public_log.verification.verifier import (
    NOTHING_ELSE,
    ReaderEvidence,
    verify_log,
    verify_tree,
)

RECEIPT = "receipt"


class ChangedSource:
    """The files of a folder, one of them with other bytes."""

    def __init__(self, folder: Path) -> None:
        self._files = FolderSource(folder)
        self.path = ""
        self.data = b""

    def read(self, path: str, limit: int) -> bytes:
        return self.data if path == self.path else self._files.read(path, limit)

    def read_many(self, paths: Iterable[str], limit: int) -> Iterator[bytes]:
        return (self.read(path, limit) for path in paths)

    def paths(self) -> Iterator[str]:
        return self._files.paths()


class BitFlips:
    """A log whose bits are changed one at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.source = ChangedSource(folder)
        report = verify_log(self.source)
        if report.faults:
            raise SystemExit("\n".join(line.text.en for line in report.faults))
        self.log: LogContents = verify_tree(self.source, NOTHING_ELSE, Report())
        self.receipt = self._receipt()
        self.kinds: dict[str, list[str]] = {RECEIPT: [RECEIPT]}
        for path in self.source.paths():
            self.kinds.setdefault(path.rpartition("/")[0] or path, []).append(path)

    def _receipt(self) -> bytes:
        data = [entry.data for entry in self.log.entries]
        place, bundle = next(self.log.every(Bundle))
        tags = split_tags((self.folder / f"bundles/{bundle.bundle}").read_bytes())
        checkpoint = (self.folder / "checkpoint").read_bytes()
        entry = EntryPlace(place, data[place], len(data), checkpoint)
        node = Tree(map(hash_leaf, data)).node
        return msgspec.json.encode(prove(tags, tags[0], entry, node))

    def is_found(self, path: str, bit: int) -> bool:
        """Return whether the verifier finds a changed bit of a file."""
        data = bytearray(self.receipt if path == RECEIPT else (self.folder / path).read_bytes())
        data[bit // 8] ^= 1 << bit % 8
        evidence = NOTHING_ELSE
        if path == RECEIPT:
            evidence = ReaderEvidence(receipt=bytes(data))
        self.source.path, self.source.data = path, bytes(data)
        try:
            if not self._is_refused(path, evidence):
                return bool(verify_log(self.source, evidence).faults)
        except Unavailable:
            return False
        return True

    def _is_refused(self, path: str, evidence: ReaderEvidence) -> bool:
        """Return whether the check that reads a file refuses it."""
        folder, _, name = path.rpartition("/")
        try:
            if folder == "bundles":
                return bool(check_tags(self.log.bundles[int(name)], self.source.data))
            if folder == "documents":
                read_document(self.source, name)
                return False
            report = Report()
            verify_tree(self.source, evidence, report)
        except InvalidInput:
            return True
        return bool(report.faults)


def flip(flips: BitFlips, count: int, seed: int) -> dict[str, tuple[int, list[tuple[str, int]]]]:
    """Return for each kind of file how many bits were changed, and which were missed."""
    random = Random(seed)
    done: Counter[str] = Counter()
    missed: dict[str, list[tuple[str, int]]] = {kind: [] for kind in flips.kinds}
    kinds = sorted(flips.kinds)
    for _ in range(count):
        kind = random.choice(kinds)
        path = random.choice(flips.kinds[kind])
        size = len(flips.receipt) if kind == RECEIPT else (flips.folder / path).stat().st_size
        if not size:
            continue
        bit = random.randrange(8 * size)
        done[kind] += 1
        if not flips.is_found(path, bit):
            missed[kind].append((path, bit))
    return {kind: (done[kind], missed[kind]) for kind in kinds}


@click.command(help=__doc__)
@click.option("--count", default=10_000, show_default=True)
@click.option("--seed", default=1, show_default=True)
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
def main(count: int, seed: int, folder: Path) -> None:
    started = perf_counter()
    result = flip(BitFlips(folder), count, seed)
    for kind, (done, missed) in result.items():
        click.echo(f"{kind}: {done:,} changed, {len(missed)} missed {missed[:5] or ''}".rstrip())
    all_missed = sum(len(missed) for _, missed in result.values())
    all_done = sum(done for done, _ in result.values())
    seconds = perf_counter() - started
    click.echo(f"all: {all_done:,} changed, {all_missed} missed, {seconds:.0f} s")
    sys.exit(bool(all_missed))


if __name__ == "__main__":
    main()
