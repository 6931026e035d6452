"""The picture files that a contest file names."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from voting_service.errors import Fault
from voting_service.i18n.text import Text
from voting_service.infrastructure.images.model import SUFFIXES, PictureKind

PICTURE_TYPES = tuple(sorted(chain.from_iterable(SUFFIXES.values())))


@dataclass(frozen=True, slots=True)
class NamedPicture:
    """A picture of the candidate `number`; `path` is below the folder of the contest file or
    absolute, `place` is where the contest file names it. A portrait has no caption. `content` are
    its bytes where it comes from a ZIP."""

    number: int
    path: Path
    place: str
    caption: Text | None = None
    content: bytes | None = None

    @property
    def shown_place(self) -> str:
        """Return where it is named, and its file."""
        return f"{self.place}: {self.path}" if self.place else str(self.path)

    @property
    def kind(self) -> PictureKind:
        return "portrait" if self.caption is None else "picture"


@dataclass(frozen=True, slots=True)
class NamedLogo:
    """The logo of a contest, with path and place as those of a picture."""

    path: Path
    place: str


def find_picture_fault(name: str, folder: Path | None) -> Fault | None:
    """Return what is wrong with the name of a picture file, without its place.

    Without a folder only the form is checked. Whether the file is a picture shows when it is
    encoded.
    """
    path = Path(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name:
        return Fault("", "contests.contest_file.picture_outside")
    if path.suffix.lower() not in PICTURE_TYPES:
        return Fault("", "contests.contest_file.not_a_picture", types=", ".join(PICTURE_TYPES))
    return None if folder is None else _find_file_fault(name, folder)


def _find_file_fault(name: str, folder: Path) -> Fault | None:
    try:
        picture = (folder / name).resolve(strict=True)
    except (OSError, RuntimeError):  # RuntimeError: a symbolic link to itself
        return Fault("", "contests.contest_file.picture_missing", name=name)
    if not picture.is_relative_to(folder):
        return Fault("", "contests.contest_file.picture_leads_outside")
    if not picture.is_file():
        return Fault("", "contests.contest_file.picture_not_a_file", name=name)
    return None
