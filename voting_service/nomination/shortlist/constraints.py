"""The error for each database constraint on the shortlist and the draw."""

from __future__ import annotations

from collections.abc import Mapping

from voting_service.errors import Refused, SecondPersonRequired, VotingError

CONSTRAINTS: Mapping[str, VotingError] = {
    "picks_exact": Refused("nomination.shortlist.wrong_number"),
    "picks_reviewed": Refused("nomination.shortlist.reviews_unfinished"),
    "picks_replacement": Refused("nomination.shortlist.replacement_not_allowed"),
    "picks_replacement_before_numbers": Refused("nomination.shortlist.numbers_before_replacement"),
    "picks_handed_over": Refused("nomination.shortlist.already_published_to_contest"),
    "draw_source_ahead": Refused("nomination.shortlist.draw_source_in_past"),
    "draw_order": Refused("nomination.shortlist.draw_out_of_order"),
    "objections_about_a_pick": Refused("nomination.shortlist.objection_names_nobody"),
    "objections_two_people": SecondPersonRequired(
        "nomination.shortlist.cannot_uphold_own_objection"
    ),
    "hand_over_numbers": Refused("nomination.shortlist.publish_needs_numbers"),
    "hand_over_notice": Refused("nomination.shortlist.publish_needs_notice"),
    "hand_over_period": Refused("nomination.shortlist.notice_period_running"),
    "hand_over_objections": Refused("nomination.shortlist.objections_unanswered"),
    "hand_over_replacement": Refused("nomination.shortlist.replacement_outstanding"),
    "hand_over_two_people": SecondPersonRequired("nomination.shortlist.publish_needs_two_people"),
}
"""By constraint name, as migrations/ gives it."""
