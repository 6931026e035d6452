"""Check 4, first part: the public tags of the ballots."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator
from itertools import pairwise

from voting_service.errors import Fault
from voting_service.infrastructure.transparency_log.sources import LogSource
from voting_service.voting.public_log.bundling import MAX_BALLOTS
from voting_service.voting.public_log.commitments import TAG_BYTES, split_tags, tag_tree
from voting_service.voting.public_log.entries import Bundle
from voting_service.voting.public_log.verification.contents import LogContents
from voting_service.voting.public_log.verification.faults import fault

TAGS_BYTES = MAX_BALLOTS * TAG_BYTES
_NUMBER_BYTES = 4
_RECORD_BYTES = TAG_BYTES + _NUMBER_BYTES


def tags_path(number: int) -> str:
    """Return the path of the tags of a bundle."""
    return f"bundles/{number}"


def check_tags(bundle: Bundle, data: bytes) -> list[Fault]:
    """The file of a bundle has as many tags as announced, in order, none twice, with the root."""
    number = bundle.bundle
    if len(data) != bundle.ballots * TAG_BYTES:
        count = len(data) / TAG_BYTES
        return [fault("tags_count", number=number, ballots=bundle.ballots, count=f"{count:g}")]
    tags = split_tags(data)
    faults = []
    if any(before >= after for before, after in pairwise(tags)):
        faults.append(fault("tags_unordered", number=number))
    if b64encode(tag_tree(tags).root()).decode() != bundle.tags:
        faults.append(fault("tags_root", number=number))
    return faults


class TagParts:
    """All tags of a contest once, in 256 parts by their first byte: to find one that is in two
    bundles without a set of them all, which would take several times their bytes."""

    def __init__(self) -> None:
        self._parts = [bytearray() for _ in range(256)]

    def add(self, number: int, tags: Iterable[bytes]) -> None:
        """Add the tags of a bundle."""
        end = number.to_bytes(_NUMBER_BYTES)
        parts = self._parts
        for tag in tags:
            parts[tag[0]] += tag + end

    def repeated(self) -> Iterator[Fault]:
        """Yield each tag that was added twice."""
        for part in self._parts:
            records = sorted(
                bytes(part[start : start + _RECORD_BYTES])
                for start in range(0, len(part), _RECORD_BYTES)
            )
            for before, after in pairwise(records):
                if before[:TAG_BYTES] == after[:TAG_BYTES]:
                    yield fault(
                        "tag_twice",
                        tag=after[:TAG_BYTES].hex(),
                        number=int.from_bytes(before[TAG_BYTES:]),
                        other=int.from_bytes(after[TAG_BYTES:]),
                    )


def check_ballots(log: LogContents, source: LogSource) -> Iterator[list[Fault]]:
    """Check every file of tags; yield for each bundle what is wrong, and at the end the tags that
    are in two bundles that count. A bundle that replaces another has all its tags."""
    parts = TagParts()
    replaced: set[bytes] = set()
    files = source.read_many(map(tags_path, log.bundles), TAGS_BYTES)
    for (number, bundle), data in zip(log.bundles.items(), files, strict=True):
        faults = check_tags(bundle, data)
        tags = split_tags(data)
        lost = len(replaced.difference(tags)) if replaced else 0
        if lost:
            faults.append(fault("replaced_lost", number=number, lost=lost))
        replaced = set()
        if faults:
            pass
        elif number in log.counting:
            parts.add(number, tags)
        else:
            replaced = set(tags)
        yield faults
    yield list(parts.repeated())
