"""The error for each database constraint on contests and platforms."""

from __future__ import annotations

from collections.abc import Mapping

from voting_service.errors import (
    Fault,
    InvalidInput,
    Refused,
    SecondPersonRequired,
    VotingError,
)

CONSTRAINTS: Mapping[str, VotingError] = {
    "contests_slug_key": InvalidInput(Fault("slug", "contests.slug_taken")),
    "platforms_slug_key": InvalidInput(Fault("slug", "contests.platform_slug_taken")),
    "platforms_person_policy_fixed": Refused("contests.person_policy_fixed"),
    "platforms_two_people": Refused("contests.settings.platform_needs_two_people"),
    "platforms_sessions_stay_ended": Refused("contests.settings.sessions_stay_ended"),
    "contests_rules_fixed": Refused("contests.rules_fixed"),
    "contests_close_ahead": Refused("contests.close_ahead"),
    "contests_two_people": SecondPersonRequired("contests.settings_need_two_people"),
    "contest_keys_in_use": Refused("contests.key_in_use"),
    "contests_stay_closed": Refused("contests.stays_closed"),
}
"""By constraint name, as migrations/ gives it."""
