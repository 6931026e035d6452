"""The list of candidates and the pictures beside a contest file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voting_service.contests.candidate_list.picture_files import (
    CandidatePicture,
    ListedCandidate,
    PictureFile,
    assign_pictures,
    read_pictures,
)
from voting_service.contests.candidate_list.reader import CandidateList, read_candidates
from voting_service.contests.contest_file.pictures import NamedPicture
from voting_service.errors import Fault, InvalidInput
from voting_service.i18n.text import Text
from voting_service.infrastructure.spreadsheets import read_file

LIST_KEY, PICTURES_KEY = "candidates_file", "pictures"


@dataclass(frozen=True, slots=True)
class CandidateFiles:
    """A list of candidates; `pictures` are the files of a folder or ZIP, None without one."""

    listed: CandidateList
    pictures: Sequence[PictureFile] | None = None


def read_candidate_files(table: Path, pictures: Path | None) -> CandidateFiles:
    """Return a list and its pictures. Raises InvalidInput, with the name of the file in front."""
    try:
        listed = read_candidates(read_file(table))
    except InvalidInput as error:
        raise InvalidInput(*(fault.at(str(table)) for fault in error.faults)) from None
    if pictures is None:
        return CandidateFiles(listed)
    try:
        return CandidateFiles(listed, read_pictures(pictures))
    except InvalidInput as error:
        raise InvalidInput(*(fault.at(str(pictures)) for fault in error.faults)) from None


def take_candidates(
    tree: dict[str, Any], given: CandidateFiles | None, folder: Path | None
) -> CandidateFiles | None:
    """Put the candidates of a list into a parsed contest file, in place of the keys that name the
    list, and return the list: that which is given, else that of the file.

    Raises InvalidInput when the file has candidates as well, names a list badly, or is a text.
    """
    table, pictures = tree.pop(LIST_KEY, None), tree.pop(PICTURES_KEY, None)
    if given is None and table is None and pictures is None:
        return None
    if "candidates" in tree:
        raise InvalidInput(Fault("candidates", "contests.contest_file.candidates_twice"))
    if given is None:
        if folder is None:
            raise InvalidInput(Fault(LIST_KEY, "contests.contest_file.no_files_in_text"))
        if not isinstance(table, str) or not isinstance(pictures, str | None):
            key = LIST_KEY if not isinstance(table, str) else PICTURES_KEY
            raise InvalidInput(Fault(key, "contests.contest_file.no_file_name"))
        given = read_candidate_files(folder / table, folder / pictures if pictures else None)
    tree["candidates"] = [dict(entry) for entry in given.listed.entries]
    return given


def listed_people(
    entries: Sequence[dict[str, Any]], portraits: Sequence[str]
) -> list[ListedCandidate]:
    """Return the candidates as pictures are assigned, without those whose number is faulty."""
    return [
        ListedCandidate(entry["number"], _chinese(entry.get("name")), portrait)
        for entry, portrait in zip(entries, portraits, strict=True)
        if isinstance(entry.get("number"), int)
    ]


def _chinese(name: Any) -> str:
    return str(name.get("zh", "") if isinstance(name, dict) else name or "")


def assign_listed(files: CandidateFiles) -> tuple[Sequence[NamedPicture], Sequence[Fault]]:
    """Return the pictures of the candidates, and the faults of the files: one that is nobody's, and
    one that the list names but that is missing."""
    listed = files.listed
    resolved = assign_pictures(
        files.pictures or (), listed_people(listed.entries, listed.portraits)
    )
    numbers = [entry.get("number") for entry in listed.entries]
    faults = [
        Fault(
            str(listed.cell(("candidates", numbers.index(number), "portrait"))),
            "contests.candidate_list.picture_missing",
            name=name,
        )
        for number, name in resolved.missing.items()
    ]
    faults.extend(
        Fault(file.name, f"contests.candidate_list.rejected.{file.why}")
        for file in resolved.rejected
    )
    return [named_picture(picture) for picture in resolved.pictures], faults


def named_picture(picture: CandidatePicture) -> NamedPicture:
    """Return an assigned file as a picture of a contest file."""
    content = picture.file.content
    caption = None if picture.caption is None else Text(picture.caption, picture.caption)
    if isinstance(content, Path):
        return NamedPicture(picture.number, content, "", caption)
    return NamedPicture(picture.number, Path(picture.file.name), "", caption, content)
