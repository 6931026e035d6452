"""Distribution of people by industry, chain, body, kind of employer, sex, qualification and age,
and how far they came. No I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date
from typing import Literal, NamedTuple

from voting_service.nomination.model import RecommendingBody, Selection
from voting_service.nomination.review.repository import SubmittedRecommendation

DIMENSIONS = (
    *("industry", "chain", "body", "central_unit"),
    *("sex", "qualification", "front_line", "age"),
)
_AGES = ((35, "under_35"), (45, "under_45"), (55, "under_55"))


class CoverageShare(NamedTuple):
    """One line of a table: `people` of `total` have the value `key`, as in `traits`, and of these
    people `central` are of central units."""

    key: str
    people: int
    total: int
    central: int


Completeness = Literal["not_begun", "draft", "complete", "submitted"]


class Places(NamedTuple):
    """How far the people of a body or an industry came: each is counted once, where they stand
    now. `under_review` are submitted or returned, `accepted` are those not `chosen`, `complete`
    are drafts that could be submitted, `drafts` the others; `free` is what is left of the quota."""

    chosen: int = 0
    accepted: int = 0
    under_review: int = 0
    rejected: int = 0
    complete: int = 0
    drafts: int = 0
    free: int = 0

    @property
    def people(self) -> int:
        """Everybody who was submitted."""
        return self.chosen + self.accepted + self.under_review + self.rejected


class BodyPlaces(NamedTuple):
    """The places of a recommending body."""

    body: RecommendingBody
    quota: int
    places: Places

    @property
    def completeness(self) -> Completeness:
        """How far the body is."""
        if self.places.people:
            return "submitted"
        if self.places.complete:
            return "complete"
        return "draft" if self.places.drafts else "not_begun"


def _places(
    people: Iterable[SubmittedRecommendation],
    chosen: Collection[int],
    quota: int = 0,
    drafts: Collection[bool] = (),
) -> Places:
    states = Counter(
        "chosen" if submitted.id in chosen else submitted.state for submitted in people
    )
    return Places(
        states["chosen"],
        states["accepted"],
        states["submitted"] + states["returned"],
        states["rejected"],
        sum(drafts),
        len(drafts) - sum(drafts),
        max(quota - states.total() - len(drafts), 0),
    )


def coverage_by_body(
    present: Iterable[SubmittedRecommendation],
    bodies: Iterable[RecommendingBody],
    selection: Selection,
    chosen: Collection[int],
    drafts: Mapping[int, Collection[bool]],
) -> tuple[BodyPlaces, ...]:
    """Return the places of every body against its quota, also of those that recommended nobody.
    `present` are not withdrawn; `chosen` are the numbers of those on the shortlist; `drafts` say of
    each draft of a body whether it is complete."""
    people: dict[int, list[SubmittedRecommendation]] = {}
    for submitted in present:
        people.setdefault(submitted.body.id, []).append(submitted)
    return tuple(
        BodyPlaces(
            body, quota, _places(people.get(body.id, ()), chosen, quota, drafts.get(body.id, ()))
        )
        for body in bodies
        for quota in (selection.quota(body.kind),)
    )


def coverage_by_industry(
    present: Iterable[SubmittedRecommendation], selection: Selection, chosen: Collection[int]
) -> Mapping[str, Places]:
    """Return the places of each industry, in the order of the rules; others after them."""
    people: dict[str, list[SubmittedRecommendation]] = {
        industry: [] for industry in selection.rules.industries
    }
    for submitted in present:
        people.setdefault(submitted.form.industry, []).append(submitted)
    return {industry: _places(listed, chosen) for industry, listed in people.items()}


def traits(submitted: SubmittedRecommendation, today: date) -> Mapping[str, str]:
    """Return a person's value in each dimension; empty where the form states none.

    The notice's form does not ask who works on the front line. People who qualify by a vocational
    grade or as inheritors of a craft count as such; those who qualify by a professional title
    alone do not.
    """
    form = submitted.form
    return {
        "industry": form.industry,
        "chain": form.chain,
        "body": submitted.body.slug,
        "central_unit": "yes" if form.is_central_unit else "no",
        "sex": form.sex or "",
        "qualification": form.qualification or "",
        "front_line": "yes" if form.qualification in ("technician", "heritage") else "no",
        "age": _age(submitted, today),
    }


def _age(submitted: SubmittedRecommendation, today: date) -> str:
    birth = submitted.form.birth
    if birth is None:
        return ""
    years = today.year - birth.year - (today.month < birth.month)
    return next((key for limit, key in _AGES if years < limit), "over_55")


def coverage(
    all_submitted: Iterable[SubmittedRecommendation], selection: Selection, today: date
) -> Mapping[str, tuple[CoverageShare, ...]]:
    """Return the shares by dimension, most frequent first; industries in the order of the rules,
    including those without people."""
    people = [traits(submitted, today) for submitted in all_submitted]
    shares: dict[str, tuple[CoverageShare, ...]] = {}
    for dimension in DIMENSIONS:
        counts = Counter(person[dimension] for person in people)
        central = Counter(person[dimension] for person in people if person["central_unit"] == "yes")
        keys = sorted(counts, key=lambda key: (-counts[key], key))
        if dimension == "industry":
            listed = list(selection.rules.industries)
            keys = [*listed, *(key for key in keys if key not in listed)]
        shares[dimension] = tuple(
            CoverageShare(key, counts[key], len(people), central[key]) for key in keys
        )
    return shares


def dimension_labels(
    selection: Selection,
    body_names: Mapping[str, str],
    texts: Mapping[str, Mapping[str, str]],
    language: str,
) -> Callable[[str, str], str]:
    """Return a function that names a key of a dimension; `texts` are by dimension and key."""

    def label(dimension: str, key: str) -> str:
        if dimension == "industry" and key in selection.rules.industries:
            return str(getattr(selection.rules.industries[key], language))
        if dimension == "body":
            return body_names.get(key, key)
        return texts.get(dimension, {}).get(key, key) or texts["not_stated"]["not_stated"]

    return label
