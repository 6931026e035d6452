"""The browser and the site of tests/browser, for the pages' own tests."""

from __future__ import annotations

from tests.browser.conftest import (
    desktop,
    guard,
    no_scripts,
    phone,
    platform_site,
    site,
    stranger_site,
    two_foreign_sites,
)

__all__ = [
    "desktop",
    "guard",
    "no_scripts",
    "phone",
    "platform_site",
    "site",
    "stranger_site",
    "two_foreign_sites",
]
