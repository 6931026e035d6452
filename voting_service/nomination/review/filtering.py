"""The filter of the review queue. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from voting_service.nomination.review.repository import SubmittedRecommendation

NOBODY = "nobody"


class QueueFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What the queue shows; an empty part matches everything. `assignee` is an account id or
    NOBODY, `central` is "yes" or "no"."""

    state: str = ""
    body: str = ""
    industry: str = ""
    chain: str = ""
    qualification: str = ""
    central: str = ""
    assignee: str = ""
    words: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> QueueFilter:
        return cls(**{name: query.get(name, "").strip() for name in cls.__struct_fields__})


def apply_filter(
    all_submitted: Iterable[SubmittedRecommendation], queue_filter: QueueFilter
) -> tuple[SubmittedRecommendation, ...]:
    """Return the recommendations that match every part; each of `words` must occur somewhere."""
    return tuple(submitted for submitted in all_submitted if _matches(submitted, queue_filter))


def _matches(submitted: SubmittedRecommendation, queue_filter: QueueFilter) -> bool:
    form = submitted.form
    values = {
        "state": submitted.state,
        "body": submitted.body.slug,
        "industry": form.industry,
        "chain": form.chain,
        "qualification": form.qualification or "",
        "central": "yes" if form.is_central_unit else "no",
        "assignee": str(submitted.assigned_to or NOBODY),
    }
    if any(getattr(queue_filter, name) not in ("", value) for name, value in values.items()):
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
