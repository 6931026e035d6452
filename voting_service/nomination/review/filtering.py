"""The filter and the order of the review queue. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from voting_service.errors import NotFound
from voting_service.nomination.review.repository import SubmittedRecommendation

NOBODY = "nobody"
_STATES = ("submitted", "returned", "accepted", "rejected", "withdrawn")

SORT_KEYS: Mapping[str, Callable[[SubmittedRecommendation], Any]] = {
    "body": lambda submitted: submitted.body.id,
    "industry": lambda submitted: (submitted.form.industry, submitted.form.chain),
    "state": lambda submitted: _STATES.index(submitted.state),
    "submitted": lambda submitted: submitted.submitted_at,
    "preliminary_score": lambda submitted: (
        -1 if submitted.average_score is None else submitted.average_score
    ),
    "assignee": lambda submitted: [name for _, name in submitted.reviewers],
}
"""What the queue can be sorted by; what is equal is in the order of numbers."""


class QueueFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What the queue shows; an empty part matches everything. `assignee` is an account id or
    NOBODY, `central` is "yes" or "no"; `sort` is one of SORT_KEYS, descending after a minus. With
    `since`, a time in seconds, a recommendation that got a verdict later matches whatever its state
    is now: so the way through a list of those that wait keeps its length while they are decided."""

    state: str = ""
    body: str = ""
    industry: str = ""
    chain: str = ""
    qualification: str = ""
    central: str = ""
    assignee: str = ""
    words: str = ""
    sort: str = ""
    since: str = ""

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
    all_submitted: Iterable[SubmittedRecommendation],
    queue_filter: QueueFilter,
    kept: int | None = None,
) -> tuple[SubmittedRecommendation, ...]:
    """Return the recommendations that match every part, and the one with the number `kept`, in the
    order of the filter; each of `words` must occur somewhere."""
    shown = [
        submitted
        for submitted in all_submitted
        if submitted.id == kept or _matches(submitted, queue_filter)
    ]
    sort = queue_filter.sort
    key = SORT_KEYS.get(sort.removeprefix("-"))
    return tuple(shown if key is None else sorted(shown, key=key, reverse=sort.startswith("-")))


class QueuePlace(NamedTuple):
    """Where a recommendation stands in the filtered queue: the `number`th of `total`, with the
    numbers of its neighbours."""

    number: int
    total: int
    previous: int | None
    following: int | None


def find_place(
    all_submitted: Iterable[SubmittedRecommendation], queue_filter: QueueFilter, current: int
) -> QueuePlace:
    """Return the place of a recommendation, which keeps it where it no longer matches the filter.
    Raises NotFound."""
    ids = [submitted.id for submitted in apply_filter(all_submitted, queue_filter, current)]
    if current not in ids:
        raise NotFound("nomination.review.no_such_recommendation")
    place = ids.index(current)
    return QueuePlace(
        number=place + 1,
        total=len(ids),
        previous=ids[place - 1] if place else None,
        following=ids[place + 1] if place + 1 < len(ids) else None,
    )


def _matches(submitted: SubmittedRecommendation, queue_filter: QueueFilter) -> bool:
    form = submitted.form
    values: dict[str, str] = {
        "state": submitted.state,
        "body": submitted.body.slug,
        "industry": form.industry,
        "chain": form.chain,
        "qualification": form.qualification or "",
        "central": "yes" if form.is_central_unit else "no",
    }
    if _was_decided_since(submitted, queue_filter):
        values["state"] = queue_filter.state
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


def _was_decided_since(submitted: SubmittedRecommendation, queue_filter: QueueFilter) -> bool:
    since = queue_filter.since
    if not (since.isascii() and since.isdecimal()) or submitted.reviewed_at is None:
        return False
    return submitted.reviewed_at.timestamp() >= int(since)
