"""The one way by which a contest comes into being, from a file or from the office."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from voting_service.contests.contest_file import ContestFile
from voting_service.contests.contest_keys import create_keys, not_opened
from voting_service.contests.model import Text
from voting_service.contests.pictures import EncodedPicture, add_picture, store_portrait
from voting_service.contests.store import insert_contest
from voting_service.storage.postgres import AnyConnection


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
) -> int:
    """Stores contest, candidates, keys and pictures and makes room for the ballots; call it in a
    transaction. Raises InvalidInput when the slug is taken, and Refused when the master key opens
    no contest that is there already."""
    await not_opened(connection, master_key)
    contest_id = await insert_contest(
        connection,
        slug=contest.slug,
        rules=contest.rules,
        opens_at=contest.opens_at,
        closes_at=contest.closes_at,
        candidates=contest.candidates,
    )
    await create_keys(connection, master_key, contest_id)
    for number, picture, caption in pictures:
        if caption is None:
            await store_portrait(connection, contest_id, number, picture)
        else:
            await add_picture(connection, contest_id, number, picture, caption)
    return contest_id
