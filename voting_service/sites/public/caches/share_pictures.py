"""The pictures that messengers show of a link: drawn when first asked for, then kept in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from voting_service.contests.model import Candidate, Contest
from voting_service.contests.pictures.model import ADDRESS, Picture
from voting_service.contests.pictures.share_picture import SharePictureText, draw_share_picture
from voting_service.errors import Unavailable, spread_retry_seconds
from voting_service.i18n.text import Language
from voting_service.sites.public.caches.images import FileCache, ImageCache
from voting_service.sites.public.rendering import texts

MAX_KEPT_BYTES = 8 * 1024 * 1024
"""Memory limit per worker: about a hundred pictures."""
DRAWING_TIMEOUT_SECONDS = 10.0
PORTRAIT_WIDTH = 640
WHOLE_CONTEST = 0
"""The number under which the picture of the contest itself has its address."""


class SharePicture(NamedTuple):
    """Where the picture of a page is served, and what it shows."""

    url: str
    alt: str


class Shared(NamedTuple):
    """A candidate with a portrait, where there is one."""

    candidate: Candidate
    portrait: Picture | None


def picture_text(
    contest: Contest, shared: Shared | None, language: Language, site: str
) -> SharePictureText:
    """Return the texts of the picture of a candidate's page, or of the contest's."""
    words: Mapping[str, str] = texts(language)["share"]
    title = getattr(contest.rules.title, language)
    address = f"{site}/{language}/{contest.slug}"
    if shared is None:
        return SharePictureText(
            address=address,
            contest=words["kind"],
            headline=title,
            invitation=words["scan_contest"],
        )
    candidate, portrait = shared
    facts = (candidate.trade, candidate.district, candidate.employer)
    return SharePictureText(
        address=f"{address}/candidates/{candidate.number}",
        contest=title,
        headline=getattr(candidate.name, language),
        number=f"{candidate.number:02d}",
        details=" · ".join(getattr(fact, language) for fact in facts if fact is not None),
        invitation=words["scan_candidate"],
        portrait=portrait.hash if portrait else None,
    )


def describe(
    contest: Contest, number: int, language: Language, card: SharePictureText
) -> SharePicture:
    """Return the address of a picture, which never means another picture, and its alternative
    text."""
    words: Mapping[str, str] = texts(language)["share"]
    alt = words["alt_contest" if number == WHOLE_CONTEST else "alt_candidate"]
    return SharePicture(
        f"/{language}/{contest.slug}/share/{number}-{card.digest}.jpeg",
        alt.format(title=getattr(contest.rules.title, language), name=card.headline),
    )


class SharePictures:
    """The drawn pictures of one worker. One is drawn at a time, so that votes keep the rest."""

    def __init__(self, images: ImageCache) -> None:
        self._images = images
        self._files = FileCache(MAX_KEPT_BYTES)
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="share-pictures")

    async def read(self, card: SharePictureText, portrait: Picture | None) -> bytes:
        """Return the JPEG of a card. Raises Unavailable if drawing takes too long, NotFound or
        StoreUnavailable without its portrait."""

        async def draw() -> bytes:
            content = None
            if portrait is not None:
                name = portrait.url(PORTRAIT_WIDTH, "webp").removeprefix(ADDRESS)
                width = min(PORTRAIT_WIDTH, portrait.width)
                content = await self._images.read(name, portrait.hash, width, "webp")
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, draw_share_picture, card, content)

        try:
            async with asyncio.timeout(DRAWING_TIMEOUT_SECONDS):
                return await self._files.get(card.digest, draw)
        except TimeoutError:
            raise Unavailable(
                "sites.public.caches.drawing_timed_out",
                retry_after_seconds=spread_retry_seconds(),
            ) from None
