"""What would fail, from what was observed while the rehearsal ran. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec

from voting_service.contests.candidate_changes.public_changes import CandidateChanges
from voting_service.contests.model import Contest
from voting_service.contests.release_schedule import Hidden, Live, Release, SnapshotAt
from voting_service.i18n.catalogues import load_text
from voting_service.i18n.text import Text
from voting_service.rehearsal.attacks import ATTACKS
from voting_service.rehearsal.crowd import HONEST_KINDS
from voting_service.rehearsal.findings import Finding
from voting_service.rehearsal.visits import VisitFigures
from voting_service.voting.cut.document import CutDocument
from voting_service.voting.rulings.model import BallotState

OK, EMBARGO = 200, 403
NOT_TAKEN = ("early", "late", "withdrawn")
"""Kinds of visits whose ballot nobody may take."""
OUTCOMES = ("asked", "same_again")
"""Answers to a ballot that are no refusals."""
UNNOTICED_SHARE = 0.1
"""Of a campaign that only the sweep can find, so much may stay: it looks for what is certain."""
HONEST_VOID_SHARE = 0.02
"""So many honest ballots may be void: a campaign shares telephones and lists with honest people."""

States = Mapping[BallotState, int]
"""How many ballots are in each state."""


class FinalTotals(msgspec.Struct, frozen=True):
    """The sums at the end: what was answered, all stored ballots by state, and those of each
    attack."""

    figures: VisitFigures
    stored: States
    attacks: Mapping[str, States]


def check_embargo(
    statuses: Mapping[str, int], published_at: datetime, now: datetime
) -> Iterator[Finding]:
    """Yield the paths that could be read before the profiles are published."""
    for path, status in statuses.items():
        if status != EMBARGO:
            yield Finding("embargo_broken", now, {"path": path, "published": published_at})


def check_pages(statuses: Mapping[str, int], now: datetime) -> Iterator[Finding]:
    """Yield the paths that could not be read."""
    for path, status in statuses.items():
        if status != OK:
            yield Finding("page_fails", now, {"path": path, "status": status})


def check_counts(
    release: Release,
    shown: Mapping[str, Any],
    earlier: Mapping[str, Any] | None,
    counted: int,
    now: datetime,
) -> Iterator[Finding]:
    """Compare the standings that the public saw with what the release schedule allows.

    `counted` are the ballots that counted at the moment that is released; `earlier` are the
    standings as they were first shown for that moment.
    """
    ballots = shown.get("ballots")
    wrong = {"shown": ballots or 0, "counted": counted}
    match release:
        case SnapshotAt(moment=moment):
            as_of = shown.get("as_of")
            if as_of is None or datetime.fromisoformat(as_of) != moment:
                yield Finding("snapshot_missing", now, {"moment": moment})
            elif earlier is not None and _votes(shown) != _votes(earlier):
                yield Finding("counts_moved_in_blackout", now)
            elif earlier is None and ballots != counted:
                yield Finding("snapshot_wrong", now, {"moment": moment, **wrong})
        case Live() if ballots != counted:
            yield Finding("snapshot_wrong", now, {"moment": now, **wrong})
        case Hidden() if ballots is not None:
            yield Finding("counts_moved_in_blackout", now)


def _votes(standings: Mapping[str, Any]) -> tuple[Any, dict[int, int]]:
    """Return the counts of a snapshot: what they are compared with may become known later, and
    somebody may withdraw."""
    lines = (*standings.get("candidates", ()), *standings.get("withdrawn", ()))
    return standings.get("ballots"), {line["number"]: line["votes"] for line in lines}


def check_changes(shown: CandidateChanges, contest: Contest, now: datetime) -> Iterator[Finding]:
    """Yield the corrections and withdrawals that the public cannot read."""
    corrections = {(correction.number, correction.corrected_at) for correction in shown.corrections}
    for correction in contest.corrections:
        if (correction.number, correction.corrected_at) not in corrections:
            yield Finding("correction_not_shown", now, {"number": correction.number})
    for withdrawal in contest.withdrawals:
        if withdrawal not in shown.withdrawals:
            yield Finding("withdrawal_not_shown", now, {"number": withdrawal.number})


def check_cut(cut: CutDocument, contest: Contest, now: datetime) -> Iterator[Finding]:
    """Compare the published cut with the rules and the candidates who stand."""
    rules, selected = contest.rules.cut, len(cut.selected)
    size = min(rules.size, len(contest.standing))
    if selected != size and rules.tie != "advance_all":
        yield Finding("cut_wrong_size", now, {"selected": selected, "size": size})
    for result in cut.candidates:
        if result.number in contest.withdrawn:
            yield Finding("withdrawn_ranked", now, {"number": result.number})


def check_totals(totals: FinalTotals, opens_at: datetime, closes_at: datetime) -> Iterator[Finding]:
    """Yield what the sums show to have failed."""
    figures = totals.figures
    if not figures.confirmed:
        yield Finding("no_ballot", closes_at, {"opens": opens_at})
    stored = sum(totals.stored.values())
    if stored != figures.confirmed:
        params = {"confirmed": figures.confirmed, "stored": stored}
        yield Finding("ballots_missing", closes_at, params)
    for kind in HONEST_KINDS:
        for outcome, count in figures.outcomes(kind).items():
            if outcome != "cast":
                refused = {"count": count, "outcome": _in_words(outcome)}
                yield Finding("honest_refused", closes_at, refused)
    for kind in NOT_TAKEN:
        if count := figures.visits[kind, "cast"]:
            yield Finding(f"taken_{kind}", closes_at, {"count": count})
    guilty_void = sum(states.get("void", 0) for states in totals.attacks.values())
    honest_void = totals.stored.get("void", 0) - guilty_void
    if honest_void > HONEST_VOID_SHARE * figures.confirmed:
        yield Finding("honest_void", closes_at, {"count": honest_void})
    yield from _check_attacks(totals, closes_at)


def _in_words(outcome: str) -> Text:
    """Return an outcome in words: for a refusal the title of its problem document."""
    if outcome in OUTCOMES:
        return load_text("rehearsal", f"outcomes.{outcome}")
    name = outcome.replace("_", "-")
    return load_text("problems", f"titles.{name}")


def _check_attacks(totals: FinalTotals, closes_at: datetime) -> Iterator[Finding]:
    """Yield the attacks of which more counts in the end than is expected."""
    for attack in (*ATTACKS, "second_ballots"):
        is_found = attack in ATTACKS and ATTACKS[attack].expected == "found"
        counted, tried = (
            totals.attacks.get(attack, {}).get("counted", 0),
            totals.figures.tried(attack),
        )
        if counted > (UNNOTICED_SHARE * tried if is_found else 0):
            name = load_text("rehearsal", f"attacks.{attack}")
            params = {"attack": name, "count": counted, "tried": tried}
            yield Finding("attack_counted", closes_at, params)


def check_receipts(statuses: Iterable[int], now: datetime) -> Iterator[Finding]:
    """Yield how many receipts do not find their ballot."""
    unknown = sum(status != OK for status in statuses)
    if unknown:
        yield Finding("receipt_fails", now, {"count": unknown})
