"""Even distribution of recommendations to reviewers. No I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from voting_service.nomination.review.repository import SubmittedRecommendation

Assignments = Mapping[int, tuple[int, ...]]
"""Account ids of reviewers, by recommendation."""
MAX_REVIEWERS_EACH = 5


def count_open(all_submitted: Iterable[SubmittedRecommendation]) -> Counter[int]:
    """Return how many recommendations wait for a review by each account."""
    return Counter(
        account_id
        for submitted in all_submitted
        if submitted.state == "submitted"
        for account_id, _ in submitted.reviewers
    )


def distribute(
    chosen: Iterable[SubmittedRecommendation],
    reviewers: Sequence[int],
    open_reviews: Mapping[int, int],
    per_recommendation: int,
) -> Assignments:
    """Return the recommendations that get further reviewers until they have
    `per_recommendation`, with all their
    reviewers: the one with the fewest open reviews is next, in the order given where it is equal.
    Nobody gets a recommendation twice, and nobody loses one."""
    load = Counter(dict(open_reviews))
    assignments = {}
    for submitted in chosen:
        present = [account_id for account_id, _ in submitted.reviewers]
        free = [account_id for account_id in reviewers if account_id not in present]
        missing = max(per_recommendation - len(present), 0)
        added = sorted(free, key=lambda account_id: load[account_id])[:missing]
        load.update(added)
        if added:
            assignments[submitted.id] = (*present, *added)
    return assignments
