"""Many recommendations at once: a list, or a ZIP with the list and the files that its rows name.

Everything is looked at before anything is stored: each file is examined as one that is chosen on a
page, and either every row becomes a draft with its files, or none does.
"""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from voting_service.errors import Fault, InvalidInput
from voting_service.infrastructure.zip_files import PackedFile, ZipLimits, unpack_zip
from voting_service.nomination.actor import SelectionActor
from voting_service.nomination.files.model import MAX_FILE_BYTES, UploadedFile
from voting_service.nomination.files.rejections import FileRejected
from voting_service.nomination.form.model import RecommendationForm
from voting_service.nomination.form.notes import notes
from voting_service.nomination.form.validation import FormRules, draft_faults
from voting_service.nomination.model import RecommendingBody, Slot
from voting_service.nomination.recommendations.file_intake import examine_upload
from voting_service.nomination.recommendations.model import MAX_DRAFTS, File
from voting_service.nomination.recommendations.service import attach_file, create_draft
from voting_service.sites.nomination.recommendations.form_list import (
    ListedRecommendation,
    read_form_list,
)
from voting_service.sites.nomination.recommendations.form_steps import page_field
from voting_service.sites.shared.multipart import Upload

LIMITS = ZipLimits(files=8 * MAX_DRAFTS, unpacked_bytes=128 * 2**20, file_bytes=MAX_FILE_BYTES + 1)
LIST_TYPES = frozenset({".xlsx", ".csv", ".txt"})
EXAMINATION_SECONDS = 240.0
"""How long all files of a list may take together."""


class PreparedPerson(NamedTuple):
    """A row as it would be stored; `faults` and `notes` are about its fields and slots."""

    row: int
    form: RecommendationForm
    files: Mapping[Slot, File]
    faults: tuple[Fault, ...]
    notes: tuple[Fault, ...]


class PreparedList(NamedTuple):
    """The rows of a list, and the files that no row names."""

    people: Sequence[PreparedPerson]
    unused: Sequence[str]


async def prepare_list(upload: Upload, actor: SelectionActor) -> PreparedList:
    """Read a list and examine its files. Raises InvalidInput for what is no list, and when the
    files take too long."""
    content, files = await asyncio.to_thread(_unpack, upload)
    listed = await asyncio.to_thread(read_form_list, content, actor.selection.rules)
    used: set[str] = set()
    people: list[PreparedPerson] = []
    try:
        async with asyncio.timeout(EXAMINATION_SECONDS):
            for person in listed:
                examined, rejected = await _examine(person, files, used)
                faults = (*person.faults, *rejected, *_twice(person, listed))
                people.append(_prepared(person, examined, faults, actor))
    except TimeoutError:
        code = "sites.nomination.recommendations.list_takes_too_long"
        raise InvalidInput(Fault("list", code)) from None
    return PreparedList(people, sorted(name for name in files if name not in used))


def _prepared(
    person: ListedRecommendation,
    files: Mapping[Slot, File],
    faults: tuple[Fault, ...],
    actor: SelectionActor,
) -> PreparedPerson:
    form, rules = person.form, FormRules(actor.selection.rules.industries)
    pages = files["evidence"].pages if "evidence" in files else None
    wrong = draft_faults(form, rules, evidence_pages=pages, today=actor.today)
    faults += tuple(fault.at(page_field(fault, form)) for fault in wrong)
    is_coarse = "photo" in files and files["photo"].is_coarse
    form_notes = notes(form, has_coarse_photo=is_coarse)
    return PreparedPerson(person.row, form, files, faults, form_notes)


def _unpack(upload: Upload) -> tuple[bytes, Mapping[str, PackedFile]]:
    """Return the list, and the files beside it by their plain name. Raises InvalidInput."""
    if not upload.name.lower().endswith(".zip"):
        return upload.content, {}
    packed = unpack_zip(upload.content, LIMITS)
    lists = [file for file in packed if PurePosixPath(file.name).suffix.lower() in LIST_TYPES]
    if len(lists) != 1:
        code = "sites.nomination.recommendations.one_list_in_zip"
        raise InvalidInput(Fault("list", code, count=len(lists)))
    files: dict[str, PackedFile] = {}
    for file in packed:
        if file is not lists[0] and files.setdefault(_plain(file.name), file) is not file:
            code = "sites.nomination.recommendations.file_name_twice"
            raise InvalidInput(Fault("list", code, name=_base(file.name)))
    return lists[0].content, files


async def _examine(
    person: ListedRecommendation, files: Mapping[str, PackedFile], used: set[str]
) -> tuple[dict[Slot, File], list[Fault]]:
    examined: dict[Slot, File] = {}
    rejected: list[Fault] = []
    for slot, name in person.files.items():
        key = _plain(name)
        packed = files.get(key)
        if packed is None:
            code = "sites.nomination.recommendations.file_not_in_zip"
            rejected.append(Fault(slot, code, name=name))
            continue
        used.add(key)
        try:
            upload = UploadedFile(_base(packed.name), packed.content)
            examined[slot] = await examine_upload(slot, [upload])
        except FileRejected as error:
            rejected.extend(error.faults)
    return examined, rejected


def _twice(person: ListedRecommendation, listed: Sequence[ListedRecommendation]) -> Sequence[Fault]:
    """Return a fault where an earlier row has the same ID number."""
    number = _plain(person.form.id_number)
    for other in listed:
        if other.row < person.row and number and _plain(other.form.id_number) == number:
            code = "sites.nomination.recommendations.same_person_in_row"
            return [Fault("id_number", code, row=other.row)]
    return []


def _base(name: str) -> str:
    return PurePosixPath(name.replace("\\", "/")).name


def _plain(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", _base(name)).casefold().split())


async def create_drafts(
    actor: SelectionActor, body: RecommendingBody, prepared: PreparedList
) -> Sequence[int]:
    """Create a draft of each row with its files, and return their numbers. Raises Refused when the
    body would have more than MAX_DRAFTS; nothing is stored then."""
    numbers: list[int] = []
    async with actor.connection.transaction():
        for person in prepared.people:
            number = await create_draft(actor, body, person.form)
            for slot, file in person.files.items():
                await attach_file(actor, number, slot, file)
            numbers.append(number)
    return numbers
