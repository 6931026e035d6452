"""`GET …/standings/events`: the standings as server-sent events, at most one a second.

One prepared message goes to every reader; a reader costs one coroutine waiting for the next.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from voting_service import metrics
from voting_service.errors import Unavailable
from voting_service.public.worker import Worker
from voting_service.tally.standings import Board
from voting_service.web.problems import problem_response

MAX_READERS = 20_000
"""Open streams a worker; beyond it a reader is asked to poll, which the pages do anyway."""
HEARTBEAT_SECONDS = 15.0
"""Proxies cut silent connections; a comment line keeps them open."""


async def standings_events(request: Request) -> Response:
    """A stream that begins with the standings of now."""
    worker: Worker = request.state.worker
    board = worker.published_desk(request.path_params["slug"]).board
    board.shown()
    if worker.standings_readers >= MAX_READERS:
        return problem_response(request, Unavailable("too many readers; poll the standings", 5))
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    if request.method == "HEAD":
        return Response(None, 200, headers, media_type="text/event-stream")
    return StreamingResponse(
        _messages(worker, board), headers=headers, media_type="text/event-stream"
    )


async def _messages(worker: Worker, board: Board) -> AsyncIterator[bytes]:
    worker.standings_readers += 1
    metrics.STANDINGS_READERS.set(worker.standings_readers)
    closing = asyncio.ensure_future(worker.closing.wait())
    changed = asyncio.ensure_future(board.changed())
    try:
        yield b"retry: 3000\n\n"
        while not closing.done():
            changed.cancel()
            changed = asyncio.ensure_future(board.changed())
            await asyncio.sleep(0)  # it waits from here on, so no change falls in between
            try:
                shown = board.shown()
            except Unavailable:  # withdrawn; asking again gets the reason
                return
            yield b"event: standings\ndata: " + shown.body + b"\n\n"
            while not changed.done() and not closing.done():
                done, _ = await asyncio.wait(
                    {changed, closing},
                    timeout=HEARTBEAT_SECONDS,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if not done:
                    yield b": still here\n\n"
    finally:
        closing.cancel()
        changed.cancel()
        worker.standings_readers -= 1
        metrics.STANDINGS_READERS.set(worker.standings_readers)
