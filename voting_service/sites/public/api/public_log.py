"""The public log: its files, and the proof of a ballot."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from voting_service.errors import NotFound, NotYet
from voting_service.infrastructure.postgres.pool import acquire
from voting_service.infrastructure.transparency_log.tiles import read_tile_path
from voting_service.sites.public.api.reads import find_ballot
from voting_service.sites.public.state import PublicState
from voting_service.voting.public_log.repository import load_place
from voting_service.voting.public_log.service import KEY, prove_ballot

_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LASTING = re.compile(r"bundles/[1-9][0-9]{0,8}|documents/[0-9a-f]{64}")
_TEXTS = ("checkpoint", "key")
_FOR_EVER = "public, max-age=31536000, immutable"
_ANYWHERE = {"access-control-allow-origin": "*"}
"""Any page may read the log and check it."""
PROOF_RETRY_SECONDS = 10


def log_file(request: Request) -> Response:
    """Return a file of a contest's log; what never changes may be kept for ever."""
    state: PublicState = request.state.app_state
    folder, slug = state.settings.log_folder, request.path_params["slug"]
    path: str = request.path_params["path"]
    is_text = path in _TEXTS
    is_named = is_text or _LASTING.fullmatch(path) or read_tile_path(path)
    if folder is None or not is_named or not _SLUG.fullmatch(slug):
        raise NotFound("sites.public.api.no_such_log_file")
    file: Path = folder / slug / path
    if not file.is_file():
        raise NotFound("sites.public.api.no_such_log_file")
    cache_control = "no-cache" if is_text else _FOR_EVER
    return FileResponse(
        file,
        headers={"cache-control": cache_control, **_ANYWHERE},
        media_type="text/plain; charset=utf-8" if is_text else "application/octet-stream",
    )


def log_key(request: Request) -> Response:
    """Return the verifier key of all logs."""
    state: PublicState = request.state.app_state
    folder = state.settings.log_folder
    if folder is None or not (file := folder / KEY).is_file():
        raise NotFound("sites.public.api.no_public_log")
    return FileResponse(file, headers=_ANYWHERE, media_type="text/plain; charset=utf-8")


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
    proof = place and await prove_ballot(folder / contest.slug, ballot_id, place)
    if not proof:
        raise NotYet("sites.public.api.not_in_log_yet", retry_after_seconds=PROOF_RETRY_SECONDS)
    return Response(
        msgspec.json.encode(proof),
        headers={"cache-control": "public, max-age=60", **_ANYWHERE},
        media_type="application/json",
    )
