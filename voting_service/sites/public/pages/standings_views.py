"""The standings as a page, which static/standings.js keeps up to date, as a table for spreadsheets,
and as a chart for other sites' pages."""

from __future__ import annotations

from typing import Any, ClassVar

from voting_service.sites.public.pages.cached_views import CachedPage, PageSource
from voting_service.sites.shared.prepared_pages import PreparedPage
from voting_service.sites.shared.problem_documents import Headers

_NO_SNIFFING = (b"x-content-type-options", b"nosniff")


class StandingsPage(CachedPage):
    """The standings as the release schedule allows."""

    # CDNs revalidate once a second, browsers always, so that the refresh button works.
    cache_control = b"public, max-age=0, s-maxage=1"

    def find(self, source: PageSource, path: dict[str, Any]) -> PreparedPage:
        shown = source.contest_state.standings_cache.standings()
        return source.page_cache.standings(source.language, shown)


class StandingsTable(CachedPage):
    """The standings as CSV, which browsers save under the contest's name."""

    headers: ClassVar[Headers | None] = [
        (b"content-type", b"text/csv; charset=utf-8"),
        (b"content-disposition", b"attachment"),
        _NO_SNIFFING,
    ]
    cache_control = b"public, max-age=1, stale-while-revalidate=5"
    vary = b"Accept-Encoding, Origin"

    def find(self, source: PageSource, path: dict[str, Any]) -> PreparedPage:
        shown = source.contest_state.standings_cache.standings()
        return source.page_cache.standings_table(source.language, shown)


class StandingsChart(CachedPage):
    """The standings as SVG. Any page may show it: it shows no more than our own."""

    headers: ClassVar[Headers | None] = [
        (b"content-type", b"image/svg+xml"),
        (b"content-security-policy", b"default-src 'none'; sandbox"),
        (b"cross-origin-resource-policy", b"cross-origin"),
        _NO_SNIFFING,
    ]
    cache_control = b"public, max-age=10, stale-while-revalidate=60"

    def find(self, source: PageSource, path: dict[str, Any]) -> PreparedPage:
        shown = source.contest_state.standings_cache.standings()
        return source.page_cache.standings_chart(source.language, shown)
