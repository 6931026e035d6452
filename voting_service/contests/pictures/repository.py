"""Loads and stores pictures of candidates.

They are in Postgres so that every machine has them; infrastructure/images/encoding.py encodes them.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from voting_service.contests.model import Logo
from voting_service.contests.pictures.model import (
    ADDRESS,
    MAX_PICTURES,
    Picture,
    picture_address,
)
from voting_service.errors import NotFound, Refused
from voting_service.i18n.text import Text
from voting_service.infrastructure.images.model import (
    EncodedPicture,
)
from voting_service.infrastructure.postgres.named_queries import Queries
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors

QUERIES = Queries(__package__)


async def load_all_pictures(
    connection: AnyConnection, contest_id: int
) -> Mapping[int, tuple[Picture, ...]]:
    """By candidate's number, the portrait first; nobody without a picture is in it."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["pictures"], contest_id)
    pictures: dict[int, tuple[Picture, ...]] = {}
    for row in rows:
        picture = Picture(
            hash=row["hash"],
            width=row["width"],
            height=row["height"],
            caption=msgspec.convert(row["caption"], Text | None),
        )
        pictures[row["number"]] = (*pictures.get(row["number"], ()), picture)
    return pictures


async def load_pictures(connection: AnyConnection, contest_id: int) -> Mapping[int, Picture]:
    """Load the portraits, by candidate number."""
    pictures = await load_all_pictures(connection, contest_id)
    return {number: shown[0] for number, shown in pictures.items() if shown[0].kind == "portrait"}


async def load_owners(connection: AnyConnection) -> Mapping[str, frozenset[int]]:
    """Load the contests of every picture, by its hash; a platform's logo belongs to none."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["owners"])
    owners: dict[str, frozenset[int]] = {}
    for row in rows:
        owners[row["hash"]] = owners.get(row["hash"], frozenset()) | {row["contest_id"]} - {None}
    return owners


async def load_file(
    connection: AnyConnection, picture_hash: str, width: int, format_: str
) -> bytes | None:
    """Load one file; None if it does not exist."""
    with domain_errors():
        content: bytes | None = await connection.fetchval(
            QUERIES["file"], picture_hash, width, format_
        )
    return content


async def load_files_shown(connection: AnyConnection, contest_id: int) -> Mapping[str, bytes]:
    """Load every file of the current pictures of a contest, by its name in addresses."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["files_shown"], contest_id)
    return {
        picture_address(row["hash"], row["width"], row["format"]).removeprefix(ADDRESS): row[
            "content"
        ]
        for row in rows
    }


async def store_portrait(
    connection: AnyConnection, contest_id: int, number: int, picture: EncodedPicture
) -> None:
    """Set the portrait; call it in a transaction."""
    with domain_errors():
        await _store_files(connection, contest_id, number, picture)
        await connection.execute(
            QUERIES["set_portrait"], contest_id, number, picture.hash, picture.width, picture.height
        )


async def store_logo(connection: AnyConnection, contest_id: int, logo: EncodedPicture) -> None:
    """Set the logo of a contest; call it in a transaction."""
    [file] = logo.files
    with domain_errors():
        await connection.execute(QUERIES["touch_contest"], contest_id)
        await connection.execute(
            QUERIES["set_logo"], contest_id, logo.hash, logo.width, logo.height, file.data
        )


async def change_logo(connection: AnyConnection, contest_id: int, logo: Logo | None) -> None:
    """Set the logo of a contest to one whose file is stored, or remove it. Call it in a transaction
    that changes the contest too. Raises NotFound."""
    with domain_errors():
        if logo is None:
            await connection.execute(QUERIES["remove_logo"], contest_id)
        elif not await connection.fetchval(
            QUERIES["use_logo_file"], contest_id, logo.hash, logo.height
        ):
            raise NotFound("contests.pictures.no_such_logo")


async def store_logo_file(connection: AnyConnection, logo: EncodedPicture) -> None:
    """Store the bytes of a logo that a platform or a contest may have."""
    [file] = logo.files
    with domain_errors():
        await connection.execute(QUERIES["insert_logo_file"], logo.hash, logo.width, file.data)


async def add_picture(
    connection: AnyConnection, contest_id: int, number: int, picture: EncodedPicture, caption: Text
) -> None:
    """Add a picture besides the portrait; call it in a transaction. Raises Refused when the
    candidate has the maximum."""
    with domain_errors():
        await _store_files(connection, contest_id, number, picture)
        place = await connection.fetchval(
            QUERIES["add_picture"],
            contest_id,
            number,
            picture.hash,
            picture.width,
            picture.height,
            msgspec.to_builtins(caption),
            MAX_PICTURES,
        )
    if place is None:
        raise Refused(
            "contests.pictures.too_many_pictures",
            number=number,
            max_pictures=MAX_PICTURES,
        )


async def remove_pictures(connection: AnyConnection, contest_id: int, number: int) -> None:
    """Delete portrait and pictures of a candidate, including replaced ones; in a transaction."""
    with domain_errors():
        await connection.execute(QUERIES["touch_contest"], contest_id)
        await connection.execute(QUERIES["remove_pictures"], contest_id, number)
        await connection.execute(QUERIES["remove_files"], contest_id, number)


async def _store_files(
    connection: AnyConnection, contest_id: int, number: int, picture: EncodedPicture
) -> None:
    await connection.execute(QUERIES["touch_contest"], contest_id)
    await store_files(connection, contest_id, number, picture)


async def store_files(
    connection: AnyConnection, contest_id: int, number: int, picture: EncodedPicture
) -> None:
    """Store the files of a picture that nothing shows yet."""
    with domain_errors():
        await connection.execute(
            QUERIES["insert_files"],
            contest_id,
            number,
            picture.hash,
            [file.width for file in picture.files],
            [file.format for file in picture.files],
            [file.data for file in picture.files],
        )
