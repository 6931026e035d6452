"""The seconds after a moment, the close above all: what may still be stored, and for how long."""

from __future__ import annotations

COMMIT_GRACE_SECONDS = 10
"""A ballot may reach Postgres this much after its moment, never later: the insert itself
refuses."""

DRAIN_SECONDS = 15
"""When this has passed since a moment no ballot from before it can appear any more: the grace,
and the five seconds that a statement begun within it may still run (storage/postgres.py)."""
