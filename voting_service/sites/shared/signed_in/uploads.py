"""Forms with files: checked for CSRF, bounded in size, time and number.

Read by sites/shared/multipart.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import chain
from weakref import WeakValueDictionary

from starlette.requests import Request

from voting_service.errors import (
    Unavailable,
    UnsupportedMedia,
)
from voting_service.infrastructure.images.model import SUFFIXES
from voting_service.sites.shared.multipart import (
    MULTIPART,
    Bounds,
    Posted,
    is_multipart,
    read_multipart,
)
from voting_service.sites.shared.request_bodies import BODY_TIMEOUT_SECONDS
from voting_service.sites.shared.same_origin import refuse_cross_site
from voting_service.sites.shared.signed_in.access import find_current_user
from voting_service.sites.shared.signed_in.forms import check_csrf_token
from voting_service.sites.shared.signed_in.state import get_state
from voting_service.sites.shared.slow_clients import MAX_UPLOAD_BYTES, UPLOAD_SECONDS

MAX_BODY_BYTES = MAX_UPLOAD_BYTES - 64 * 1024
"""Below the size at which the connection is closed, so that the client gets an answer."""
PICTURE_TYPES = ",".join(sorted(chain.from_iterable(SUFFIXES.values())))
"""What the browser's file dialogue offers for a picture."""
MAX_FILES = 2
MAX_REFUSED_FILES = 50
MAX_TYPED_BYTES = 512 * 1024
"""The limit for a form that is saved while the user types, without its files."""
AT_ONCE = 8
AT_ONCE_EACH = 2
"""Uploads at once per account, so that slow uploads of one do not block the others."""
WAIT_SECONDS = 20.0
"""How long a further upload waits."""
ENCODING_WAIT_SECONDS = 60.0
"""How long an upload of pictures waits for another one."""
_turns = asyncio.Semaphore(AT_ONCE)
_encoding = asyncio.Semaphore(1)
_own_turns: WeakValueDictionary[int, asyncio.Semaphore] = WeakValueDictionary()


async def read_upload(request: Request, *, max_files: int = MAX_FILES) -> Posted:
    """Return a multipart form of at most `max_files` files, without the CSRF token.

    Raises as `forms.read_form_lists`; also InputTooLarge, UnsupportedMedia, MalformedInput, and
    Unavailable when too many uploads are running.
    """
    _refuse_what_is_no_form(request)
    async with _turn(request):
        bounds = Bounds(MAX_BODY_BYTES, UPLOAD_SECONDS, max_files)
        posted = await read_multipart(request, bounds)
    await check_csrf_token(request, posted.fields)
    # Of a form that is shown again (rendering.py).
    request.state.lost_files = sorted(posted.all_files)
    return posted


async def read_typed(request: Request) -> dict[str, list[str]]:
    """Return the fields of a small multipart form, without waiting for uploads of files. Raises as
    `read_upload`, except Unavailable."""
    _refuse_what_is_no_form(request)
    bounds = Bounds(MAX_TYPED_BYTES, BODY_TIMEOUT_SECONDS, MAX_FILES)
    posted = await read_multipart(request, bounds)
    await check_csrf_token(request, posted.fields)
    return posted.fields


async def read_refused_upload(request: Request) -> Posted:
    """Return a multipart form of somebody who may not be signed in, for what was typed. All who
    are not signed in have the turns of one account. Raises as `read_upload`."""
    _refuse_what_is_no_form(request)
    async with _turn(request):
        bounds = Bounds(MAX_BODY_BYTES, UPLOAD_SECONDS, MAX_REFUSED_FILES)
        return await read_multipart(request, bounds)


def _refuse_what_is_no_form(request: Request) -> None:
    refuse_cross_site(request, get_state(request).settings.staff_url)
    if not is_multipart(request):
        raise UnsupportedMedia("sites.shared.form_media_type", media_type=MULTIPART)


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
