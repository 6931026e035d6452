"""Encode a picture from an upload, in a process of its own."""

from __future__ import annotations

import asyncio
from concurrent.futures.process import BrokenProcessPool

from voting_service.errors import Fault, InvalidInput
from voting_service.infrastructure.images.encoding import PictureRefused, encode_picture, workers
from voting_service.infrastructure.images.model import EncodedPicture, PictureKind

ENCODING_SECONDS = 30.0
"""Ten times what the largest allowed picture takes."""


async def encode_upload(
    content: bytes, name: str, kind: PictureKind, *, field: str
) -> EncodedPicture:
    """Return the encoded picture. Raises InvalidInput, a fault of `field`."""
    try:
        return await asyncio.to_thread(_encode, content, name, kind)
    except PictureRefused as error:
        raise InvalidInput(Fault.verbatim(field, str(error), error.zh)) from None
    except (BrokenProcessPool, TimeoutError):
        raise InvalidInput(Fault(field, "infrastructure.images.decoder_failed")) from None


def _encode(content: bytes, name: str, kind: PictureKind) -> EncodedPicture:
    pool = workers()
    try:
        return pool.submit(encode_picture, content, name, kind).result(ENCODING_SECONDS)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
