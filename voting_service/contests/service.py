"""Create contests, from a contest file or from nomination."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from voting_service.contests.contest_file.reader import ContestFile
from voting_service.contests.keys import create_keys, not_opened
from voting_service.contests.pictures.repository import add_picture, store_logo, store_portrait
from voting_service.contests.repository import NewContest, insert_contest
from voting_service.i18n.text import Text
from voting_service.infrastructure.images.model import EncodedPicture
from voting_service.infrastructure.postgres.pool import AnyConnection


class ShownPicture(NamedTuple):
    """A candidate's picture; the portrait has no caption."""

    number: int
    picture: EncodedPicture
    caption: Text | None = None


async def create_contest(
    connection: AnyConnection,
    master_key: bytes,
    contest: ContestFile,
    pictures: Iterable[ShownPicture],
    logo: EncodedPicture | None = None,
) -> int:
    """Store a contest with candidates, keys, pictures, logo and ballot partition; return its id.

    Call it in a transaction. Raises InvalidInput when the slug is taken, and Refused when the
    master key fits none of the existing contests.
    """
    await not_opened(connection, master_key)
    contest_id = await insert_contest(
        connection,
        NewContest(
            slug=contest.slug,
            rules=contest.rules,
            opens_at=contest.opens_at,
            closes_at=contest.closes_at,
            candidates=contest.candidates,
        ),
    )
    await create_keys(connection, master_key, contest_id)
    for number, picture, caption in pictures:
        if caption is None:
            await store_portrait(connection, contest_id, number, picture)
        else:
            await add_picture(connection, contest_id, number, picture, caption)
    if logo is not None:
        await store_logo(connection, contest_id, logo)
    return contest_id
