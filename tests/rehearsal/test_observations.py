"""What a rehearsal notices while it runs: a sound observation passes, each planted one is found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from tests.contest_data import both, candidates, unstored_contest
from voting_service.contests.candidate_changes.public_changes import public_changes
from voting_service.contests.model import Contest, CutRules, ProfileCorrection, Withdrawal
from voting_service.contests.release_schedule import Hidden, Live, Release, SnapshotAt
from voting_service.i18n.text import LANGUAGES
from voting_service.rehearsal.attacks import ATTACKS
from voting_service.rehearsal.findings import Finding
from voting_service.rehearsal.observations import (
    FinalTotals,
    check_changes,
    check_counts,
    check_cut,
    check_embargo,
    check_pages,
    check_receipts,
    check_totals,
)
from voting_service.rehearsal.visits import VisitFigures
from voting_service.voting.cut.document import (
    FORMAT,
    CandidateResult,
    CutDocument,
    CutVoteFigures,
    contest_facts,
)

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2022, 7, 20, 12, tzinfo=UTC)
MOMENT = NOW - timedelta(minutes=3)
LATER = MOMENT + timedelta(days=1)


def names(findings: Iterable[Finding]) -> list[str]:
    """Return the names of findings, each of which has a sentence and a remedy."""
    findings = list(findings)
    for finding in findings:
        for text in (finding.sentence(ZONE), finding.remedy(ZONE)):
            assert all(getattr(text, language) for language in LANGUAGES)
    return [finding.name for finding in findings]


def test_profiles_seen_too_early_and_pages_that_are_missing() -> None:
    assert names(check_embargo({"/candidates": 403}, LATER, NOW)) == []
    assert names(check_embargo({"/candidates": 200, "/standings": 404}, LATER, NOW)) == [
        "embargo_broken",
        "embargo_broken",
    ]
    assert names(check_pages({"/zh": 200}, NOW)) == []
    assert names(check_pages({"/zh": 500, "/en": 200}, NOW)) == ["page_fails"]
    assert names(check_receipts([200, 200], NOW)) == []
    assert names(check_receipts([200, 404], NOW)) == ["receipt_fails"]


def standings(ballots: int | None, as_of: datetime | None = MOMENT, **line: Any) -> dict[str, Any]:
    """Return standings with one candidate; `line` is what is further known of them."""
    only = {"number": 1, "votes": 5, **line}
    return {"ballots": ballots, "as_of": as_of and as_of.isoformat(), "candidates": [only]}


def test_a_withdrawal_moves_nobody_s_votes() -> None:
    before = standings(7)
    after = {**before, "candidates": [], "withdrawn": before["candidates"]}
    assert names(check_counts(SnapshotAt(MOMENT), after, before, 7, NOW)) == []
    gone = {**after, "withdrawn": []}
    expected = ["counts_moved_in_blackout"]
    assert names(check_counts(SnapshotAt(MOMENT), gone, before, 7, NOW)) == expected


@pytest.mark.parametrize(
    ("release", "shown", "earlier", "expected"),
    [
        (Live(), standings(7), None, []),
        (Live(), standings(6), None, ["snapshot_wrong"]),
        (Hidden(None), standings(None), None, []),
        (Hidden(None), standings(7), None, ["counts_moved_in_blackout"]),
        (SnapshotAt(MOMENT), standings(7), None, []),
        (SnapshotAt(MOMENT), standings(7), standings(7), []),
        (SnapshotAt(MOMENT), standings(6), None, ["snapshot_wrong"]),
        (SnapshotAt(MOMENT), standings(7, None), None, ["snapshot_missing"]),
        (SnapshotAt(LATER), standings(7), None, ["snapshot_missing"]),
        (SnapshotAt(MOMENT), standings(8), standings(7), ["counts_moved_in_blackout"]),
        (SnapshotAt(MOMENT), standings(7, votes=6), standings(7), ["counts_moved_in_blackout"]),
        (SnapshotAt(MOMENT), standings(7, change=1), standings(7), []),
    ],
)
def test_counts_that_are_not_what_was_announced(
    release: Release,
    shown: Mapping[str, Any],
    earlier: Mapping[str, Any] | None,
    expected: list[str],
) -> None:
    assert names(check_counts(release, shown, earlier, 7, NOW)) == expected


CORRECTION = ProfileCorrection(1, 1, NOW, {}, {"name": {}}, before_hidden=False, reason=both("…"))
WITHDRAWAL = Withdrawal(2, "stepped_back", both("…"), NOW)


def contest(**changed: Any) -> Contest:
    plain = msgspec.structs.replace(unstored_contest(), candidates=candidates(5))
    return msgspec.structs.replace(plain, **changed)


def test_a_correction_or_a_withdrawal_that_is_not_public() -> None:
    changed = contest(corrections=(CORRECTION,), withdrawals=(WITHDRAWAL,))
    assert names(check_changes(public_changes(changed), changed, NOW)) == []
    assert names(check_changes(public_changes(contest()), changed, NOW)) == [
        "correction_not_shown",
        "withdrawal_not_shown",
    ]


def cut(about: Contest, *ranked: int, selected: int) -> CutDocument:
    figures = CutVoteFigures(1, 0, 0, 1)
    results = tuple(
        CandidateResult(number, both("…"), 1, 0, 0, 1, place, 1 if place <= selected else 0)
        for place, number in enumerate(ranked, start=1)
    )
    chosen = tuple(sorted(ranked[:selected]))
    return CutDocument(FORMAT, 1, "", contest_facts(about), figures, results, chosen, (), ())


def test_a_cut_of_another_size_or_with_somebody_who_has_withdrawn() -> None:
    plain, without = contest(), contest(withdrawals=(WITHDRAWAL,))
    assert names(check_cut(cut(plain, 1, 2, 3, 4, 5, selected=3), plain, NOW)) == []
    assert names(check_cut(cut(plain, 1, 2, 3, 4, 5, selected=4), plain, NOW)) == ["cut_wrong_size"]
    ranks_them = cut(without, 1, 2, 3, 4, 5, selected=3)
    assert names(check_cut(ranks_them, without, NOW)) == ["withdrawn_ranked"]
    all_tied = msgspec.structs.replace(plain.rules, cut=CutRules(3, "advance_all"))
    tied = contest(rules=all_tied)
    assert names(check_cut(cut(tied, 1, 2, 3, 4, 5, selected=4), tied, NOW)) == []
    larger = contest(
        rules=msgspec.structs.replace(plain.rules, cut=CutRules(5, "lot")),
        withdrawals=(WITHDRAWAL,),
    )
    assert names(check_cut(cut(larger, 1, 3, 4, 5, selected=4), larger, NOW)) == []


HONEST = {("honest", "cast"): 100}


def totals(
    visits: Mapping[tuple[str, str], int],
    stored: Mapping[Any, int] | None = None,
    attacks: Mapping[str, Mapping[Any, int]] | None = None,
) -> list[str]:
    figures = VisitFigures(visits=Counter(visits))
    sums = FinalTotals(figures, stored or {"counted": figures.confirmed}, attacks or {})
    return names(check_totals(sums, NOW - timedelta(days=2), NOW))


@pytest.mark.parametrize(
    ("visits", "expected"),
    [
        (HONEST, []),
        ({}, ["no_ballot"]),
        ({**HONEST, ("canteen", "asked"): 1}, ["honest_refused"]),
        ({**HONEST, ("last_voters", "already_voted"): 1}, ["honest_refused"]),
        ({**HONEST, ("early", "not_open"): 20, ("late", "not_open"): 20}, []),
        ({**HONEST, ("early", "cast"): 1}, ["taken_early"]),
        ({**HONEST, ("late", "cast"): 1}, ["taken_late"]),
        ({**HONEST, ("withdrawn", "cast"): 1}, ["taken_withdrawn"]),
    ],
)
def test_votes_that_were_wrongly_taken_or_refused(
    visits: Mapping[tuple[str, str], int], expected: list[str]
) -> None:
    assert totals(visits) == expected


def test_confirmed_ballots_that_are_not_stored_and_honest_ones_that_are_void() -> None:
    assert totals(HONEST, {"counted": 99}) == ["ballots_missing"]
    assert totals(HONEST, {"counted": 98, "void": 2}) == []
    assert totals(HONEST, {"counted": 97, "void": 3}) == ["honest_void"]


def test_attacks_that_count() -> None:
    for attack in (*ATTACKS, "second_ballots"):
        visits = {**HONEST, (attack, "cast"): 80}
        stored = {"counted": 100, "void": 80}
        assert totals(visits, stored, {attack: {"void": 80}}) == []
        some = 9 if attack == "bought_accounts" else 1  # only the sweep finds bought accounts
        stopped = {attack: {"counted": some, "void": 80 - some}}
        stored = {"counted": 100 + some, "void": 80 - some}
        assert totals(visits, stored, stopped) == ["attack_counted"]
