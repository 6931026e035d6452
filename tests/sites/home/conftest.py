"""The home runs in the process of the console and the nomination site, and so do the fixtures."""

from __future__ import annotations

from tests.sites.console.conftest import clock, guard, staff_app
from tests.sites.nomination.review.conftest import chosen

__all__ = ["chosen", "clock", "guard", "staff_app"]
