"""The requests that a witness answers (C2SP tlog-witness)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from voting_service.errors import InputTooLarge, InvalidInput, VotingError
from voting_service.infrastructure.transparency_log.checkpoints import cosign, read_checkpoint
from voting_service.infrastructure.transparency_log.signed_note import (
    COSIGNATURE,
    VerifierKey,
    verifier_key,
)
from voting_service.infrastructure.transparency_log.witness import (
    MAX_REQUEST_BYTES,
    PATH,
    SIZE_TYPE,
    CosignedOtherwise,
    NoContinuation,
    UnknownLog,
    UnsignedByLog,
    accept,
    read_named_checkpoint,
    read_request,
)
from voting_service.sites.shared.request_bodies import read_body
from voting_service.sites.witness.cosigned import CosignedLogs

log = structlog.get_logger(__name__)

STATUS: Mapping[type[VotingError], int] = {
    InputTooLarge: 413,
    UnsignedByLog: 403,
    UnknownLog: 404,
    NoContinuation: 422,
    InvalidInput: 400,
}


@dataclass(frozen=True, slots=True)
class WitnessState:
    """A witness: its name and key, the keys of the logs that it watches by their names, and what it
    has cosigned. The name `HOST/log` stands for all logs below it, which have one key."""

    name: str
    key: Ed25519PrivateKey
    logs: Mapping[str, VerifierKey]
    cosigned: CosignedLogs
    clock: Callable[[], float] = time.time

    def log_key(self, origin: str) -> VerifierKey:
        """Return the key of a log. Raises UnknownLog."""
        key = self.logs.get(origin) or self.logs.get(origin.rpartition("/")[0])
        if key is None:
            raise UnknownLog("sites.witness.unknown_log", origin=origin)
        return key._replace(name=origin)


def cosigned_line(state: WitnessState, body: bytes) -> str:
    """Return the line that cosigns the checkpoint of a request; it is kept first. Raises the error
    of a refused one."""
    request = read_request(body)
    checkpoint, _ = read_named_checkpoint(request)
    key = state.log_key(checkpoint.origin)
    note = accept(request, key, state.cosigned.newest(key.name))
    state.cosigned.keep(key.name, note.data)
    log.info("cosigned", log=key.name, size=read_checkpoint(note).size)
    return cosign(note.text, state.name, state.key, int(state.clock())).text


async def add_checkpoint(request: Request) -> Response:
    """Cosign a checkpoint. Nothing is awaited between reading what was cosigned and keeping it."""
    state: WitnessState = request.app.state.witness
    try:
        body = await read_body(request.receive, MAX_REQUEST_BYTES)
        return PlainTextResponse(cosigned_line(state, body))
    except CosignedOtherwise as error:
        log.warning("refused", reason=str(error))
        return Response(f"{error.size}\n", 409, media_type=SIZE_TYPE)
    except VotingError as error:
        log.warning("refused", reason=str(error))
        status = next(code for kind, code in STATUS.items() if isinstance(error, kind))
        return PlainTextResponse(f"{error}\n", status)


async def show_key(request: Request) -> Response:
    """The witness's verifier key, which the log's operator and verifiers enter."""
    state: WitnessState = request.app.state.witness
    return PlainTextResponse(f"{verifier_key(state.name, state.key, COSIGNATURE).text}\n")


def create_app(state: WitnessState) -> Starlette:
    """Create the ASGI app of a witness."""
    routes = [Route(PATH, add_checkpoint, methods=["POST"]), Route("/key", show_key)]
    app = Starlette(routes=routes)
    app.state.witness = state
    return app
