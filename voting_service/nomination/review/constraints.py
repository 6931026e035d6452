"""The error for each database constraint on reviews."""

from __future__ import annotations

from collections.abc import Mapping

from voting_service.errors import Fault, InvalidInput, Refused, VotingError

CONSTRAINTS: Mapping[str, VotingError] = {
    "reviews_state": Refused("nomination.review.state_changed"),
    "reviews_reviewers": Refused("nomination.review.reviewers_only"),
    "reviews_term": InvalidInput(Fault("until", "nomination.review.term_out_of_range")),
    "preliminary_scores_range": InvalidInput(
        Fault("score", "nomination.review.score_out_of_range")
    ),
    "reviews_deadline": Refused("nomination.review.deadline_passed"),
    "reviews_after_shortlist": Refused("nomination.review.shortlist_decided"),
}
"""By constraint name, as migrations/ gives it."""
