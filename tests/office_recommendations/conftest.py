"""The desk with the office, a selection that is open, and officers of its bodies."""

from __future__ import annotations

from tests.office.conftest import chosen
from tests.staff.conftest import clock, desktop, guard, office

__all__ = ["chosen", "clock", "desktop", "guard", "office"]
