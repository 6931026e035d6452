"""Forms with files, bounded in size, time and number.

The parser is Starlette's, on python-multipart. Files stay in memory: they are personal data and
are not written to disk unencrypted.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import NamedTuple

import msgspec
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from voting_service.errors import Fault, InputTooLarge, InvalidInput, MalformedInput
from voting_service.i18n.private_use import map_private_use
from voting_service.i18n.typed_numbers import is_wide_number, plain_number

MULTIPART = "multipart/form-data"
MAX_FIELDS = 100
MAX_FIELD_BYTES = 64 * 1024


class Upload(msgspec.Struct, frozen=True):
    """A file as sent. `name` may contain a person's name: it is neither stored nor logged."""

    name: str
    content: bytes


class Posted(msgspec.Struct, frozen=True):
    """The fields, each with all its values, and the chosen files, by field: `files` has one of
    each field, `all_files` every one."""

    fields: dict[str, list[str]]
    all_files: dict[str, list[Upload]]

    @property
    def files(self) -> dict[str, Upload]:
        return {field: uploads[-1] for field, uploads in self.all_files.items()}

    def field(self, name: str) -> str:
        """Return the value of a field that is there once; "" for any other."""
        values = self.fields.get(name, [])
        return values[0] if len(values) == 1 else ""

    def file(self, name: str) -> Upload:
        """Return the file of a field. Raises InvalidInput when none was chosen."""
        if name not in self.all_files:
            raise InvalidInput(Fault(name, "sites.shared.signed_in.no_file_chosen"))
        return self.files[name]


class Bounds(NamedTuple):
    """What a form may take: bytes of its body, seconds until it is here, and files."""

    bytes: int
    seconds: float
    files: int


def is_multipart(request: Request) -> bool:
    """Return whether a form is sent as one with files."""
    headers = request.headers
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    return media_type == MULTIPART and headers.get("content-encoding", "identity") == "identity"


async def read_multipart(request: Request, bounds: Bounds) -> Posted:
    """Return a multipart form. Raises InputTooLarge, and MalformedInput for what is no such form,
    is too slow or ends early."""
    parser = MultiPartParser(
        request.headers,
        _bounded(request, bounds.bytes),
        max_files=bounds.files,
        max_fields=MAX_FIELDS,
        max_part_size=MAX_FIELD_BYTES,
    )
    parser.spool_max_size = bounds.bytes
    try:
        async with asyncio.timeout(bounds.seconds):
            form = await parser.parse()
    except TimeoutError:
        raise MalformedInput(Fault("", "sites.shared.signed_in.form_too_slow")) from None
    except ClientDisconnect:
        raise MalformedInput(Fault("", "sites.shared.signed_in.form_incomplete")) from None
    except MultiPartException:
        # Not its words: they may quote what was sent.
        raise MalformedInput(Fault("", "sites.shared.signed_in.unknown_form")) from None
    fields: dict[str, list[str]] = {}
    files: dict[str, list[Upload]] = {}
    try:
        for name, value in form.multi_items():
            if not isinstance(value, UploadFile):
                fields.setdefault(name, []).append(field_text(value))
            elif value.filename:  # a browser sends the field without a name where none was chosen
                files.setdefault(name, []).append(Upload(value.filename, await value.read()))
    finally:
        await form.close()
    return Posted(fields, files)


def field_text(value: str) -> str:
    """Return a field's value with plain line ends and today's code points; a number, date or time
    that was typed in full width in plain digits. Raises MalformedInput."""
    if "\0" in value:
        raise MalformedInput(Fault("", "sites.shared.signed_in.zero_byte"))
    # A browser ends the lines of a text area with both characters (HTML, form submission).
    plain = map_private_use(value.replace("\r\n", "\n"))
    return plain_number(plain) if is_wide_number(plain) else plain


async def _bounded(request: Request, max_bytes: int) -> AsyncGenerator[bytes, None]:
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > max_bytes:
            raise InputTooLarge(max_bytes)
        yield part
