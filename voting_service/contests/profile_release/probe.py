"""Compare what platforms show after the release with the record, and report differences.

Every fetch has a deadline and a bound. Pages are named by staff; the pictures are named by the
pages, so they are fetched over https, or from the page's own origin, and nowhere else.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

import httpx
import msgspec

from voting_service.contests.pictures.model import PublicProfile
from voting_service.contests.profile_release.comparison import (
    Difference,
    ShownProfile,
    compare_html,
    compare_json,
    release_text,
)
from voting_service.contests.profile_release.pack import Release, picture_file_names

DEADLINE_SECONDS = 15.0
MAX_PAGE_BYTES = 8 * 1024 * 1024
MAX_PICTURE_BYTES = 8 * 1024 * 1024
MAX_PICTURES = 400
"""Of one page; more are not looked at."""
MAX_REDIRECTS = 3
AT_ONCE = 8
"""Requests under way: the platforms have readers to serve."""

_OUR_NAME = re.compile(r"/([0-9a-f]{32})-\d{2,4}\.(?:avif|webp|jpeg)(?:$|[?#])")
_CHARSET = re.compile(rb"""charset=["']?([\w-]+)""", re.IGNORECASE)


class ProbeTarget(NamedTuple):
    """Where a platform shows profiles; with `{number}` in it an address for each candidate."""

    platform: str
    template: str


class ProbeFinding(NamedTuple):
    """One difference and where it is."""

    platform: str
    address: str
    difference: Difference


class _Unreadable(Exception):
    """An address gave nothing that could be compared; the message is the reason."""


class _Answer(NamedTuple):
    address: str
    media_type: str
    charset: str | None
    body: bytes


async def probe(
    client: httpx.AsyncClient, release: Release, targets: Iterable[ProbeTarget]
) -> tuple[ProbeFinding, ...]:
    """Every difference, in the order of the targets. `client` should follow no redirects."""
    probing = _Probe(client, release)
    pages = [page for target in targets for page in probing.pages(target)]
    by_page = await asyncio.gather(*(probing.look(*page) for page in pages))
    return tuple(finding for findings in by_page for finding in findings)


