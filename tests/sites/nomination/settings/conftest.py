"""The nomination site and an open selection."""

from __future__ import annotations

from tests.sites.nomination.bodies.conftest import chosen
from tests.sites.nomination.recommendations.conftest import keys, officer

__all__ = ["chosen", "keys", "officer"]
