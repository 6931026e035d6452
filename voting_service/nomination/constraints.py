"""The error for each database constraint on nominations and recommending bodies."""

from __future__ import annotations

from collections.abc import Mapping

from voting_service.errors import Fault, InvalidInput, Refused, VotingError

CONSTRAINTS: Mapping[str, VotingError] = {
    "selections_slug_key": InvalidInput(Fault("slug", "nomination.slug_taken")),
    "selections_contest_key": Refused("nomination.contest_taken"),
    "bodies_slug_key": InvalidInput(Fault("slug", "nomination.body_slug_taken")),
}
"""By constraint name, as migrations/ gives it."""
