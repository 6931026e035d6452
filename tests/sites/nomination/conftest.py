"""The nomination site runs in the same process as the console, and so do the fixtures."""

from __future__ import annotations

from tests.sites.console.conftest import clock, desktop, guard, second_desktop, staff_app

__all__ = ["clock", "desktop", "guard", "second_desktop", "staff_app"]
