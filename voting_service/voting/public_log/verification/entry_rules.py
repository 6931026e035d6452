"""Check 3: the rules that entries follow, one function each. All return what is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from itertools import pairwise

import msgspec

from voting_service.errors import Fault
from voting_service.infrastructure.transparency_log.merkle import HASH_BYTES
from voting_service.infrastructure.transparency_log.signed_note import VerifierKey, decode_base64
from voting_service.voting.public_log.bundling import MAX_BALLOTS, MIN_BALLOTS
from voting_service.voting.public_log.entries import (
    AnyEntry,
    Bundle,
    CloseEntry,
    CorrectionEntry,
    Cut,
    OpenEntry,
    Openings,
    RulingEntry,
    SettingsEntry,
    Statement,
    WithdrawalEntry,
)
from voting_service.voting.public_log.verification.contents import LogContents
from voting_service.voting.public_log.verification.faults import fault, note

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_DOCUMENT = re.compile(r"[0-9a-f]{64}")


def check_first(entries: list[AnyEntry], key: VerifierKey) -> list[Fault]:
    """The first entry opens the log that has this key, and no other entry does."""
    first = entries[0]
    if not isinstance(first, OpenEntry):
        return [fault("not_opened")]
    faults = [
        fault("opened_again", place=place)
        for place, entry in enumerate(entries)
        if place and isinstance(entry, OpenEntry)
    ]
    if first.key != key.text:
        faults.append(fault("other_key"))
    if list(first.numbers) != sorted(set(first.numbers)):
        faults.append(fault("numbers_unordered"))
    if min((*first.numbers, first.max_choices, first.cut_size)) < 1:
        faults.append(fault("impossible_rules"))
    return faults


def check_forms(entries: list[AnyEntry]) -> list[Fault]:
    """Moments, days, hashes and names of documents are written as they must be."""
    return [
        fault("wrong_field", place=place, field=field)
        for place, entry in enumerate(entries)
        for field in _wrong_fields(entry)
    ]


def _wrong_fields(entry: AnyEntry) -> Iterator[str]:
    for field in entry.__struct_fields__:
        value = getattr(entry, field)
        is_right = _FORMS.get(field)
        is_negative = isinstance(value, int) and value < 0 and field != "voided"
        if is_negative or (is_right is not None and not is_right(value)):
            yield field


def _is_moment(text: str) -> bool:
    try:
        return bool(_MOMENT.fullmatch(text) and datetime.fromisoformat(text))
    except ValueError:
        return False


def _is_day(text: str) -> bool:
    try:
        return bool(_DAY.fullmatch(text) and date.fromisoformat(text))
    except ValueError:
        return False


def _is_hash(text: str) -> bool:
    return len(decode_base64(text) or b"") == HASH_BYTES


def _is_document(text: str) -> bool:
    return _DOCUMENT.fullmatch(text) is not None


_FORMS: Mapping[str, Callable[[str], bool]] = {
    **dict.fromkeys(("at", "opens_at", "closes_at"), _is_moment),
    **dict.fromkeys(("tags", "commitment"), _is_hash),
    **dict.fromkeys(("document", "rules", "candidates"), _is_document),
    "day": _is_day,
}
"""The fields that are written in one way."""


def check_moments(log: LogContents) -> list[Fault]:
    """No entry is older than the one before."""
    return [
        fault("moment_back", place=place, at=after.at, before=before.at)
        for place, (before, after) in enumerate(pairwise(log.entries), start=1)
        if after.at < before.at
    ]


def check_numbering(log: LogContents) -> list[Fault]:
    """Bundles, rulings and versions of the result are numbered 1, 2, 3, …"""
    numbers = (
        [("bundle_number", place, bundle.bundle) for place, bundle in log.every(Bundle)],
        [("ruling_number", place, ruling.ruling) for place, ruling in log.every(RulingEntry)],
        [("version_number", place, cut.version) for place, cut in log.every(Cut)],
    )
    return [
        fault(name, place=place, number=number, expected=expected)
        for numbered in numbers
        for expected, (name, place, number) in enumerate(numbered, start=1)
        if number != expected
    ]


def check_replacements(log: LogContents) -> list[Fault]:
    """A bundle replaces the one just before, or none."""
    return [
        fault("replaces_other", number=bundle.bundle, other=bundle.replaces)
        for _, bundle in log.every(Bundle)
        if bundle.replaces is not msgspec.UNSET
        and (bundle.replaces != bundle.bundle - 1 or bundle.replaces < 1)
    ]


def check_bundle_sizes(log: LogContents) -> list[Fault]:
    """A bundle is neither too small to hide its voters nor too large."""
    faults = []
    for number, bundle in log.bundles.items():
        may_be_small = number not in log.counting or len(log.counting) == 1
        if bundle.ballots > MAX_BALLOTS or bundle.ballots < (1 if may_be_small else MIN_BALLOTS):
            faults.append(
                fault("bundle_size", number=number, ballots=bundle.ballots, least=MIN_BALLOTS)
            )
        if bundle.held > bundle.ballots:
            faults.append(
                fault("too_many_held", number=number, held=bundle.held, ballots=bundle.ballots)
            )
    return faults


def check_rulings(log: LogContents) -> list[Fault]:
    """A ruling moves no more ballots than it is about, and no more are void than there are."""
    faults = []
    void = 0
    for ruling in log.rulings:
        void += ruling.voided
        if max(ruling.released, abs(ruling.voided)) > ruling.ballots or void < 0:
            faults.append(fault("impossible_ruling", number=ruling.ruling))
    ballots = sum(bundle.ballots for bundle in log.counting.values())
    if log.close is not None and void > ballots:
        faults.append(fault("too_many_void", void=void, ballots=ballots))
    return faults


def check_order(log: LogContents) -> list[Fault]:
    """The log closes once; no ballots and no changed settings come after it, openings only after
    it, and a result only after openings. These cover rulings that are in the log, and no fewer than
    openings before did."""
    faults = []
    closed = opened = False
    rulings = covered = 0
    for place, entry in enumerate(log.entries):
        match entry:
            case Bundle() if closed:
                faults.append(fault("late_bundle", place=place, number=entry.bundle))
            case SettingsEntry() if closed:
                faults.append(fault("late_settings", place=place))
            case CloseEntry() if closed:
                faults.append(fault("closed_again", place=place))
            case CloseEntry():
                closed = True
            case RulingEntry():
                rulings += 1
            case Openings():
                if not closed:
                    faults.append(fault("early_openings", place=place))
                if not covered <= entry.rulings <= rulings:
                    faults.append(
                        fault("wrong_coverage", place=place, covered=entry.rulings, all=rulings)
                    )
                covered = entry.rulings
                opened = True
            case Cut() if not opened:
                faults.append(fault("early_result", version=entry.version))
            case _:
                pass
    return faults


def check_candidates(log: LogContents) -> list[Fault]:
    """Corrections and withdrawals are of candidates; nobody withdraws twice."""
    faults = [
        fault("unknown_candidate", place=place, number=entry.number)
        for place, entry in enumerate(log.entries)
        if isinstance(entry, CorrectionEntry | WithdrawalEntry)
        and entry.number not in log.opened.numbers
    ]
    withdrawn: set[int] = set()
    for place, entry in log.every(WithdrawalEntry):
        if entry.number in withdrawn:
            faults.append(fault("withdrawn_again", place=place, number=entry.number))
        withdrawn.add(entry.number)
    return faults


def check_statements(log: LogContents) -> list[Fault]:
    """Return, as notes, the days on which more ballots of a platform are stored than it signed in
    people."""
    return [
        note(
            "more_stored",
            platform=entry.platform,
            day=entry.day,
            stored=entry.stored,
            signed_in=entry.signed_in,
        )
        for _, entry in log.every(Statement)
        if entry.stored > entry.signed_in
    ]


def check_coverage(log: LogContents) -> list[Fault]:
    """Return, as a note, how many rulings the newest result does not have yet: a correction of it
    is being prepared, or they were left out."""
    covered = log.openings[-1][1].rulings if log.openings else len(log.rulings)
    left = len(log.rulings) - covered
    return [note("rulings_not_in_result", count=left)] if left > 0 and log.cuts else []


def check_close(log: LogContents) -> list[Fault]:
    """Part of check 5: the sums of the close are those of the bundles, and it was in force then."""
    close = log.close
    if close is None:
        return []
    bundles = log.counting.values()
    sums = {
        "bundles": (close.bundles, len(bundles)),
        "ballots": (close.ballots, sum(bundle.ballots for bundle in bundles)),
        "held": (close.held, sum(bundle.held for bundle in bundles)),
    }
    faults = [
        fault(f"close_{name}", stated=stated, actual=actual)
        for name, (stated, actual) in sums.items()
        if stated != actual
    ]
    place = log.entries.index(close)
    if close.closes_at != log.rules_at(place).closes_at or close.at < close.closes_at:
        faults.append(fault("closed_early", closes_at=close.closes_at, at=close.at))
    return faults
