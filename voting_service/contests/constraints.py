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
    "contests_announced_by_two": SecondPersonRequired("contests.drafts.two_people_announce"),
    "contest_drafts_slug_key": InvalidInput(Fault("slug", "contests.drafts.slug_taken")),
    "contest_drafts_ended": Refused("contests.drafts.ended"),
    "contests_announced_stay": Refused("contests.announced_stays"),
    "contests_in_use": Refused("contests.in_use"),
    "contests_stay_closed": Refused("contests.stays_closed"),
    "pictures_two_people": SecondPersonRequired("contests.pictures.two_people"),
    "contest_logos_two_people": SecondPersonRequired("contests.pictures.logo_two_people"),
    "candidates_come_with_contest": Refused("contests.candidates_come_with_contest"),
    "profile_corrections_turn": Refused("contests.candidate_changes.changed_since"),
    "profile_corrections_name_signed": Refused("contests.candidate_changes.name_signed"),
    "withdrawals_in_time": Refused("contests.candidate_changes.stored_too_slowly"),
    "withdrawals_too_few_left": Refused("contests.candidate_changes.too_few_left"),
}
"""By constraint name, as migrations/ gives it."""
