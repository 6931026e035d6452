"""The error for each database constraint on results and certificates."""

from __future__ import annotations

from collections.abc import Mapping

from voting_service.errors import Refused, SecondPersonRequired, VotingError

CONSTRAINTS: Mapping[str, VotingError] = {
    "awards_before_scores": Refused("nomination.awards.scoring_unfinished"),
    "awards_exactly": Refused("nomination.awards.wrong_number_of_winners"),
    "award_results_two_people": SecondPersonRequired("nomination.awards.result_needs_two_people"),
    "certificates_after_objections": Refused("nomination.awards.objections_still_open"),
    "certificates_objections_answered": Refused("nomination.awards.objections_unanswered"),
    "certificates_awarded": Refused("nomination.awards.not_in_result"),
    "certificates_once": Refused("nomination.awards.already_numbered"),
}
"""By constraint name, as migrations/ gives it."""
