"""A public log for the pages of a site: its files and proofs, as browsers get them."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import msgspec
from playwright.async_api import Page, Route

from tests.browser.site import SLUG, Site
from tests.voting.public_log.log_builder import LogBuilder, LogPlan, build_open
from voting_service.voting.public_log.commitments import BundleBallot, ballot_tag, split_tags

_PROOF = re.compile(r"/receipts/([0-9a-f]{32})/proof$")


class PublishedLog:
    """Answers a page's requests for the log; `builder` may be changed, and `files` after it."""

    def __init__(self, builder: LogBuilder) -> None:
        self.builder = builder
        self.files: dict[str, bytes] = {}
        self.damage = 0
        """How many bytes of a proof are lost."""

    async def serve(self, page: Page) -> None:
        """Publish it for a page."""
        self.files = dict(self.builder.files())
        await page.route(f"**/log/{SLUG}/**", self._file)
        await page.route(_PROOF, self._proof)

    def proof(self, ballot: str) -> bytes | None:
        """The proof of a ballot; None while it is in no bundle."""
        tag = ballot_tag(bytes.fromhex(ballot))
        for bundle, tags in self.builder.tags.items():
            if tag in split_tags(tags):
                proof = self.builder.receipt(bundle, split_tags(tags).index(tag))
                return msgspec.json.encode(proof)[self.damage :]
        return None

    def add(self, ballot: str) -> None:
        """Write a ballot into the log, among others."""
        builder = self.builder
        ids = [bytes.fromhex(ballot), *(builder.random.randbytes(16) for _ in range(149))]
        builder.add_bundle([BundleBallot(ballot_id, (1, 2), held=False) for ballot_id in ids])

    async def _file(self, route: Route) -> None:
        path = urlsplit(route.request.url).path.removeprefix(f"/log/{SLUG}/")
        body = self.files.get(path)
        await route.fulfill(status=404 if body is None else 200, body=body or b"")

    async def _proof(self, route: Route) -> None:
        match = _PROOF.search(route.request.url)
        assert match is not None
        body = self.proof(match[1])
        await route.fulfill(status=404 if body is None else 200, body=body or b"")


def open_log() -> PublishedLog:
    """The log of a vote that goes on."""
    return PublishedLog(build_open(LogPlan(ballots=600, seed=7)))


async def open_receipt(page: Page, site: Site, ballot: str, language: str = "zh") -> None:
    """Open the page of a receipt."""
    await page.goto(site.page(f"/receipts/{ballot}", language=language))
