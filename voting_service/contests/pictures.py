"""Candidates' pictures: what they are called, and their way into Postgres and out again.

They are in Postgres so that every machine has them; they are encoded by picture_encoding.py,
which nothing that only shows them imports.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

import msgspec

from voting_service.contests.model import Candidate, Text
from voting_service.errors import Refused
from voting_service.storage.postgres import AnyConnection, domain_errors
from voting_service.storage.queries import Queries

QUERIES = Queries(__package__, "pictures.sql")

PictureKind = Literal["portrait", "picture"]
PictureFormat = Literal["avif", "webp", "jpeg"]

ADDRESS = "/pictures/"
SUFFIXES: Mapping[str, tuple[str, ...]] = {
    "JPEG": (".jpg", ".jpeg"),
    "PNG": (".png",),
    "WEBP": (".webp",),
    "AVIF": (".avif",),
}
"""The formats that are taken, and how their files are called."""
WIDTHS: Mapping[PictureKind, tuple[int, ...]] = {
    "portrait": (160, 320, 640),
    "picture": (320, 640, 1280),
}
"""The sizes of a picture; one that is small lacks the largest."""
PREVIEW_SIZE = (1200, 630)
"""What messengers and social networks show of a link: a JPEG of every portrait."""
MAX_PICTURES = 8
"""Of a candidate, beside the portrait."""


class EncodedFile(NamedTuple):
    """One size in one format."""

    width: int
    format: PictureFormat
    data: bytes


class EncodedPicture(NamedTuple):
    """A picture in every size and format. `hash` names exactly these bytes; `width` and `height`
    are those of the largest size."""

    hash: str
    width: int
    height: int
    files: tuple[EncodedFile, ...]


class Picture(msgspec.Struct, frozen=True):
    """A picture as pages need it; a portrait has no caption, the name stands beside it."""

    hash: str
    width: int
    height: int
    caption: Text | None = None

    @property
    def kind(self) -> PictureKind:
        return "portrait" if self.caption is None else "picture"

    @property
    def widths(self) -> tuple[int, ...]:
        """The widths that exist in AVIF and WebP, rising."""
        return tuple(width for width in WIDTHS[self.kind] if width <= self.width)

    def url(self, width: int, format: PictureFormat) -> str:  # noqa: A002 - what it is
        """The address of the narrowest size that is at least `width` wide, or of the widest."""
        fitting = next((each for each in self.widths if each >= width), self.width)
        return picture_address(self.hash, fitting, format)

    @property
    def preview_url(self) -> str | None:
        """The picture of a link to a candidate; portraits only."""
        if self.kind != "portrait":
            return None
        return picture_address(self.hash, PREVIEW_SIZE[0], "jpeg")


class PublicPicture(msgspec.Struct, frozen=True, omit_defaults=True):
    """A picture as the API and the release pack describe it; addresses by width."""

    hash: str
    width: int
    height: int
    avif: dict[str, str]
    webp: dict[str, str]
    preview: str | None = None
    caption: Text | None = None

    @classmethod
    def of(cls, picture: Picture) -> PublicPicture:
        return cls(
            hash=picture.hash,
            width=picture.width,
            height=picture.height,
            avif={str(width): picture.url(width, "avif") for width in picture.widths},
            webp={str(width): picture.url(width, "webp") for width in picture.widths},
            preview=picture.preview_url,
            caption=picture.caption,
        )


class PublicProfile(msgspec.Struct, frozen=True, omit_defaults=True):
    """One candidate as everybody may see it: the API and the release pack say the same."""

    number: int
    name: Text
    trade: Text
    district: Text
    summary: Text
    story: Text
    portrait: PublicPicture | None = None
    pictures: tuple[PublicPicture, ...] = ()


def public_profile(candidate: Candidate, pictures: tuple[Picture, ...]) -> PublicProfile:
    """A profile with its pictures, in the order of `load_all_pictures`."""
    portrait = next((p for p in pictures if p.kind == "portrait"), None)
    return PublicProfile(
        number=candidate.number,
        name=candidate.name,
        trade=candidate.trade,
        district=candidate.district,
        summary=candidate.summary,
        story=candidate.story,
        portrait=PublicPicture.of(portrait) if portrait else None,
        pictures=tuple(PublicPicture.of(p) for p in pictures if p.kind == "picture"),
    )


def picture_address(picture_hash: str, width: int, format_: PictureFormat) -> str:
    """Where a file is served, for ever."""
    return f"{ADDRESS}{picture_hash}-{width}.{format_}"


async def load_all_pictures(
    connection: AnyConnection, contest_id: int
) -> Mapping[int, tuple[Picture, ...]]:
    """By candidate's number, the portrait first; nobody without a picture is in it."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["pictures"], contest_id)
    found: dict[int, tuple[Picture, ...]] = {}
    for row in rows:
        picture = Picture(
            hash=row["hash"],
            width=row["width"],
            height=row["height"],
            caption=msgspec.convert(row["caption"], Text | None),
        )
        found[row["number"]] = (*found.get(row["number"], ()), picture)
    return found


async def load_pictures(connection: AnyConnection, contest_id: int) -> Mapping[int, Picture]:
    """The portraits, by candidate's number."""
    pictures = await load_all_pictures(connection, contest_id)
    return {number: shown[0] for number, shown in pictures.items() if shown[0].kind == "portrait"}


async def load_owners(connection: AnyConnection) -> Mapping[str, frozenset[int]]:
    """The contests of every picture there is, by its hash."""
    with domain_errors():
        rows = await connection.fetch(QUERIES["owners"])
    owners: dict[str, frozenset[int]] = {}
    for row in rows:
        owners[row["hash"]] = owners.get(row["hash"], frozenset()) | {row["contest_id"]}
    return owners


async def load_file(
    connection: AnyConnection, picture_hash: str, width: int, format_: str
) -> bytes | None:
    """The bytes of one file; None when there is none."""
    with domain_errors():
        content: bytes | None = await connection.fetchval(
            QUERIES["file"], picture_hash, width, format_
        )
    return content


async def load_files_shown(connection: AnyConnection, contest_id: int) -> Mapping[str, bytes]:
    """Every file of the pictures that a contest shows now, by its name in addresses."""
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
    """Shows this portrait from now on; call it in a transaction."""
    with domain_errors():
        await _store_files(connection, contest_id, number, picture)
        await connection.execute(
            QUERIES["set_portrait"], contest_id, number, picture.hash, picture.width, picture.height
        )


async def add_picture(
    connection: AnyConnection, contest_id: int, number: int, picture: EncodedPicture, caption: Text
) -> None:
    """One more picture beside the portrait; call it in a transaction. Raises Refused when the
    candidate has as many as there may be."""
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
        raise Refused(f"candidate {number} has {MAX_PICTURES} pictures already; remove them first")


async def remove_pictures(connection: AnyConnection, contest_id: int, number: int) -> None:
    """Deletes portrait and pictures of a candidate, replaced ones included; in a transaction."""
    with domain_errors():
        await connection.execute(QUERIES["touch_contest"], contest_id)
        await connection.execute(QUERIES["remove_pictures"], contest_id, number)
        await connection.execute(QUERIES["remove_files"], contest_id, number)


async def _store_files(
    connection: AnyConnection, contest_id: int, number: int, picture: EncodedPicture
) -> None:
    await connection.execute(QUERIES["touch_contest"], contest_id)
    await connection.execute(
        QUERIES["insert_files"],
        contest_id,
        number,
        picture.hash,
        [file.width for file in picture.files],
        [file.format for file in picture.files],
        [file.data for file in picture.files],
    )
