"""Candidates' pictures as pages, the API and the release pack describe them. No I/O."""

from __future__ import annotations

from datetime import datetime

import msgspec

from voting_service.contests.model import Candidate, Logo, Withdrawal, WithdrawalGround
from voting_service.i18n.text import Text
from voting_service.infrastructure.images.model import (
    JPEG_WIDTH,
    PREVIEW_SIZE,
    WIDTHS,
    EncodedPicture,
    PictureFormat,
    PictureKind,
)

ADDRESS = "/pictures/"
MAX_PICTURES = 8
"""Per candidate, besides the portrait."""


class Picture(msgspec.Struct, frozen=True):
    """A picture as pages need it; a portrait has no caption, as the name is next to it."""

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

    def url(self, width: int, format_: PictureFormat) -> str:
        """Return the address of the narrowest size of at least `width`, or of the widest."""
        fitting = next((candidate for candidate in self.widths if candidate >= width), self.width)
        return picture_address(self.hash, fitting, format_)

    @property
    def jpeg_url(self) -> str:
        """The one size for browsers that know neither AVIF nor WebP."""
        return picture_address(self.hash, JPEG_WIDTH, "jpeg")

    @property
    def preview_url(self) -> str | None:
        """The preview picture of a link to a candidate; portraits only."""
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
    jpeg: dict[str, str]
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
            jpeg={str(JPEG_WIDTH): picture.jpeg_url},
            preview=picture.preview_url,
            caption=picture.caption,
        )


class PublicWithdrawal(msgspec.Struct, frozen=True):
    """Since when and why a candidate is out of the contest."""

    withdrawn_at: datetime
    ground: WithdrawalGround
    reason: Text


class PublicProfile(Candidate, frozen=True, omit_defaults=True):
    """The public profile of a candidate, the same in the API and the release pack."""

    portrait: PublicPicture | None = None
    pictures: tuple[PublicPicture, ...] = ()
    withdrawn: PublicWithdrawal | None = None


def public_profile(
    candidate: Candidate, pictures: tuple[Picture, ...], withdrawal: Withdrawal | None = None
) -> PublicProfile:
    """Return a profile with its pictures, in the order of `load_all_pictures`."""
    portrait = next((p for p in pictures if p.kind == "portrait"), None)
    return PublicProfile(
        **msgspec.structs.asdict(candidate),
        portrait=PublicPicture.of(portrait) if portrait else None,
        pictures=tuple(PublicPicture.of(p) for p in pictures if p.kind == "picture"),
        withdrawn=PublicWithdrawal(withdrawal.withdrawn_at, withdrawal.ground, withdrawal.reason)
        if withdrawal
        else None,
    )


def describe_logo(encoded: EncodedPicture) -> Logo:
    """Return the description of an encoded logo."""
    return Logo(encoded.hash, encoded.width, encoded.height)


def picture_address(picture_hash: str, width: int, format_: PictureFormat) -> str:
    """Return the permanent address of a file."""
    return f"{ADDRESS}{picture_hash}-{width}.{format_}"
