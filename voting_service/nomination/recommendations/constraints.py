"""The error for each database constraint on recommendations and submissions."""

from __future__ import annotations

from collections.abc import Mapping

from voting_service.errors import Refused, VotingError

CONSTRAINTS: Mapping[str, VotingError] = {
    "recommendations_fixed": Refused("nomination.recommendations.submitted_is_fixed"),
    "recommendations_person_once": Refused("nomination.recommendations.person_already_recommended"),
    "recommendations_drafts": Refused("nomination.recommendations.only_drafts_are_deleted"),
    "files_quota": Refused("nomination.recommendations.too_many_files"),
    "submissions_state": Refused("nomination.recommendations.already_submitted"),
    "submissions_officer": Refused("nomination.recommendations.not_your_body"),
    "submissions_not_open": Refused("nomination.recommendations.not_open_yet"),
    "submissions_deadline": Refused("nomination.recommendations.deadline_passed"),
    "submissions_after_shortlist": Refused("nomination.recommendations.shortlist_decided"),
    "submissions_earlier_winner": Refused("nomination.recommendations.earlier_winner"),
    "submissions_files": Refused("nomination.recommendations.files_replaced"),
    "submissions_stamped": Refused("nomination.recommendations.no_stamped_page"),
    "submissions_quota": Refused("nomination.recommendations.quota_full"),
}
"""By constraint name, as migrations/ gives it."""
