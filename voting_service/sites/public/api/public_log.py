"""The files of the public logs under `/log`, and the durable receipt of a ballot."""

from __future__ import annotations

import asyncio
import re

from starlette.requests import Request
from starlette.responses import Response

from voting_service.contests.phases import is_published
from voting_service.errors import NotFound
from voting_service.infrastructure.postgres.pool import acquire
from voting_service.sites.public.api.reads import json_response
from voting_service.sites.public.state import PublicState
from voting_service.sites.shared.problem_documents import problem_response
from voting_service.voting.public_log.files import KEY, LogFiles, is_lasting
from voting_service.voting.public_log.receipt_proof import ReceiptProof
from voting_service.voting.public_log.repository import load_places

RETRY_SECONDS = 30
"""After so long the ballot may be in the log."""
_BALLOT_ID = re.compile(r"[0-9a-f]{32}")
_BINARY = ("tile/", "bundles/")
_HEADERS = {
    "content-security-policy": "default-src 'none'; sandbox",
    "x-content-type-options": "nosniff",
}


def _log_files(state: PublicState, slug: str) -> LogFiles:
    """Return the log of a contest. Raises NotFound before the contest is announced, and where
    there are no logs."""
    contest = state.contest_state(slug).contest
    folder = state.settings.log_folder
    if folder is None or not is_published(contest, state.clock()):
        raise NotFound("sites.public.api.no_such_log_file")
    return LogFiles(folder / slug)


async def log_file(request: Request) -> Response:
    """Return a file of a log. Raises NotFound."""
    state: PublicState = request.state.app_state
    files = _log_files(state, request.path_params["slug"])
    return await _file(request, files, request.path_params["path"])


async def log_key(request: Request) -> Response:
    """Return the verifier key of all logs, which a witness of all of them takes."""
    state: PublicState = request.state.app_state
    folder = state.settings.log_folder
    if folder is None:
        raise NotFound("sites.public.api.no_such_log_file")
    return await _file(request, LogFiles(folder), KEY)


async def _file(request: Request, files: LogFiles, path: str) -> Response:
    state: PublicState = request.state.app_state
    content = await asyncio.to_thread(files.read, path)
    if content is None:
        raise NotFound("sites.public.api.no_such_log_file")
    kept = "public, max-age=31536000, immutable" if is_lasting(path) else "no-cache"
    kind = "application/octet-stream" if path.startswith(_BINARY) else "text/plain; charset=utf-8"
    headers = {**_HEADERS, "cache-control": kept, "content-type": kind, "vary": "Origin"}
    if request.headers.get("origin") not in state.origins:  # those have a header of their own
        headers["access-control-allow-origin"] = "*"  # verifiers may run on any page
    return Response(content, 200, headers)


async def receipt_proof(request: Request) -> Response:
    """Return what shows that a ballot is in the log, without its choices. 404 with Retry-After for
    an id that is not in the log, or not yet."""
    state: PublicState = request.state.app_state
    contest = state.contest_state(request.path_params["slug"]).contest
    files = _log_files(state, contest.slug)
    proof = await _prove(state, contest.id, files, request.path_params["ballot"])
    if proof is None:
        response = problem_response(request, NotFound("sites.public.api.not_in_log"))
        response.headers["retry-after"] = str(RETRY_SECONDS)
        return response
    return json_response(proof, "public, max-age=60")


async def _prove(
    state: PublicState, contest_id: int, files: LogFiles, ballot: str
) -> ReceiptProof | None:
    if not _BALLOT_ID.fullmatch(ballot):
        return None
    ballot_id = bytes.fromhex(ballot)
    async with acquire(state.read_pool) as connection:
        places = await load_places(connection, contest_id, ballot_id)
    return await asyncio.to_thread(files.prove, ballot_id, places)
