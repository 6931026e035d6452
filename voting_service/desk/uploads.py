"""Form posts with files: from our own pages only, bounded in size, time and number.

The parser is Starlette's, on python-multipart. Files stay in memory: what officers send is
personal, and is written nowhere before it is sealed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from weakref import WeakValueDictionary

import msgspec
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from voting_service.desk.access import find_visitor
from voting_service.desk.forms import field_text, take_mark
from voting_service.desk.state import desk_of
from voting_service.errors import (
    Fault,
    InputTooLarge,
    MalformedInput,
    Unavailable,
    UnsupportedMedia,
)
from voting_service.web.bodies import BODY_TIMEOUT_SECONDS
from voting_service.web.same_origin import refuse_cross_site
from voting_service.web.slow_clients import MAX_UPLOAD_BYTES, UPLOAD_SECONDS

MAX_BODY_BYTES = MAX_UPLOAD_BYTES - 64 * 1024
"""Less than what ends the connection, so that whoever sends too much is told."""
MAX_FILES = 2
MAX_FIELDS = 100
MAX_FIELD_BYTES = 64 * 1024
MAX_TYPED_BYTES = 512 * 1024
"""Of a form that is kept while somebody types; its files are not sent along."""
AT_ONCE = 8
AT_ONCE_EACH = 2
"""Of one account: whoever sends slowly does not keep every colleague from sending."""
WAIT_SECONDS = 20.0
"""How long one more waits for its turn."""
_MEDIA_TYPE = "multipart/form-data"
_turns = asyncio.Semaphore(AT_ONCE)
_own_turns: WeakValueDictionary[int, asyncio.Semaphore] = WeakValueDictionary()


class Upload(msgspec.Struct, frozen=True):
    """A file as it was sent. `name` may hold a person's: it is neither kept nor logged."""

    name: str
    content: bytes


class Posted(msgspec.Struct, frozen=True):
    """The fields, each with all its values, and the files that were chosen, by field."""

    fields: dict[str, list[str]]
    files: dict[str, Upload]


async def read_upload(request: Request) -> Posted:
    """A multipart post, without the session's mark.

    Raises SentFromElsewhere as `forms.read_form_lists` does, InputTooLarge, UnsupportedMedia,
    MalformedInput, and Unavailable when no turn comes up.
    """
    _refuse_what_is_no_form(request)
    async with _turn(request):
        posted = await _parse(request, MAX_BODY_BYTES, UPLOAD_SECONDS)
    await take_mark(request, posted.fields)
    return posted


async def read_typed(request: Request) -> dict[str, list[str]]:
    """The fields of a small multipart post, which waits for nobody's files. Raises as
    `read_upload` does, but for Unavailable."""
    _refuse_what_is_no_form(request)
    posted = await _parse(request, MAX_TYPED_BYTES, BODY_TIMEOUT_SECONDS)
    await take_mark(request, posted.fields)
    return posted.fields


def _refuse_what_is_no_form(request: Request) -> None:
    refuse_cross_site(request, desk_of(request).settings.office_url)
    headers = request.headers
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != _MEDIA_TYPE or headers.get("content-encoding", "identity") != "identity":
        raise UnsupportedMedia(f"send the form as {_MEDIA_TYPE}, as it is")


@asynccontextmanager
async def _turn(request: Request) -> AsyncGenerator[None, None]:
    visitor = await find_visitor(request)
    who = visitor.account.id if visitor is not None else 0
    own = _own_turns.setdefault(who, asyncio.Semaphore(AT_ONCE_EACH))
    async with AsyncExitStack() as turns:
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await turns.enter_async_context(own)
                await turns.enter_async_context(_turns)
        except TimeoutError:
            raise Unavailable("several files are being sent; try again in a moment", 5) from None
        yield


async def _parse(request: Request, max_bytes: int, seconds: float) -> Posted:
    parser = MultiPartParser(
        request.headers,
        _bounded(request, max_bytes),
        max_files=MAX_FILES,
        max_fields=MAX_FIELDS,
        max_part_size=MAX_FIELD_BYTES,
    )
    parser.spool_max_size = max_bytes
    try:
        async with asyncio.timeout(seconds):
            form = await parser.parse()
    except TimeoutError:
        raise MalformedInput(Fault("", "the form did not arrive in time")) from None
    except ClientDisconnect:
        raise MalformedInput(Fault("", "the form ended early")) from None
    except MultiPartException:
        # Not its words: they may quote what was sent.
        raise MalformedInput(
            Fault("", "this is no form of ours; load the page anew and send it again")
        ) from None
    fields: dict[str, list[str]] = {}
    files: dict[str, Upload] = {}
    try:
        for name, value in form.multi_items():
            if not isinstance(value, UploadFile):
                fields.setdefault(name, []).append(field_text(value))
            elif value.filename:  # a browser sends the field without a name where none was chosen
                files[name] = Upload(value.filename, await value.read())
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
