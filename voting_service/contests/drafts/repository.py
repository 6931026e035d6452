"""Drafts and their pictures in Postgres."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import msgspec

from voting_service.contests.drafts.model import Content, ContestDraft, DraftPicture
from voting_service.contests.model import Logo
from voting_service.contests.pictures.model import Picture, describe_logo
from voting_service.contests.service import ShownPicture
from voting_service.errors import NotFound, Refused
from voting_service.i18n.text import Text
from voting_service.infrastructure.images.model import EncodedFile, EncodedPicture
from voting_service.infrastructure.postgres.named_queries import Queries
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors
from voting_service.staff.actor import Actor

QUERIES = Queries(__package__)


class DraftChanged(Refused):
    """Somebody saved or ended the draft after it was read."""


async def insert_draft(actor: Actor, content: Content) -> int:
    """Store a new draft and return its id. Raises InvalidInput when another has the slug."""
    with domain_errors():
        draft_id: int = await actor.connection.fetchval(
            QUERIES["insert"], content["slug"], content, actor.account.id, actor.now
        )
    return draft_id


async def load_drafts(connection: AnyConnection) -> tuple[ContestDraft, ...]:
    """Load every draft that has not ended, newest first."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["drafts"])
    return tuple(msgspec.convert(dict(row), ContestDraft) for row in rows)


async def load_draft(connection: AnyConnection, draft_id: int) -> ContestDraft:
    """Load a draft. Raises NotFound for one that has ended."""
    with domain_errors():
        row = await connection.fetchrow(QUERIES["draft"], draft_id)
    if row is None:
        raise NotFound("contests.drafts.no_such_draft")
    return msgspec.convert(dict(row), ContestDraft)


async def lock_draft(connection: AnyConnection, draft_id: int) -> ContestDraft:
    """Load a draft that nobody else changes before the transaction ends. Raises NotFound."""
    await connection.fetchval(QUERIES["lock"], draft_id)
    return await load_draft(connection, draft_id)


async def update_draft(actor: Actor, draft: ContestDraft, content: Content) -> None:
    """Store new content. Raises DraftChanged when the draft has another revision than
    `draft`."""
    with domain_errors():
        revision = await actor.connection.fetchval(
            QUERIES["update"],
            draft.id,
            draft.revision,
            content["slug"],
            content,
            actor.account.id,
            actor.now,
        )
    _require(revision)


async def end_discarded(actor: Actor, draft: ContestDraft) -> None:
    """Remove content and pictures. Raises DraftChanged."""
    with domain_errors():
        _require(
            await actor.connection.fetchval(QUERIES["discard"], draft.id, draft.revision, actor.now)
        )
        await _remove_files(actor.connection, draft.id)


async def end_announced(connection: AnyConnection, draft_id: int, contest_id: int) -> None:
    """The same for a draft that became a contest."""
    with domain_errors():
        _require(await connection.fetchval(QUERIES["announce"], draft_id, contest_id))
        await _remove_files(connection, draft_id)


async def _remove_files(connection: AnyConnection, draft_id: int) -> None:
    await remove_pictures(connection, draft_id, ())
    await store_draft_logo(connection, draft_id, None)


def _require(stored: Any) -> None:
    if stored is None:
        raise DraftChanged("contests.drafts.changed_since")


