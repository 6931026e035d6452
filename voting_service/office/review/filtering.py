"""Which recommendations of the queue are shown. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from voting_service.office.review.reading import Dossier

NOBODY = "nobody"


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Empty: whatever it is. `assignee` is an account's id, or NOBODY."""

    state: str = ""
    body: str = ""
    industry: str = ""
    chain: str = ""
    qualification: str = ""
    assignee: str = ""
    words: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Filter:
        return cls(**{name: query.get(name, "").strip() for name in cls.__struct_fields__})


def filtered(dossiers: Iterable[Dossier], asked: Filter) -> tuple[Dossier, ...]:
    """Those that fit every part; of `words` each must be found somewhere."""
    return tuple(dossier for dossier in dossiers if _fits(dossier, asked))


def _fits(dossier: Dossier, asked: Filter) -> bool:
    form = dossier.form
    parts = {
        "state": dossier.state,
        "body": dossier.body.slug,
        "industry": form.industry,
        "chain": form.chain,
        "qualification": form.qualification or "",
        "assignee": str(dossier.assigned_to or NOBODY),
    }
    if any(getattr(asked, name) not in ("", value) for name, value in parts.items()):
        return False
    text = "\n".join(
        (str(dossier.id), form.name, form.trade, form.employer, form.skill_grade, form.skills,
         form.deeds, form.chain)
    ).casefold()  # fmt: skip
    return all(word in text for word in asked.words.casefold().split())
