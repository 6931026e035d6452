"""A download with two audit log entries.

The first is written before the first byte, the second before the last: a complete file is in the
audit log with its hash. A started export without a second entry means that the process died.
When the client disconnects, the query is cancelled.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from hashlib import sha256
from secrets import token_hex
from typing import Any, TypeAlias

import structlog
from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from voting_service.errors import Unavailable, VotingError
from voting_service.infrastructure.postgres.pool import Connection
from voting_service.infrastructure.tasks import end_tasks
from voting_service.sites.shared.downloads import content_disposition
from voting_service.sites.shared.signed_in.rendering import PAGE_HEADERS
from voting_service.sites.shared.signed_in.state import StaffState
from voting_service.staff.audit_log.service import record_export

STATEMENT_SECONDS = 600.0
WHOLE_SECONDS = 1800.0
"""A slow client must not hold one of the few long connections for longer."""
PIECE_BYTES = 64 * 1024

log = structlog.get_logger(__name__)


class DownloadProgress:
    """How much has been sent."""

    def __init__(self) -> None:
        self.rows: int | None = None
        self.bytes = 0
        self._hashed = sha256()

    def saw_rows(self, count: int) -> None:
        self.rows = (self.rows or 0) + count

    def add(self, piece: bytes) -> None:
        self.bytes += len(piece)
        self._hashed.update(piece)

    def facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = {"bytes": self.bytes, "sha256": self._hashed.hexdigest()}
        return facts if self.rows is None else {"rows": self.rows, **facts}


Pieces: TypeAlias = Callable[[Connection, DownloadProgress], AsyncGenerator[bytes, None]]


class RecordedDownload(Response):
    """A response that streams `pieces` over a long connection of its own, as `file_name`, which the
    audit log names; `shown_name` is what a browser saves it as."""

    def __init__(
        self,
        state: StaffState,
        *,
        actor: str,
        contest: str,
        file_name: str,
        shown_name: str,
        media_type: str,
        details: Mapping[str, Any],
        pieces: Pieces,
    ) -> None:
        super().__init__(
            headers={**PAGE_HEADERS, "content-disposition": content_disposition(shown_name)},
            media_type=media_type,
        )
        del self.headers["content-length"]
        self._state = state
        self._actor = actor
        self._contest = contest
        self._file_name = file_name
        self._details = {**details, "export": token_hex(8)}
        self._pieces = pieces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file. Raises Unavailable before the first byte when too many long tasks run. A
        later failure closes the connection, so that a part is not mistaken for the whole."""
        if scope["method"] == "HEAD":
            await self._start(send)
            await send({"type": "http.response.body", "body": b""})
            return
        progress, ending = DownloadProgress(), "broken off"
        async with self._state.long_connection(STATEMENT_SECONDS) as connection:
            await self._record("begun", {})
            sending = asyncio.create_task(self._send(connection, progress, send))
            leaving = asyncio.create_task(_until_gone(receive))
            try:
                await asyncio.wait(
                    {sending, leaving},
                    timeout=WHOLE_SECONDS,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if sending.done():
                    ending = "failed" if sending.exception() else "completed"
            finally:
                gone = leaving.done()
                await end_tasks([sending, leaving])
                if ending != "completed":
                    await asyncio.shield(self._record(ending, progress.facts()))
        if ending == "completed":
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        elif not gone:
            raise _cause(sending) from None

    async def _send(self, connection: Connection, progress: DownloadProgress, send: Send) -> None:
        await self._start(send)
        async with aclosing(self._pieces(connection, progress)) as pieces:
            waiting = bytearray()
            async for piece in pieces:
                waiting += piece
                if len(waiting) >= PIECE_BYTES:
                    await _pass_on(waiting, progress, send)
            await _pass_on(waiting, progress, send)
        await self._record("completed", progress.facts())

    async def _start(self, send: Send) -> None:
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": MutableHeaders(raw=self.raw_headers).raw,
            }
        )

    async def _record(self, state: str, facts: Mapping[str, Any]) -> None:
        async with self._state.connection() as connection:
            await record_export(
                connection,
                self._actor,
                self._contest,
                self._file_name,
                {**self._details, "state": state, **facts},
            )


async def _pass_on(waiting: bytearray, progress: DownloadProgress, send: Send) -> None:
    piece = bytes(waiting)
    waiting.clear()
    progress.add(piece)
    await send({"type": "http.response.body", "body": piece, "more_body": True})


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _cause(sending: asyncio.Task[None]) -> BaseException:
    """Return why a download ended early: its own error, or the timeout."""
    if not sending.cancelled() and (error := sending.exception()):
        if isinstance(error, VotingError):
            log.warning("export_failed", reason=str(error))
        return error
    return Unavailable("sites.console.exports.too_slow")
