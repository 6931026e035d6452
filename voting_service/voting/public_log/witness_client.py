"""Asks the witnesses of a log to cosign a checkpoint.

A witness that is unavailable, or refuses for a reason of its own, costs its cosignature only. One
that has seen another history of the log, or more of it, stops the publication: going on would fork
the log.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Container, Sequence
from typing import NamedTuple

import structlog

from voting_service.errors import InvalidInput, Refused, Unavailable
from voting_service.infrastructure.http_clients.client import BoundedClient
from voting_service.infrastructure.transparency_log.checkpoints import Checkpoint, cosigned_at
from voting_service.infrastructure.transparency_log.signed_note import (
    SignatureLine,
    SignedNote,
    VerifierKey,
    read_signature_line,
)
from voting_service.infrastructure.transparency_log.witness import (
    PATH,
    CosignedOtherwise,
    WitnessRequest,
)

log = structlog.get_logger(__name__)

CONSISTENCY = Callable[[int], Sequence[bytes]]
"""Returns the proof that the new checkpoint continues the one of a size."""
_CONFLICT, _NO_CONTINUATION = 409, 422
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


class LogFork(Refused):
    """Another history than the published one, or less of it, would be published."""


class Witness(NamedTuple):
    """A witness: the key under which it cosigns, and the address before `/add-checkpoint`."""

    key: VerifierKey
    address: str


class Cosignatures(NamedTuple):
    """The lines of the witnesses that cosigned, and the names of the `missing` others."""

    lines: tuple[SignatureLine, ...]
    missing: tuple[str, ...]


class WitnessPanel:
    """The witnesses of a log, whom it asks all at once."""

    def __init__(self, client: BoundedClient, witnesses: Sequence[Witness] = ()) -> None:
        self._client = client
        self.witnesses = tuple(witnesses)

    def without(self, names: Container[str]) -> WitnessPanel:
        """Return the panel of the witnesses that have none of the names."""
        others = [witness for witness in self.witnesses if witness.key.name not in names]
        return WitnessPanel(self._client, others)

    async def cosign(
        self, note: SignedNote, checkpoint: Checkpoint, old_size: int, prove: CONSISTENCY
    ) -> Cosignatures:
        """Return the cosignatures of a checkpoint, or as many as there are. `old_size` is the
        size that they have probably cosigned. Raises LogFork."""
        requests = [
            self._ask(witness, note, checkpoint, old_size, prove) for witness in self.witnesses
        ]
        lines = await asyncio.gather(*requests)
        return Cosignatures(
            tuple(line for line in lines if line is not None),
            tuple(w.key.name for w, line in zip(self.witnesses, lines, strict=True) if not line),
        )

    async def _ask(
        self,
        witness: Witness,
        note: SignedNote,
        checkpoint: Checkpoint,
        old_size: int,
        prove: CONSISTENCY,
    ) -> SignatureLine | None:
        try:
            try:
                return await self._request(witness, note, old_size, prove)
            except CosignedOtherwise as error:
                self._require_less(witness, error.size, checkpoint.size, old_size)
                cosigned = error.size
            try:
                return await self._request(witness, note, cosigned, prove)
            except CosignedOtherwise as error:
                self._require_less(witness, error.size, checkpoint.size, cosigned)
                raise
        except (Unavailable, InvalidInput, CosignedOtherwise) as error:
            log.warning("witness_missing", witness=witness.key.name, reason=str(error))
            return None

    @staticmethod
    def _require_less(witness: Witness, size: int, ours: int, stated: int) -> None:
        """Raise LogFork for a witness that has cosigned more than ours, or as much as was stated
        and something else."""
        if size > ours or size == stated:
            raise LogFork(
                "voting.public_log.witness_has_another",
                name=witness.key.name,
                size=size,
                ours=ours,
            ) from None

    async def _request(
        self, witness: Witness, note: SignedNote, old_size: int, prove: CONSISTENCY
    ) -> SignatureLine:
        """Ask once. Raises CosignedOtherwise, LogFork, Unavailable and MalformedInput."""
        proof = tuple(prove(old_size)) if old_size else ()
        body = WitnessRequest(old_size, proof, note.data).data
        answer = await self._client.post(
            witness.address.rstrip("/") + PATH, body, {"content-type": "text/plain"}
        )
        text = answer.body.decode("utf-8", "replace").strip()
        if answer.status == _CONFLICT and _SIZE.fullmatch(text):
            raise CosignedOtherwise(int(text))
        if answer.status == _NO_CONTINUATION:
            raise LogFork("voting.public_log.witness_refuses", name=witness.key.name, reason=text)
        if answer.status != 200:
            raise Unavailable(
                "voting.public_log.witness_answers", status=answer.status, reason=text[:200]
            )
        for line in map(read_signature_line, text.split("\n")):
            if cosigned_at(note.text, line, witness.key) is not None:
                return line
        raise Unavailable("voting.public_log.witness_signs_otherwise")
