"""The picture files beside a list: read from a folder or a ZIP, and assigned to candidates.

A file is assigned by the name that the list gives for it, by the candidate's number in front of its
name (`07.jpg`, `7 portrait.png`), or by the candidate's name (`name.jpg`). With a second number it
is a further picture, and the rest of its name is the caption: `07-1 In the workshop.jpg`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path, PurePosixPath
from typing import Literal, NamedTuple

from voting_service.contests.model import LINE_CHARACTERS, find_text_fault
from voting_service.errors import Fault, InvalidInput
from voting_service.infrastructure.images.encoding import MAX_FILE_BYTES
from voting_service.infrastructure.images.model import SUFFIXES
from voting_service.infrastructure.zip_files import ZipLimits, is_of_a_system, unpack_zip

MAX_FILES = 500
MAX_UNPACKED_BYTES = 200 * 1024 * 1024
PICTURE_TYPES = frozenset(chain.from_iterable(SUFFIXES.values()))

_NUMBERED = re.compile(r"0*(\d{1,4})(?:[-_](\d{1,2}))?(?!\d)[\s._、-]*(.*)", re.DOTALL)
Why = Literal["not_a_picture", "nobody", "second_portrait", "no_caption", "bad_caption"]


class PictureFile(NamedTuple):
    """A file of a folder, or its bytes from a ZIP."""

    name: str
    content: Path | bytes


class ListedCandidate(NamedTuple):
    """A candidate as pictures are assigned: number, name, and the file that the list names."""

    number: int
    name: str
    portrait: str = ""


class CandidatePicture(NamedTuple):
    """A file and whom it shows; a portrait has no caption."""

    number: int
    file: PictureFile
    order: int = 0
    caption: str | None = None


class RejectedFile(NamedTuple):
    """A file that is assigned to nobody, and why."""

    name: str
    why: Why


@dataclass(frozen=True, slots=True)
class ResolvedPictures:
    """Every picture by number and order, every file that is left over, the files that the list
    names but that are missing, and the numbers without a portrait."""

    pictures: tuple[CandidatePicture, ...]
    rejected: tuple[RejectedFile, ...]
    missing: Mapping[int, str]
    without: tuple[int, ...]


def read_pictures(source: Path) -> list[PictureFile]:
    """Return the files of a folder with its subfolders, or of a ZIP, without those that systems
    put there. Raises InvalidInput."""
    try:
        if source.is_dir():
            files = (
                PictureFile(path.relative_to(source).as_posix(), path)
                for path in sorted(source.rglob("*"))
                if path.is_file()
            )
            return _bounded(files)
        content = source.read_bytes()
    except OSError as error:
        raise _fault("unreadable_pictures", path=str(source), strerror=error.strerror) from None
    return unpack_pictures(content)


def unpack_pictures(content: bytes, others: Sequence[PictureFile] = ()) -> list[PictureFile]:
    """Return the files of a ZIP. Raises InvalidInput when it is none, or when it is beyond the
    limits together with `others` of the same upload."""
    used = sum(len(file.content) for file in others if isinstance(file.content, bytes))
    limits = ZipLimits(MAX_FILES, MAX_UNPACKED_BYTES, MAX_FILE_BYTES + 1, len(others), used)
    return [PictureFile(*file) for file in unpack_zip(content, limits)]


def _bounded(files: Iterable[PictureFile]) -> list[PictureFile]:
    bounded = list(islice((file for file in files if not is_of_a_system(file.name)), MAX_FILES + 1))
    if len(bounded) > MAX_FILES:
        raise InvalidInput(
            Fault("", "infrastructure.zip_files.too_many_files", max_files=MAX_FILES)
        )
    return bounded


def assign_pictures(
    files: Iterable[PictureFile], people: Sequence[ListedCandidate]
) -> ResolvedPictures:
    """Return which file shows whom."""
    by_file = {_plain(person.portrait): person.number for person in people if person.portrait}
    by_name = _unique_names(people)
    numbers = {person.number for person in people}
    assigned: dict[tuple[int, int], CandidatePicture] = {}
    rejected: list[RejectedFile] = []
    for file in files:
        name = PurePosixPath(file.name.replace("\\", "/")).name
        picture = _assign(file, name, by_file, by_name)
        if PurePosixPath(name).suffix.lower() not in PICTURE_TYPES:
            rejected.append(RejectedFile(file.name, "not_a_picture"))
        elif picture is None or picture.number not in numbers:
            rejected.append(RejectedFile(file.name, "nobody"))
        elif picture.order and not picture.caption:
            rejected.append(RejectedFile(file.name, "no_caption"))
        elif picture.caption and _is_faulty(picture.caption):
            rejected.append(RejectedFile(file.name, "bad_caption"))
        elif (picture.number, picture.order) in assigned:
            rejected.append(RejectedFile(file.name, "second_portrait"))
        else:
            assigned[picture.number, picture.order] = picture
    portraits = {number for number, order in assigned if not order}
    missing = {p.number: p.portrait for p in people if p.portrait and p.number not in portraits}
    return ResolvedPictures(
        pictures=tuple(assigned[key] for key in sorted(assigned)),
        rejected=tuple(rejected),
        missing=missing,
        without=tuple(
            p.number for p in people if p.number not in portraits and p.number not in missing
        ),
    )


def _assign(
    file: PictureFile, name: str, by_file: Mapping[str, int], by_name: Mapping[str, int]
) -> CandidatePicture | None:
    stem = PurePosixPath(name).stem
    number = by_file.get(_plain(name)) or by_file.get(_plain(stem)) or by_name.get(_plain(stem))
    if number is not None:
        return CandidatePicture(number, file)
    numbered = _NUMBERED.fullmatch(unicodedata.normalize("NFKC", stem))
    if numbered is None:
        return None
    order = int(numbered[2] or 0)
    return CandidatePicture(int(numbered[1]), file, order, numbered[3].strip() if order else None)


def _is_faulty(caption: str) -> bool:
    fault = find_text_fault("caption", caption, limit=LINE_CHARACTERS, line_breaks=False)
    return fault is not None


def _unique_names(people: Sequence[ListedCandidate]) -> Mapping[str, int]:
    """Return numbers by name, of people whose name nobody else on the list has."""
    names = [_plain(person.name) for person in people]
    return {
        name: person.number
        for name, person in zip(names, people, strict=True)
        if name and names.count(name) == 1
    }


def _plain(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def _fault(code: str, **params: object) -> InvalidInput:
    return InvalidInput(Fault("", f"contests.candidate_list.{code}", **params))
