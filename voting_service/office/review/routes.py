"""Every address of the review."""

from __future__ import annotations

from voting_service.office.review import acts, files, pages

ROUTES = [*pages.ROUTES, *acts.ROUTES, *files.ROUTES]
