"""The filter and the order of the review queue. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from voting_service.nomination.review.repository import SubmittedRecommendation

NOBODY = "nobody"
_STATES = ("submitted", "returned", "accepted", "rejected", "withdrawn")

SORT_KEYS: Mapping[str, Callable[[SubmittedRecommendation], Any]] = {
    "body": lambda submitted: submitted.body.id,
    "industry": lambda submitted: (submitted.form.industry, submitted.form.chain),
    "state": lambda submitted: _STATES.index(submitted.state),
    "submitted": lambda submitted: submitted.submitted_at,
    "assignee": lambda submitted: [name for _, name in submitted.reviewers],
}
"""What the queue can be sorted by; what is equal is in the order of numbers."""


class QueueFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What the queue shows; an empty part matches everything. `assignee` is an account id or
    NOBODY, `central` is "yes" or "no"; `sort` is one of SORT_KEYS, descending after a minus."""

    state: str = ""
    body: str = ""
    industry: str = ""
    chain: str = ""
    qualification: str = ""
    central: str = ""
    assignee: str = ""
    words: str = ""
    sort: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> QueueFilter:
        return cls(**{name: query.get(name, "").strip() for name in cls.__struct_fields__})

    def parts(self) -> dict[str, str]:
        """Return the parts that are not empty, as `of` takes them."""
        return {name: text for name in self.__struct_fields__ if (text := getattr(self, name))}

    def sorted_by(self, key: str) -> QueueFilter:
        """Return the filter with another order; descending where it is by that key already."""
        return msgspec.structs.replace(self, sort=f"-{key}" if self.sort == key else key)


def apply_filter(
    all_submitted: Iterable[SubmittedRecommendation], queue_filter: QueueFilter
) -> tuple[SubmittedRecommendation, ...]:
    """Return the recommendations that match every part, in the order of the filter; each of `words`
    must occur somewhere."""
    shown = [submitted for submitted in all_submitted if _matches(submitted, queue_filter)]
    sort = queue_filter.sort
    key = SORT_KEYS.get(sort.removeprefix("-"))
    return tuple(shown if key is None else sorted(shown, key=key, reverse=sort.startswith("-")))


def _matches(submitted: SubmittedRecommendation, queue_filter: QueueFilter) -> bool:
    form = submitted.form
    values = {
        "state": submitted.state,
        "body": submitted.body.slug,
        "industry": form.industry,
        "chain": form.chain,
        "qualification": form.qualification or "",
        "central": "yes" if form.is_central_unit else "no",
    }
    if any(getattr(queue_filter, name) not in ("", value) for name, value in values.items()):
        return False
    assignees = [str(account_id) for account_id, _ in submitted.reviewers] or [NOBODY]
    if queue_filter.assignee not in ("", *assignees):
        return False
    searched = (
        str(submitted.id),
        form.name,
        form.trade,
        form.employer,
        form.skill_grade,
        form.skills,
        form.deeds,
        form.chain,
    )
    text = "\n".join(searched).casefold()
    return all(word in text for word in queue_filter.words.casefold().split())
