"""A ZIP written as a row of pieces: never more of it is in memory than one file and one piece, and
none of it is on a disk in plain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from voting_service.nomination.model import Slot
from voting_service.nomination.review.repository import SubmittedRecommendation

PIECE_BYTES = 1024 * 1024
NAME_CHARACTERS = 60
_UNFIT = str.maketrans(
    dict.fromkeys('<>:"/\\|?*\x7f', "-") | dict.fromkeys(map(chr, range(32)), "-")
)
"""What the file systems of Windows, macOS and Linux do not take in a name."""
_FASTEST = 1


class PackWriter:
    """Writes files into a ZIP. Names that are not ASCII carry the flag for UTF-8, which Windows
    reads. Everything is deflated: a program that unpacks while it reads cannot tell where a file
    that is merely stored would end."""

    def __init__(self, made_at: datetime) -> None:
        self._written = bytearray()
        self._made_at = made_at.timetuple()[:6]
        self._zip = ZipFile(self, "w", ZIP_DEFLATED)

    def write(self, content: bytes) -> int:
        """Take what the ZIP consists of, as the file that it is written to."""
        self._written += content
        return len(content)

    def flush(self) -> None:
        """Do nothing: pieces are taken by `full_pieces`."""

    def close(self) -> None:
        """Do nothing: `last_pieces` finishes the ZIP."""

    def add(self, path: str, content: bytes) -> None:
        """Add a file."""
        entry = ZipInfo(path, self._made_at)
        entry.external_attr = 0o600 << 16
        self._zip.writestr(entry, content, ZIP_DEFLATED, _FASTEST)

    def full_pieces(self) -> Iterator[bytes]:
        """Yield the pieces that are full, once each."""
        while len(self._written) >= PIECE_BYTES:
            yield bytes(self._written[:PIECE_BYTES])
            del self._written[:PIECE_BYTES]

    def last_pieces(self) -> Iterator[bytes]:
        """Finish the ZIP and yield what is left of it."""
        self._zip.close()
        yield from self.full_pieces()
        yield bytes(self._written)


def file_name(text: str) -> str:
    """Return a text as part of a file's name."""
    return text.translate(_UNFIT).strip(". ")[:NAME_CHARACTERS] or "-"


def person_names(
    people: Sequence[SubmittedRecommendation], language: str
) -> Mapping[int, tuple[str, str]]:
    """Return the folder of each recommendation, its body, and what its files begin with: body and
    person, and the number where a body has two people of one name."""
    begins = {
        submitted.id: (
            folder := file_name(getattr(submitted.body.name, language)),
            f"{folder}_{file_name(submitted.form.name)}",
        )
        for submitted in people
    }
    shared = [begin for _, begin in begins.values()]
    return {
        number: (folder, f"{begin}_{number}" if shared.count(begin) > 1 else begin)
        for number, (folder, begin) in begins.items()
    }


PACKED_SLOTS: tuple[Slot, ...] = ("photo", "evidence", "employer_scan", "body_scan")
