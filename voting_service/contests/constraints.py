"""The error for each database constraint on contests and platforms."""

from __future__ import annotations

from collections.abc import Mapping

from voting_service.errors import Fault, InvalidInput, Refused, VotingError

CONSTRAINTS: Mapping[str, VotingError] = {
    "contests_slug_key": InvalidInput(Fault("slug", "contests.slug_taken")),
    "platforms_slug_key": InvalidInput(Fault("slug", "contests.platform_slug_taken")),
    "contests_rules_fixed": Refused("contests.rules_fixed"),
    "contests_stay_closed": Refused("contests.stays_closed"),
}
"""By constraint name, as migrations/ gives it."""