class _Probe:
    def __init__(self, client: httpx.AsyncClient, release: Release) -> None:
        self._client = client
        self._profiles = release.profiles.candidates
        self._hashes = {name: sha256(data).digest() for name, data in release.pictures.items()}
        self._slots = asyncio.Semaphore(AT_ONCE)

    def pages(
        self, target: ProbeTarget
    ) -> Iterator[tuple[ProbeTarget, str, Sequence[PublicProfile]]]:
        """Each address with the profiles that it must show."""
        if "{number}" not in target.template:
            yield target, target.template, self._profiles
            return
        for profile in self._profiles:
            address = target.template.replace("{number}", str(profile.number))
            yield target, address, (profile,)

    async def look(
        self, target: ProbeTarget, address: str, expected: Sequence[PublicProfile]
    ) -> Sequence[ProbeFinding]:
        """The differences of one page."""
        try:
            page = await self._fetch(address, MAX_PAGE_BYTES)
            shown = self._compare(page, expected)
        except _Unreadable as error:
            number = expected[0].number if len(expected) == 1 else None
            nothing = Difference(number, "page", release_text("profiles"), str(error))
            return (ProbeFinding(target.platform, address, nothing),)
        missing = {d.number for d in shown.differences if d.what == "candidate"}
        hashes = await self._load_hashes(page, shown.pictures)
        wrong = [
            Difference(
                profile.number,
                "portrait",
                release_text("one_of_ours"),
                release_text("none_of_ours"),
            )
            for profile in expected
            if profile.portrait is not None
            and profile.number not in missing
            and not self._is_shown(profile, shown.pictures.get(profile.number, ()), hashes)
        ]
        return [
            ProbeFinding(target.platform, address, difference)
            for difference in (*shown.differences, *wrong)
        ]

    def _compare(self, page: _Answer, profiles: Sequence[PublicProfile]) -> ShownProfile:
        if page.media_type.endswith("json"):
            try:
                document = msgspec.json.decode(page.body)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                raise _Unreadable(release_text("page.not_json")) from None
            return compare_json(document, profiles, {profile.number for profile in self._profiles})
        if page.media_type not in {"text/html", "application/xhtml+xml"}:
            media_type = page.media_type or release_text("page.no_type")
            raise _Unreadable(release_text("page.other_type", media_type=media_type))
        return compare_html(_text(page), profiles, self._profiles)

    def _is_shown(
        self, profile: PublicProfile, addresses: Sequence[str], hashes: Mapping[str, bytes]
    ) -> bool:
        assert profile.portrait is not None
        ours = {self._hashes[name] for name in picture_file_names(profile.portrait)}
        return any(hashes.get(address) in ours for address in addresses)

    async def _load_hashes(
        self, page: _Answer, pictures: Mapping[int, Sequence[str]]
    ) -> Mapping[str, bytes]:
        """SHA-256 by address as the page writes it; of each of our pictures one size is enough."""
        chosen: dict[str, str] = {}
        for address in dict.fromkeys(url for listed in pictures.values() for url in listed):
            ours = _OUR_NAME.search(address)
            chosen.setdefault(ours[1] if ours else address, address)
        addresses = list(chosen.values())[:MAX_PICTURES]
        digests = await asyncio.gather(*(self._hash(page.address, url) for url in addresses))
        return {url: digest for url, digest in zip(addresses, digests, strict=True) if digest}

    async def _hash(self, page: str, address: str) -> bytes | None:
        """None for what cannot be had: then no candidate is shown by it."""
        try:
            absolute = urljoin(page, address)
            if not _may_fetch(absolute, page):
                return None
            answer = await self._fetch(absolute, MAX_PICTURE_BYTES, page)
        except (_Unreadable, ValueError):
            return None
        return sha256(answer.body).digest()

    async def _fetch(self, address: str, limit_bytes: int, page: str | None = None) -> _Answer:
        """Follows few redirects, for pictures to no place they may not come from."""
        try:
            async with self._slots, asyncio.timeout(DEADLINE_SECONDS):
                for _ in range(MAX_REDIRECTS + 1):
                    async with self._client.stream("GET", address) as response:
                        if not response.has_redirect_location:
                            return await _read(response, limit_bytes)
                        address = urljoin(address, response.headers["location"])
                    if not _may_fetch(address, page or address):
                        raise _Unreadable(release_text("page.redirected_elsewhere"))
        except TimeoutError:
            raise _Unreadable(release_text("page.timed_out", seconds=DEADLINE_SECONDS)) from None
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise _Unreadable(
                release_text("page.unreachable", error=type(error).__name__)
            ) from None
        raise _Unreadable(release_text("page.too_many_redirects", most=MAX_REDIRECTS))


async def _read(response: httpx.Response, limit_bytes: int) -> _Answer:
    if response.status_code != 200:
        raise _Unreadable(release_text("page.status", status=response.status_code))
    body = bytearray()
    async for chunk in response.aiter_bytes(64 * 1024):
        body += chunk
        if len(body) > limit_bytes:
            raise _Unreadable(release_text("page.too_large", megabytes=limit_bytes // 1024**2))
    media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    return _Answer(str(response.url), media_type, response.charset_encoding, bytes(body))


def _may_fetch(address: str, page: str) -> bool:
    there, here = urlsplit(address), urlsplit(page)
    if there.scheme == "https":
        return True
    return (there.scheme, there.netloc) == (here.scheme, here.netloc) and there.scheme == "http"


def _text(page: _Answer) -> str:
    """By the charset of the answer, of the page, or UTF-8."""
    declared = _CHARSET.search(page.body[:2048])
    charset = page.charset or (declared[1].decode("ascii") if declared else "utf-8")
    try:
        return page.body.decode(charset, "replace")
    except LookupError:
        return page.body.decode("utf-8", "replace")
