"""The last seconds of a contest: what may still be stored after the close, and for how long."""

from __future__ import annotations

COMMIT_GRACE_SECONDS = 10
"""A vote that was accepted before the close may reach Postgres this much later, never after:
the insert itself refuses."""

DRAIN_SECONDS = 15
"""When this has passed since the close no ballot can appear any more: the grace, and the five
seconds that a statement begun within it may still run (storage/postgres.py)."""
