"""Encode many pictures at once, in processes with limited memory."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import NamedTuple

from voting_service.errors import Fault
from voting_service.infrastructure.images.encoding import (
    PictureRefused,
    encode_file,
    encode_picture,
    workers,
)
from voting_service.infrastructure.images.model import EncodedPicture, PictureKind


class PictureToEncode(NamedTuple):
    """A picture file or its bytes; `place` is the field of its fault."""

    place: str
    name: str
    content: Path | bytes
    kind: PictureKind


async def encode_all(pictures: Iterable[PictureToEncode]) -> Sequence[EncodedPicture | Fault]:
    """Return each picture encoded, or what is wrong with it, in their order."""
    todo = list(pictures)
    if not todo:
        return ()
    loop = asyncio.get_running_loop()
    with workers() as pool:
        results = await asyncio.gather(
            *(
                loop.run_in_executor(pool, encode_file, picture.content, picture.kind)
                if isinstance(picture.content, Path)
                else loop.run_in_executor(
                    pool, encode_picture, picture.content, picture.name, picture.kind
                )
                for picture in todo
            ),
            return_exceptions=True,
        )
    encoded: list[EncodedPicture | Fault] = []
    for picture, result in zip(todo, results, strict=True):
        match result:
            case PictureRefused():
                encoded.append(Fault.verbatim(picture.place, str(result), result.zh))
            case BrokenProcessPool():
                encoded.append(Fault(picture.place, "infrastructure.images.decoder_crashed"))
            case BaseException():
                raise result
            case _:
                encoded.append(result)
    return encoded
