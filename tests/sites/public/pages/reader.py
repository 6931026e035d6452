"""A reader with a browser that runs no scripts and that a test can make lie."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from html import unescape
from urllib.parse import urlencode

import httpx

from tests.browser.site import SLUG, Site
from tests.patience import PATIENCE_SECONDS

FORM = "application/x-www-form-urlencoded"
BALLOT = f"/zh/{SLUG}/ballot"
REVIEW = f"{BALLOT}/review"
LEAVE = f"/zh/{SLUG}/leave"
PLATFORM_ORIGIN = "https://news.example"


class Reader:
    """Keeps cookies and follows nothing by itself."""

    reviewed: httpx.Response

    def __init__(self, site: Site, client: httpx.AsyncClient) -> None:
        self.site = site
        self.client = client

    async def get(self, path: str, **more: object) -> httpx.Response:
        return await self.client.get(path, **more)  # type: ignore[arg-type]

    async def post(
        self,
        path: str,
        fields: Sequence[tuple[str, object]] | Mapping[str, object] | bytes,
        **headers: str,
    ) -> httpx.Response:
        """A form post as a browser of today sends it from our own page, unless given otherwise;
        a header that is set to nothing is left out."""
        body = fields if isinstance(fields, bytes) else urlencode(fields).encode()
        output = {
            "content-type": FORM,
            "origin": self.site.origin,
            "sec-fetch-site": "same-origin",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        return await self.client.post(
            path, content=body, headers={name: value for name, value in output.items() if value}
        )

    async def enter(self, subject: str | None = None, **more: str) -> httpx.Response:
        """Arrives from the platform."""
        return await self.post(
            "/enter",
            {"platform": self.site.platform.slug, "token": self.site.token(subject), **more},
            origin=self.platform_origin,
            sec_fetch_site="cross-site",
        )

    @property
    def platform_origin(self) -> str:
        platforms = self.site.state.registry.platforms
        return platforms[self.site.platform.slug].origins[0]

    async def stored_ballots(self) -> int:
        count: int = await self.site.database.fetchval("select count(*) from ballots")
        return count

    async def review(self, choices: Sequence[object]) -> httpx.Response:
        """What the review shows; where it is refused, what is said about that."""
        answer = await self.post(REVIEW, [("choice", number) for number in choices])
        if answer.status_code != 303:
            return answer
        assert answer.headers["location"] == REVIEW
        return await self.get(REVIEW)

    def forget_voted(self) -> None:
        """As a browser does when the period ends."""
        for cookie in list(self.client.cookies.jar):
            if cookie.name.startswith("voted-"):
                self.client.cookies.delete(cookie.name)

    async def cast(self, choices: Sequence[object], **more: str) -> httpx.Response:
        """Reviews and presses the button; who has voted, that of a page opened before."""
        page = await self.review(choices)
        if page.status_code != 200 or 'class="cast"' in page.text:
            self.reviewed = page
        return await self.post(BALLOT, ballot_form(self.reviewed, choices), **more)


def csrf_token_in(page: httpx.Response) -> str:
    """The hidden field of the ballot's form."""
    result = re.search(r'name="csrf_token" value="([0-9a-f]{32})"', page.text)
    assert result, page.text
    return result[1]


def ballot_form(page: httpx.Response, choices: Sequence[object]) -> list[tuple[str, object]]:
    """The fields that the ballot's form sends, with these choices."""
    period = re.search(r'name="period" value="([0-9-]{10})"', page.text)
    assert period, page.text
    return [
        *(("choice", number) for number in choices),
        ("csrf_token", csrf_token_in(page)),
        ("period", period[1]),
    ]


def heading(page: httpx.Response) -> str:
    """The page's first heading."""
    result = re.search(r"<h1[^>]*>(.*?)</h1>", page.text, re.S)
    assert result, page.text
    return unescape(result[1]).strip()


def cookies_set(answer: httpx.Response) -> dict[str, str]:
    """The attributes of every cookie that an answer sets, by its name."""
    lines = answer.headers.get_list("set-cookie")
    return {line.partition("=")[0]: line for line in lines}


@asynccontextmanager
async def reading(site: Site) -> AsyncIterator[Reader]:
    async with httpx.AsyncClient(base_url=site.origin, timeout=PATIENCE_SECONDS) as client:
        yield Reader(site, client)
