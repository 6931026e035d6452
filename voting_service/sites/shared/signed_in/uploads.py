"""Forms with files: checked for CSRF, bounded in size, time and number.

The parser is Starlette's, on python-multipart. Files stay in memory: they are personal data and
are not written to disk unencrypted.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import chain
from weakref import WeakValueDictionary

import msgspec
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from voting_service.errors import (
    Fault,
    InputTooLarge,
    InvalidInput,
    MalformedInput,
    Unavailable,
    UnsupportedMedia,
)
from voting_service.infrastructure.images.model import SUFFIXES
from voting_service.sites.shared.request_bodies import BODY_TIMEOUT_SECONDS
from voting_service.sites.shared.same_origin import refuse_cross_site
from voting_service.sites.shared.signed_in.access import find_current_user
from voting_service.sites.shared.signed_in.forms import check_csrf_token, field_text
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.sites.shared.slow_clients import MAX_UPLOAD_BYTES, UPLOAD_SECONDS

MAX_BODY_BYTES = MAX_UPLOAD_BYTES - 64 * 1024
"""Below the size at which the connection is closed, so that the client gets an answer."""
PICTURE_TYPES = ",".join(sorted(chain.from_iterable(SUFFIXES.values())))
"""What the browser's file dialogue offers for a picture."""
MAX_FILES = 2
MAX_REFUSED_FILES = 50
MAX_FIELDS = 100
MAX_FIELD_BYTES = 64 * 1024
MAX_TYPED_BYTES = 512 * 1024
"""The limit for a form that is saved while the user types, without its files."""
AT_ONCE = 8
AT_ONCE_EACH = 2
"""Uploads at once per account, so that slow uploads of one do not block the others."""
WAIT_SECONDS = 20.0
"""How long a further upload waits."""
_MEDIA_TYPE = "multipart/form-data"
ENCODING_WAIT_SECONDS = 60.0
"""How long an upload of pictures waits for another one."""
_turns = asyncio.Semaphore(AT_ONCE)
_encoding = asyncio.Semaphore(1)
_own_turns: WeakValueDictionary[int, asyncio.Semaphore] = WeakValueDictionary()


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


async def read_upload(request: Request, *, max_files: int = MAX_FILES) -> Posted:
    """Return a multipart form of at most `max_files` files, without the CSRF token.

    Raises as `forms.read_form_lists`; also InputTooLarge, UnsupportedMedia, MalformedInput, and
    Unavailable when too many uploads are running.
    """
    _refuse_what_is_no_form(request)
    async with _turn(request):
        posted = await _parse(request, MAX_BODY_BYTES, UPLOAD_SECONDS, max_files)
    await check_csrf_token(request, posted.fields)
    return posted


async def read_typed(request: Request) -> dict[str, list[str]]:
    """Return the fields of a small multipart form, without waiting for uploads of files. Raises as
    `read_upload`, except Unavailable."""
    _refuse_what_is_no_form(request)
    posted = await _parse(request, MAX_TYPED_BYTES, BODY_TIMEOUT_SECONDS)
    await check_csrf_token(request, posted.fields)
    return posted.fields


def is_upload(request: Request) -> bool:
    """Return whether a form is sent as one with files."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return media_type == _MEDIA_TYPE


async def read_refused_upload(request: Request) -> Posted:
    """Return a multipart form of somebody who may not be signed in, for what was typed. All who
    are not signed in have the turns of one account. Raises as `read_upload`."""
    _refuse_what_is_no_form(request)
    async with _turn(request):
        return await _parse(request, MAX_BODY_BYTES, UPLOAD_SECONDS, MAX_REFUSED_FILES)


def _refuse_what_is_no_form(request: Request) -> None:
    refuse_cross_site(request, get_state(request).settings.staff_url)
    headers = request.headers
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != _MEDIA_TYPE or headers.get("content-encoding", "identity") != "identity":
        raise UnsupportedMedia("sites.shared.signed_in.form_media_type", media_type=_MEDIA_TYPE)


@asynccontextmanager
async def _turn(request: Request) -> AsyncGenerator[None, None]:
    user = await find_current_user(request)
    who = user.account.id if user is not None else 0
    own = _own_turns.setdefault(who, asyncio.Semaphore(AT_ONCE_EACH))
    async with AsyncExitStack() as turns:
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await turns.enter_async_context(own)
                await turns.enter_async_context(_turns)
        except TimeoutError:
            raise Unavailable(
                "sites.shared.signed_in.too_many_uploads", retry_after_seconds=5
            ) from None
        yield


@asynccontextmanager
async def encoding_turn() -> AsyncGenerator[None, None]:
    """Let one upload be unpacked and encoded at a time: it takes every processor. Raises
    Unavailable."""
    try:
        async with asyncio.timeout(ENCODING_WAIT_SECONDS):
            await _encoding.acquire()
    except TimeoutError:
        raise Unavailable(
            "sites.shared.signed_in.too_many_uploads", retry_after_seconds=30
        ) from None
    try:
        yield
    finally:
        _encoding.release()


async def _parse(
    request: Request, max_bytes: int, seconds: float, max_files: int = MAX_FILES
) -> Posted:
    parser = MultiPartParser(
        request.headers,
        _bounded(request, max_bytes),
        max_files=max_files,
        max_fields=MAX_FIELDS,
        max_part_size=MAX_FIELD_BYTES,
    )
    parser.spool_max_size = max_bytes
    try:
        async with asyncio.timeout(seconds):
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


async def _bounded(request: Request, max_bytes: int) -> AsyncGenerator[bytes, None]:
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > max_bytes:
            raise InputTooLarge(max_bytes)
        yield part
