"""The public log: its files, and the proof of a ballot."""

from __future__ import annotations

import asyncio
import re

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from voting_service.errors import NotFound, NotYet
from voting_service.infrastructure.postgres.pool import acquire
from voting_service.sites.public.api.reads import find_ballot
from voting_service.sites.public.state import PublicState
from voting_service.voting.public_log.files import KEY, LogFiles, is_lasting
from voting_service.voting.public_log.repository import load_place

_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_FOR_EVER = "public, max-age=31536000, immutable"
_ANYWHERE = {"access-control-allow-origin": "*"}
"""Any page may read the log and check it."""
_TEXT, _BYTES = "text/plain; charset=utf-8", "application/octet-stream"
PROOF_RETRY_SECONDS = 10


def log_file(request: Request) -> Response:
    """Return a file of a contest's log; what never changes may be kept for ever."""
    slug, path = request.path_params["slug"], request.path_params["path"]
    return _file(request, slug if _SLUG.fullmatch(slug) else None, path)


def log_key(request: Request) -> Response:
    """Return the verifier key of all logs."""
    return _file(request, "", KEY)


def _file(request: Request, below: str | None, path: str) -> Response:
    state: PublicState = request.state.app_state
    folder = state.settings.log_folder
    content = None
    if folder is not None and below is not None:
        content = LogFiles(folder / below).read(path)
    if content is None:
        raise NotFound("sites.public.api.no_such_log_file")
    cache_control, media_type = (_FOR_EVER, _BYTES) if is_lasting(path) else ("no-cache", _TEXT)
    headers = {"cache-control": cache_control, **_ANYWHERE}
    return Response(content, headers=headers, media_type=media_type)


async def receipt_proof(request: Request) -> Response:
    """Return the durable receipt of a ballot: what proves, without this service, that it is in the
    public log. Never a choice. Raises NotYet until it is in the log."""
    state: PublicState = request.state.app_state
    contest = state.contest_state(request.path_params["slug"]).contest
    ballot: str = request.path_params["ballot"]
    await find_ballot(state, contest, ballot)
    folder = state.settings.log_folder
    if folder is None:
        raise NotFound("sites.public.api.no_public_log")
    ballot_id = bytes.fromhex(ballot)
    async with acquire(state.read_pool) as connection:
        place = await load_place(connection, contest.id, ballot_id)
    files = LogFiles(folder / contest.slug)
    proof = None if place is None else await asyncio.to_thread(files.prove, ballot_id, place)
    if proof is None:
        raise NotYet("sites.public.api.not_in_log_yet", retry_after_seconds=PROOF_RETRY_SECONDS)
    return Response(
        msgspec.json.encode(proof),
        headers={"cache-control": "public, max-age=60", **_ANYWHERE},
        media_type="application/json",
    )
