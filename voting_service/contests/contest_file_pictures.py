"""The picture files that a contest file names."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from voting_service.contests.model import Text
from voting_service.contests.pictures import SUFFIXES, PictureKind

PICTURE_TYPES = tuple(sorted(chain.from_iterable(SUFFIXES.values())))


@dataclass(frozen=True, slots=True)
class NamedPicture:
    """A picture of the candidate `number`; `path` is below the contest file's folder, `place` is
    where the contest file names it. A portrait has no caption."""

    number: int
    path: Path
    place: str
    caption: Text | None = None

    @property
    def kind(self) -> PictureKind:
        return "portrait" if self.caption is None else "picture"


def picture_fault(name: str, folder: Path | None) -> str | None:
    """What is wrong with the name of a picture file; without a folder only its form is looked
    at. Whether it is a picture at all is seen when it is encoded."""
    path = Path(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name:
        return "must be a path inside the contest file's folder, with / between folders"
    if path.suffix.lower() not in PICTURE_TYPES:
        return f"must be a picture: {', '.join(PICTURE_TYPES)}"
    if folder is None:
        return None
    try:
        picture = (folder / path).resolve(strict=True)
    except (OSError, RuntimeError):  # RuntimeError: a symbolic link that leads to itself
        return f"there is no file {name} in the contest file's folder"
    if not picture.is_relative_to(folder):
        return "leads out of the contest file's folder"
    return None if picture.is_file() else f"{name} is not a file"
