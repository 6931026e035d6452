"""Every address from the choice to the hand-over."""

from __future__ import annotations

from voting_service.office.picks import acts, notice_pages, pages, profile_pages

ROUTES = [*pages.ROUTES, *acts.ROUTES, *profile_pages.ROUTES, *notice_pages.ROUTES]