async def load_draft_pictures(connection: AnyConnection, draft_id: int) -> tuple[DraftPicture, ...]:
    """Load the pictures of a draft, each portrait before the others."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["pictures"], draft_id)
    return tuple(
        DraftPicture(
            row["number"],
            row["place"],
            row["name"],
            Picture(
                row["hash"],
                row["width"],
                row["height"],
                msgspec.convert(row["caption"], Text | None),
            ),
        )
        for row in rows
    )


async def store_picture(
    connection: AnyConnection, draft_id: int, named: DraftPicture, encoded: EncodedPicture
) -> None:
    """Put a picture in its place, instead of the one there. Call it in a transaction."""
    caption = named.picture.caption
    with domain_errors():
        await connection.execute(QUERIES["remove_picture"], draft_id, named.number, named.place)
        await connection.execute(
            QUERIES["insert_picture"],
            draft_id,
            named.number,
            named.place,
            named.name,
            encoded.hash,
            encoded.width,
            encoded.height,
            None if caption is None else msgspec.to_builtins(caption),
        )
        await connection.execute(
            QUERIES["insert_files"],
            draft_id,
            encoded.hash,
            [file.width for file in encoded.files],
            [file.format for file in encoded.files],
            [file.data for file in encoded.files],
        )


async def remove_pictures(
    connection: AnyConnection, draft_id: int, keep: Collection[int]
) -> frozenset[int]:
    """Remove the pictures of all candidates except `keep`, and files that no picture has; return
    the numbers. Call it in a transaction."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["remove_pictures_except"], draft_id, list(keep))
        await connection.execute(QUERIES["remove_unused_files"], draft_id)
    return frozenset(row["number"] for row in rows)


async def load_shown_pictures(
    connection: AnyConnection, draft_id: int, pictures: Iterable[DraftPicture]
) -> Sequence[ShownPicture]:
    """Load the pictures with their files, as `create_contest` takes them."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["files"], draft_id)
    files: dict[str, list[EncodedFile]] = {}
    for row in rows:
        files.setdefault(row["hash"], []).append(
            EncodedFile(row["width"], row["format"], row["content"])
        )
    return [
        ShownPicture(
            named.number,
            EncodedPicture(
                named.picture.hash,
                named.picture.width,
                named.picture.height,
                tuple(files[named.picture.hash]),
            ),
            named.picture.caption,
        )
        for named in pictures
    ]


async def load_picture_file(
    connection: AnyConnection, draft_id: int, size: tuple[str, int, str]
) -> bytes:
    """Load a file by hash, width and format. Raises NotFound."""
    with domain_errors():
        content: bytes | None = await connection.fetchval(QUERIES["file"], draft_id, *size)
    if content is None:
        raise NotFound("contests.drafts.no_such_picture")
    return content


async def load_encoded_logo(connection: AnyConnection, draft_id: int) -> EncodedPicture | None:
    """Load the logo of a draft with its file; None without one."""
    with domain_errors():
        row = await connection.fetchrow(QUERIES["logo"], draft_id)
    if row is None:
        return None
    file = EncodedFile(row["width"], "png", row["content"])
    return EncodedPicture(row["hash"], row["width"], row["height"], (file,))


async def load_draft_logo(connection: AnyConnection, draft_id: int) -> Logo | None:
    """Load what pages need of the logo of a draft; None without one."""
    encoded = await load_encoded_logo(connection, draft_id)
    return None if encoded is None else describe_logo(encoded)


async def load_logo_file(connection: AnyConnection, draft_id: int, logo_hash: str) -> bytes:
    """Load the file of a draft's logo by its hash. Raises NotFound."""
    logo = await load_encoded_logo(connection, draft_id)
    if logo is None or logo.hash != logo_hash:
        raise NotFound("contests.drafts.no_such_picture")
    return logo.files[0].data


async def store_draft_logo(
    connection: AnyConnection, draft_id: int, logo: EncodedPicture | None
) -> None:
    """Set the logo of a draft, or remove it. Call it in a transaction."""
    with domain_errors():
        await connection.execute(QUERIES["remove_logo"], draft_id)
        if logo is not None:
            await connection.execute(
                QUERIES["insert_logo"],
                draft_id,
                logo.hash,
                logo.width,
                logo.height,
                logo.files[0].data,
            )


async def load_slugs_taken(connection: AnyConnection) -> frozenset[str]:
    """Load the slugs of all contests."""
    with domain_errors():
        return frozenset(row["slug"] for row in await connection.fetch(QUERIES["slugs_taken"]))
