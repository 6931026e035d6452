"""Read an untrusted audit archive; long members line by line."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from zipfile import BadZipFile, ZipFile

import msgspec

from voting_service.contests.model import Candidate, Contest, ProfileCorrection
from voting_service.errors import Fault, InvalidInput
from voting_service.staff.approvals.model import ApprovalRequest
from voting_service.voting.replay import archive

MAX_MEMBER_BYTES = 512 * 1024 * 1024
"""The limit of members that are read whole; ballots are read line by line."""

MAX_LINE_CHARACTERS = 16 * 1024
"""Longer than any ballot; protects from members that decompress without end."""

T = TypeVar("T")


class ArchiveContents(NamedTuple):
    """Everything except the ballots and the members of holds."""

    contest: Contest
    holds: tuple[archive.HoldPart, ...]
    rulings: tuple[archive.RulingPart, ...]
    withdrawals: tuple[archive.WithdrawalPart, ...]
    decisions: tuple[ApprovalRequest, ...]
    publications: tuple[archive.PublicationPart, ...]
    documents: Mapping[int, bytes]


class _Hashing(io.RawIOBase):
    """A reader that also hashes what is read."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.hash = sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data: bytes = self._inner.read(len(buffer))
        buffer[: len(data)] = data
        self.hash.update(data)
        return len(data)


class ArchiveReader:
    """An open archive; `hashes` fills as members are read to their end."""

    def __init__(self, file: ZipFile) -> None:
        self._file = file
        self._names = set(file.namelist())
        self.hashes: dict[str, str] = {}

    def whole(self, name: str) -> bytes:
        """Return a member. Raises InvalidInput when it is missing, damaged or too large."""
        with _named(name):
            self._require(name)
            if self._file.getinfo(name).file_size > MAX_MEMBER_BYTES:
                raise InvalidInput(
                    Fault(name, "voting.replay.member_too_large", max_member_bytes=MAX_MEMBER_BYTES)
                )
            content = self._file.read(name)
        self.hashes[name] = sha256(content).hexdigest()
        return content

    def json(self, name: str, kind: type[T]) -> T:
        """Return a JSON member as `kind`. Raises InvalidInput."""
        try:
            return msgspec.json.decode(self.whole(name), type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise InvalidInput(Fault.verbatim(name, str(error))) from None

    def lines(self, name: str, columns: Sequence[str]) -> Iterator[list[str]]:
        """Yield the fields of each line. Raises InvalidInput with the first faulty line."""
        with _named(name):
            self._require(name)
            with self._file.open(name) as member:
                hashing = _Hashing(member)
                text = io.TextIOWrapper(
                    io.BufferedReader(hashing, 1 << 20), encoding="utf-8", newline="\n"
                )
                if text.readline(MAX_LINE_CHARACTERS) != ",".join(columns) + "\n":
                    raise InvalidInput(
                        Fault(f"{name}:1", "voting.replay.wrong_header", columns=",".join(columns))
                    )
                width = len(columns)
                rest = iter(partial(text.readline, MAX_LINE_CHARACTERS), "")
                for number, line in enumerate(rest, start=2):
                    fields = line[:-1].split(",")
                    if len(fields) != width or line[-1] != "\n":
                        raise InvalidInput(
                            Fault(
                                f"{name}:{number}",
                                "voting.replay.wrong_number_of_fields",
                                width=width,
                            )
                        )
                    yield fields
            self.hashes[name] = hashing.hash.hexdigest()

    def unread(self) -> list[str]:
        """Return the members that were not read."""
        return sorted(self._names - self.hashes.keys())

    def _require(self, name: str) -> None:
        if name not in self._names:
            raise InvalidInput(Fault(name, "voting.replay.member_missing"))

    def contents(self) -> ArchiveContents:
        """Return all short members. Raises InvalidInput."""
        part = self.json(archive.CONTEST, archive.ContestPart)
        if part.format != archive.FORMAT:
            raise InvalidInput(
                Fault(archive.CONTEST, "voting.replay.wrong_format", format=archive.FORMAT)
            )
        candidates = self.json(archive.CANDIDATES, tuple[Candidate, ...])
        self.json(archive.PLATFORMS, list[dict[str, Any]])
        withdrawals = self.json(archive.WITHDRAWALS, tuple[archive.WithdrawalPart, ...])
        publications = self.json(archive.PUBLICATIONS, tuple[archive.PublicationPart, ...])
        return ArchiveContents(
            contest=Contest(
                id=0,
                slug=part.slug,
                rules=part.rules,
                opens_at=part.opens_at,
                closes_at=part.closes_at,
                revision=1,
                candidates=candidates,
                withdrawals=withdrawals,
                corrections=self.json(archive.CORRECTIONS, tuple[ProfileCorrection, ...]),
            ),
            holds=self.json(archive.HOLDS, tuple[archive.HoldPart, ...]),
            rulings=self.json(archive.RULINGS, tuple[archive.RulingPart, ...]),
            withdrawals=withdrawals,
            decisions=self.json(archive.DECISIONS, tuple[ApprovalRequest, ...]),
            publications=publications,
            documents={
                publication.version: self.whole(archive.publication_member(publication.version))
                for publication in publications
            },
        )


@contextmanager
def _named(name: str) -> Iterator[None]:
    try:
        yield
    except (BadZipFile, zlib.error, EOFError, UnicodeDecodeError, NotImplementedError) as error:
        raise InvalidInput(Fault(name, "voting.replay.damaged", error=error)) from None


@contextmanager
def open_archive(path: Path) -> Iterator[ArchiveReader]:
    """Open an archive. Raises InvalidInput when the file is not one."""
    try:
        file = ZipFile(path)
    except (BadZipFile, OSError) as error:
        raise InvalidInput(Fault(str(path), "voting.replay.not_an_archive", error=error)) from None
    with file:
        yield ArchiveReader(file)
