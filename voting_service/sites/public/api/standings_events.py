"""`GET …/standings/events`: the standings as server-sent events, at most one a second.

All readers get the same prepared message; each reader costs one waiting coroutine.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from voting_service.errors import Unavailable
from voting_service.sites.public.state import PublicState
from voting_service.sites.shared.problem_documents import problem_response
from voting_service.voting import metrics
from voting_service.voting.tally.standings import StandingsCache

MAX_READERS = 20_000
"""Maximum of open streams per worker. Further readers get 503; the pages then poll."""
HEARTBEAT_SECONDS = 15.0
"""Interval of comment lines, which keep proxies from closing silent connections."""


async def standings_events(request: Request) -> Response:
    """Return a stream that begins with the current standings."""
    state: PublicState = request.state.app_state
    standings_cache = state.published_contest_state(request.path_params["slug"]).standings_cache
    standings_cache.shown()
    if state.standings_readers >= MAX_READERS:
        return problem_response(
            request,
            Unavailable("sites.public.api.too_many_event_readers", retry_after_seconds=5),
        )
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    if request.method == "HEAD":
        return Response(None, 200, headers, media_type="text/event-stream")
    return StreamingResponse(
        _messages(state, standings_cache), headers=headers, media_type="text/event-stream"
    )


async def _messages(state: PublicState, standings_cache: StandingsCache) -> AsyncIterator[bytes]:
    state.standings_readers += 1
    metrics.STANDINGS_READERS.set(state.standings_readers)
    closing = asyncio.ensure_future(state.closing.wait())
    changed = asyncio.ensure_future(standings_cache.changed())
    try:
        yield b"retry: 3000\n\n"
        while not closing.done():
            changed.cancel()
            changed = asyncio.ensure_future(standings_cache.changed())
            await asyncio.sleep(
                0
            )  # start waiting before the standings are read, so that no change is missed
            try:
                shown = standings_cache.shown()
            except Unavailable:  # the next request gets the reason
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
        state.standings_readers -= 1
        metrics.STANDINGS_READERS.set(state.standings_readers)
