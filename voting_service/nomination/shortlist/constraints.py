"""The error for each database constraint on the shortlist and the draw."""

from __future__ import annotations

from collections.abc import Mapping

from voting_service.errors import Refused, SecondPersonRequired, VotingError

CONSTRAINTS: Mapping[str, VotingError] = {
    "shortlist_exact": Refused("nomination.shortlist.wrong_number"),
    "shortlist_reviewed": Refused("nomination.shortlist.reviews_unfinished"),
    "shortlist_replacement": Refused("nomination.shortlist.replacement_not_allowed"),
    "shortlist_replacement_before_numbers": Refused(
        "nomination.shortlist.numbers_before_replacement"
    ),
    "shortlist_published_to_contest": Refused("nomination.shortlist.already_published_to_contest"),
    "draw_source_ahead": Refused("nomination.shortlist.draw_source_in_past"),
    "draw_order": Refused("nomination.shortlist.draw_out_of_order"),
    "objections_about_shortlist": Refused("nomination.shortlist.objection_names_nobody"),
    "objections_two_people": SecondPersonRequired(
        "nomination.shortlist.cannot_uphold_own_objection"
    ),
    "contest_publication_numbers": Refused("nomination.shortlist.publish_needs_numbers"),
    "contest_publication_notice": Refused("nomination.shortlist.publish_needs_notice"),
    "contest_publication_period": Refused("nomination.shortlist.notice_period_running"),
    "contest_publication_objections": Refused("nomination.shortlist.objections_unanswered"),
    "contest_publication_replacement": Refused("nomination.shortlist.replacement_outstanding"),
    "contest_publication_two_people": SecondPersonRequired(
        "nomination.shortlist.publish_needs_two_people"
    ),
}
"""By constraint name, as migrations/ gives it."""
