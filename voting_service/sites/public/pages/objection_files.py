"""The files that citizens attach to an objection: read, examined and joined to one PDF.

They are examined as evidence is, in a process without rights (nomination/files/isolation.py). A
worker of the vote reads and examines few at a time, so that nobody's files can take its memory or
its processors; who waits too long is asked to send again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from weakref import WeakValueDictionary

from starlette.requests import Request

from voting_service.contests.objections.model import ATTACHMENT_BYTES, ATTACHMENT_FILES, LIMITS
from voting_service.errors import Fault, InvalidInput, busy
from voting_service.nomination.files.isolation import examine_isolated, examine_queued
from voting_service.nomination.files.kinds import file_kind
from voting_service.nomination.files.model import ExaminationTask, UploadedFile
from voting_service.nomination.files.rejections import FileRejected, RejectionReason
from voting_service.sites.shared.multipart import Bounds, Posted, Upload, read_multipart
from voting_service.sites.shared.request_bodies import BODY_TIMEOUT_SECONDS
from voting_service.sites.shared.slow_clients import OBJECTION_SECONDS

FILES = "attachments"
ACCEPTED = ".pdf,.jpg,.jpeg,.png,.heic,.webp"
SMALL_BYTES = 64 * 1024
"""What a form without files fits into; it waits for nobody."""
MAX_BYTES = 16 * 2**20
"""Three photographs. More is refused at once and read to no memory."""
AT_ONCE = 4
WAIT_SECONDS = 20.0
_turns = asyncio.Semaphore(AT_ONCE)
_own_turns: WeakValueDictionary[bytes, asyncio.Semaphore] = WeakValueDictionary()
_SMALL = Bounds(SMALL_BYTES, BODY_TIMEOUT_SECONDS, ATTACHMENT_FILES + 1)
_LARGE = Bounds(MAX_BYTES, OBJECTION_SECONDS, ATTACHMENT_FILES + 1)


@asynccontextmanager
async def turn(request: Request, sender: bytes) -> AsyncGenerator[None, None]:
    """Let few objections with files be read at a time, one of each network. Raises Unavailable."""
    async with AsyncExitStack() as turns:
        if not _is_small(request):
            own = _own_turns.setdefault(sender, asyncio.Semaphore(1))
            try:
                async with asyncio.timeout(WAIT_SECONDS):
                    await turns.enter_async_context(own)
                    await turns.enter_async_context(_turns)
            except TimeoutError:
                raise busy() from None
        yield


def _is_small(request: Request) -> bool:
    length = request.headers.get("content-length", "")
    return length.isdecimal() and int(length) <= SMALL_BYTES


async def read_form(request: Request) -> Posted:
    """Return the form with its files. Raises as `read_multipart`, and InvalidInput for fields that
    it does not have."""
    posted = await read_multipart(request, _SMALL if _is_small(request) else _LARGE)
    # Some clients send the empty field of files as a text.
    typed = {name for name, texts in posted.fields.items() if name != FILES or any(texts)}
    if typed - LIMITS.keys() or posted.all_files.keys() - {FILES}:
        raise InvalidInput(Fault("", "sites.public.pages.unknown_field"))
    return posted


async def examine(files: Sequence[Upload]) -> bytes:
    """Return the files as one PDF. Raises InvalidInput for the field of the files, and Unavailable
    when too many are being examined."""
    if len(files) > ATTACHMENT_FILES:
        raise FileRejected(RejectionReason.TOO_MANY_FILES, FILES, limit=ATTACHMENT_FILES)
    if any(file_kind(file.content) == "word" for file in files):
        raise InvalidInput(Fault(FILES, "sites.public.pages.no_word_files"))
    uploaded = [UploadedFile(file.name, file.content) for file in files]
    task = ExaminationTask(tuple(uploaded))
    joined = await examine_queued(examine_isolated, "evidence", task, FILES)
    if len(joined.content) > ATTACHMENT_BYTES:
        raise FileRejected(RejectionReason.TOO_LARGE, FILES, limit=ATTACHMENT_BYTES // 2**20)
    return joined.content
