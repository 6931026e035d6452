"""How people spread over industries, chains, bodies, sexes, qualifications and ages. No I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import NamedTuple

from voting_service.office.model import Selection
from voting_service.office.review.reading import Dossier

DIMENSIONS = ("industry", "chain", "body", "sex", "qualification", "front_line", "age")
_AGES = ((35, "under_35"), (45, "under_45"), (55, "under_55"))


class Share(NamedTuple):
    """One line of a table: `key` as of `traits`, `people` of `total`."""

    key: str
    people: int
    total: int


def traits(dossier: Dossier, today: date) -> Mapping[str, str]:
    """What somebody counts as in each dimension; an empty key: nothing was said.

    Who stands at the front line (一线) is no field of the notice's form; whoever qualifies by a
    vocational grade or as an inheritor of a craft works with their hands, whoever qualifies by a
    professional title alone may not.
    """
    form = dossier.form
    return {
        "industry": form.industry,
        "chain": form.chain,
        "body": dossier.body.slug,
        "sex": form.sex or "",
        "qualification": form.qualification or "",
        "front_line": "yes" if form.qualification in ("technician", "heritage") else "no",
        "age": _age(dossier, today),
    }


def _age(dossier: Dossier, today: date) -> str:
    birth = dossier.form.birth
    if birth is None:
        return ""
    years = today.year - birth.year - (today.month < birth.month)
    return next((key for limit, key in _AGES if years < limit), "over_55")


def coverage(
    dossiers: Iterable[Dossier], selection: Selection, today: date
) -> Mapping[str, tuple[Share, ...]]:
    """By dimension, the most frequent first; industries in the order of the rules, also those
    that nobody is of."""
    people = [traits(dossier, today) for dossier in dossiers]
    found: dict[str, tuple[Share, ...]] = {}
    for dimension in DIMENSIONS:
        counts = Counter(person[dimension] for person in people)
        keys = sorted(counts, key=lambda key: (-counts[key], key))
        if dimension == "industry":
            listed = list(selection.rules.industries)
            keys = [*listed, *(key for key in keys if key not in listed)]
        found[dimension] = tuple(Share(key, counts[key], len(people)) for key in keys)
    return found


def label_of(
    selection: Selection,
    bodies: Mapping[str, str],
    words: Mapping[str, Mapping[str, str]],
    language: str,
) -> Callable[[str, str], str]:
    """Names a key of a dimension to a reader; `words` are the texts by dimension and key."""

    def label(dimension: str, key: str) -> str:
        if dimension == "industry" and key in selection.rules.industries:
            return str(getattr(selection.rules.industries[key], language))
        if dimension == "body":
            return bodies.get(key, key)
        return words.get(dimension, {}).get(key, key) or words["unsaid"]["unsaid"]

    return label
