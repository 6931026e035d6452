"""The error for each database constraint on public notices."""

from __future__ import annotations

from collections.abc import Mapping

from voting_service.errors import Refused, VotingError

CONSTRAINTS: Mapping[str, VotingError] = {
    "notices_once": Refused("nomination.notices.already_published"),
}
"""By constraint name, as migrations/ gives it."""
