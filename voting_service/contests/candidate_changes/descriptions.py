"""Corrections and withdrawals in words, for the public and for staff."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from difflib import SequenceMatcher
from typing import Any, TypeVar

import msgspec

from voting_service.contests.candidate_changes.model import PICTURES, Fields
from voting_service.contests.model import Candidate, Contest, ProfileCorrection
from voting_service.contests.pictures.model import Picture
from voting_service.i18n.catalogues import load_catalogue
from voting_service.i18n.text import LANGUAGES, Language
from voting_service.staff.approvals.model import ApprovalRequest

T = TypeVar("T")


class ProfileChange(msgspec.Struct, frozen=True):
    """A corrected field; of a long text only the lines that differ. `before` is None where it stays
    hidden. `gone` and `added` are the pictures that changed."""

    name: str
    before: str | None
    after: str
    gone: tuple[Picture, ...] = ()
    added: tuple[Picture, ...] = ()


class DescribedCorrection(msgspec.Struct, frozen=True):
    """A correction in one language; `candidate` is the name since then."""

    number: int
    candidate: str
    corrected_at: datetime
    fields: tuple[ProfileChange, ...]
    reason: str


class DescribedWithdrawal(msgspec.Struct, frozen=True):
    """A withdrawal in one language."""

    number: int
    candidate: str
    withdrawn_at: datetime
    ground: str
    reason: str


def describe_corrections(contest: Contest, language: Language) -> tuple[DescribedCorrection, ...]:
    """Return the corrections that the public sees, newest first: those since the profiles are
    published."""
    names = _names(contest, language)
    return tuple(
        DescribedCorrection(
            correction.number,
            names[correction.number],
            correction.corrected_at,
            describe_correction(correction, language),
            getattr(correction.reason, language),
        )
        for correction in reversed(public_corrections(contest))
    )


def public_corrections(contest: Contest) -> tuple[ProfileCorrection, ...]:
    """Return the corrections of what the public had already seen."""
    published_at = contest.rules.publish_at or contest.opens_at
    return tuple(c for c in contest.corrections if c.corrected_at >= published_at)


def describe_withdrawals(contest: Contest, language: Language) -> tuple[DescribedWithdrawal, ...]:
    """Return the withdrawals, newest first."""
    names, grounds = _names(contest, language), _words(language)["grounds"]
    return tuple(
        DescribedWithdrawal(
            withdrawal.number,
            names[withdrawal.number],
            withdrawal.withdrawn_at,
            grounds[withdrawal.ground],
            getattr(withdrawal.reason, language),
        )
        for withdrawal in reversed(contest.withdrawals)
    )


def describe_change(contest: Contest, approval: ApprovalRequest, language: Language) -> str:
    """Return what a request about a candidate proposes, with the candidate's name."""
    if not approval.is_readable:
        return approval.describe(language)
    number, ground = approval.payload.get("number", 0), approval.payload.get("ground")
    name = _names(contest, language).get(number)
    if name is None:
        return approval.describe(language)
    words = _words(language)
    what = words["grounds"].get(ground, "")
    return str(words["acts"][approval.kind]).format(name=name, number=number, ground=what)


def _names(contest: Contest, language: Language) -> Mapping[int, str]:
    return {c.number: getattr(c.name, language) for c in contest.candidates}


def _words(language: Language) -> Mapping[str, Any]:
    return load_catalogue("candidate_changes", language)


def describe_correction(
    correction: ProfileCorrection, language: Language
) -> tuple[ProfileChange, ...]:
    """Return the corrected fields as the public sees them."""
    return describe_fields(
        correction.before, correction.after, language, before_hidden=correction.before_hidden
    )


def describe_fields(
    before: Fields, after: Fields, language: Language, *, before_hidden: bool = False
) -> tuple[ProfileChange, ...]:
    """Return the changed fields in the order of a profile."""
    order = (*Candidate.__struct_fields__, PICTURES)
    return tuple(
        _described(name, before, after, language, before_hidden=before_hidden)
        for name in sorted(after, key=order.index)
    )


def _described(
    name: str, before: Fields, after: Fields, language: Language, *, before_hidden: bool
) -> ProfileChange:
    """Return one change; where only the other language's text differs, that text."""
    title = field_name(name, language)
    gone: list[dict[str, Any]] = []
    added: list[dict[str, Any]] = []
    if name == PICTURES:
        gone, added = _differing(before[name], after[name])
        was, is_now = _described_pictures(gone, added, language)
    else:
        was, is_now = _differing_lines(before[name], after[name], language)
        if was == is_now:
            other = next(code for code in LANGUAGES if code != language)
            was, is_now = _differing_lines(before[name], after[name], other)
            title = _words(language)["in_other_language"].format(field=title)
    nothing = _words(language)["nothing"]
    return ProfileChange(
        title,
        None if before_hidden else was or nothing,
        is_now or nothing,
        () if before_hidden else msgspec.convert(gone, tuple[Picture, ...]),
        msgspec.convert(added, tuple[Picture, ...]),
    )


def field_name(name: str, language: Language) -> str:
    """Return the public name of a field."""
    words: str = _words(language)["fields"][name]
    return words


def _differing_lines(before: Any, after: Any, language: Language) -> tuple[str, str]:
    was, is_now = _lines(before, language), _lines(after, language)
    gone, added = _differing(was, is_now)
    return "\n".join(gone), "\n".join(added)


def _differing(before: Sequence[T], after: Sequence[T]) -> tuple[list[T], list[T]]:
    """Return the items of each that the other has not, or has elsewhere; where some only changed
    places, all from the first to the last of those."""
    keys = list(map(repr, before)), list(map(repr, after))
    matched = SequenceMatcher(None, *keys, autojunk=False).get_opcodes()
    spans = [span for tag, *span in matched if tag != "equal"]
    if spans and sorted(keys[0]) == sorted(keys[1]):
        first, last = spans[0], spans[-1]
        spans = [[first[0], last[1], first[2], last[3]]]
    return (
        [item for start, end, _, _ in spans for item in before[start:end]],
        [item for _, _, start, end in spans for item in after[start:end]],
    )


def _lines(value: Any, language: Language) -> list[str]:
    """Return a field as lines: a text in both languages, a list of them, or a plain value."""
    if value is None:
        return []
    if isinstance(value, list):
        return [line for item in value for line in _lines(item, language)]
    text = value[language] if isinstance(value, dict) else str(value)
    return [line for line in text.split("\n") if line.strip()]


def _described_pictures(
    gone: list[dict[str, Any]], added: list[dict[str, Any]], language: Language
) -> tuple[str, str]:
    words = _words(language)["pictures"]

    def lines(pictures: list[dict[str, Any]], portrait: str) -> str:
        return "\n".join(
            words[portrait]
            if picture["caption"] is None
            else words["captioned"].format(caption=picture["caption"][language])
            for picture in pictures
        )

    return lines(gone, "earlier_portrait"), lines(added, "new_portrait")
