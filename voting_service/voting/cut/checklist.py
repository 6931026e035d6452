"""The checklist before the cut is published. Pure: figures in, lines of the checklist out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple

from voting_service.contests.model import Contest
from voting_service.i18n.catalogues import load_text
from voting_service.i18n.formatting import written_zone
from voting_service.i18n.text import Text
from voting_service.staff.approvals.model import ApprovalRequest
from voting_service.voting.cut.ranking import Tie
from voting_service.voting.cut.safety import join_numbers
from voting_service.voting.cut.tie_decisions import decided_tie
from voting_service.voting.cut.tie_rule import TieUndecided
from voting_service.voting.tally.recount import (
    BALLOTS,
    Count,
    Recount,
)
from voting_service.voting.tally.recount_audit import Audit

CheckName = Literal[
    "closed", "drained", "recounted", "reconciled", "holds ruled", "nothing waits", "tie decided"
]


MAX_LISTED_HOLDS = 10
"""Holds that a line names; the console lists all."""


class Check(NamedTuple):
    """One line of the checklist: `detail` is the state of the check, or what to do."""

    name: CheckName
    done: bool
    detail: Text


def _check(name: CheckName, done: bool, text: str, **params: Any) -> Check:
    return Check(name, done, load_text("voting", f"cut.checklist.{text}", **params))


def closed(contest: Contest, now: datetime) -> Check:
    """Check that voting has closed."""
    phase = contest.phase(now)
    return _check(
        "closed",
        phase == "closed",
        phase,
        moment=f"{contest.closes_at.astimezone(contest.zone):%Y-%m-%d %H:%M:%S}",
        zone=Text(
            zh=written_zone(contest.closes_at, contest.zone, "zh"),
            en=written_zone(contest.closes_at, contest.zone, "en"),
        ),
        slug=contest.slug,
    )


def drained(contest: Contest, complete_before: datetime) -> Check:
    """Check that every ballot cast before the close is stored (voting/completeness.py)."""
    done = complete_before >= contest.closes_at
    return _check("drained", done, "drained" if done else "draining")


def current_audit(
    contest: Contest, audit: Audit | None, last_ruled_at: datetime | None
) -> Audit | None:
    """Return the stored audit of all ballots, unless something has changed since it."""
    return audit if audit is not None and audit.is_final(contest, last_ruled_at) else None


def recounted(
    contest: Contest,
    counted: Recount | None,
    counts: Mapping[int, Count],
    audit: Audit | None,
) -> Check:
    """Check that all ballots were recounted and name candidates only.

    `counts` are the figures in use. `counted` is None where they are the running totals; then a
    current audit is enough.
    """
    unknown = sorted(counts.keys() - contest.numbers)
    if unknown:
        return _check("recounted", False, "unknown_candidates", numbers=join_numbers(unknown))
    if counted is None and audit is None:
        return _check("recounted", False, "not_recounted")
    ballots = counted.ballots.gross if counted else audit.ballots if audit else 0
    seconds = counted.seconds if counted else audit.seconds if audit else 0.0
    return _check("recounted", True, "recounted", ballots=ballots, seconds=f"{seconds:.1f}")


def reconciled(
    recounted: Mapping[int, Count] | None, running: Mapping[int, Count], audit: Audit | None
) -> Check:
    """Check that the running totals agree with the recount, to the last vote.

    Both hold BALLOTS besides candidates. Without a recount, a current audit is enough.
    """
    if recounted is None and audit is None:
        return _check("reconciled", False, "not_compared")
    differing = _differing(recounted, running) if recounted is not None else []
    if differing:
        return _check("reconciled", False, "differs_for", names=_counted_names(differing))
    if recounted is None and audit is not None and audit.difference != 0:
        return _check("reconciled", False, "differs")
    return _check("reconciled", True, "reconciled")


def _counted_names(numbers: Sequence[int]) -> Text:
    names = join_numbers(number for number in numbers if number != BALLOTS)
    if BALLOTS not in numbers:
        return names
    ballots = load_text("voting", "cut.checklist.ballots")
    if len(numbers) == 1:
        return ballots
    separator = load_text("voting", "cut.checklist.between_numbers")
    return Text(zh=ballots.zh + separator.zh + names.zh, en=ballots.en + separator.en + names.en)


def _differing(recounted: Mapping[int, Count], running: Mapping[int, Count]) -> list[int]:
    return [
        number
        for number in sorted(recounted.keys() | running.keys())
        if recounted.get(number, Count()) != running.get(number, Count())
    ]


def holds_ruled(ballots: Count, open_holds: Sequence[int]) -> Check:
    """Check that no ballot is held; `open_holds` have no ruling in force."""
    if ballots.held == 0 and not open_holds:
        return _check("holds ruled", True, "holds_ruled")
    if not open_holds:
        return _check("holds ruled", False, "ballots_held", ballots=ballots.held)
    listed = join_numbers(open_holds[:MAX_LISTED_HOLDS])
    if len(open_holds) > MAX_LISTED_HOLDS:
        listed = Text(zh=f"{listed.zh}…", en=f"{listed.en}, …")
    return _check(
        "holds ruled",
        False,
        "holds_open",
        ballots=ballots.held,
        count=len(open_holds),
        holds=listed,
    )


def nothing_waits(decisions: Iterable[ApprovalRequest]) -> Check:
    """Check that no proposed ruling is waiting for its second person."""
    waiting = [d.id for d in decisions if d.kind == "ruling" and d.state == "waiting"]
    if not waiting:
        return _check("nothing waits", True, "nothing_waits")
    return _check("nothing waits", False, "rulings_wait", requests=join_numbers(waiting))


def tie_decided(contest: Contest, tie: Tie | None, decisions: Iterable[ApprovalRequest]) -> Check:
    """Check that a tie for the last place is decided by the announced rule."""
    rule = contest.rules.cut.tie
    if tie is None:
        return _check("tie decided", True, "no_tie")
    numbers = join_numbers(tie.numbers)
    if rule == "advance_all":
        return _check("tie decided", True, "all_advance", count=len(tie.numbers), numbers=numbers)
    if decided_tie(decisions, tie) is None:
        undecided = TieUndecided(tie, rule)
        detail = Text(zh=undecided.zh, en=str(undecided))
        return Check("tie decided", done=False, detail=detail)
    return _check("tie decided", True, "tie_decided", numbers=numbers)
