"""The standings as a page; a small module keeps it moving (static/standings.js)."""

from __future__ import annotations

from typing import Any

from voting_service.contests.model import Language
from voting_service.public.pages.book import PageBook
from voting_service.public.pages.page_read import PageRead
from voting_service.public.worker import ContestDesk
from voting_service.web.prepared import PreparedPage


class StandingsPage(PageRead):
    """What the release schedule shows now."""

    # A CDN asks once a second; a reader's own browser always, for the button that looks again.
    cache_control = b"public, max-age=0, s-maxage=1"

    def find(
        self, desk: ContestDesk, book: PageBook, language: Language, path: dict[str, Any]
    ) -> PreparedPage:
        shown, tag = desk.board.standings()
        return book.standings(language, shown, tag)
