"""The standings page. static/standings.js keeps it up to date."""

from __future__ import annotations

from typing import Any

from voting_service.sites.public.pages.cached_views import CachedPage, PageSource
from voting_service.sites.shared.prepared_pages import PreparedPage


class StandingsPage(CachedPage):
    """The standings as the release schedule allows."""

    # CDNs revalidate once a second, browsers always, so that the refresh button works.
    cache_control = b"public, max-age=0, s-maxage=1"

    def find(self, source: PageSource, path: dict[str, Any]) -> PreparedPage:
        shown, tag = source.contest_state.standings_cache.standings()
        return source.page_cache.standings(source.language, shown, tag)
