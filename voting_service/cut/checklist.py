"""What must be done before the cut is published, as a person reads it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from voting_service.contests.model import Contest, Text
from voting_service.contests.phases import DRAIN_SECONDS
from voting_service.cut.ranking import Tie
from voting_service.cut.tie_decisions import decided_tie, tie_subject
from voting_service.cut.tie_rule import TieUndecided
from voting_service.decisions.model import Decision
from voting_service.tally.audit import Audit
from voting_service.tally.recount import BALLOTS, Count, Recount

CheckName = Literal[
    "closed", "drained", "recounted", "reconciled", "holds ruled", "nothing waits", "tie decided"
]


SHOWN = 10
"""Holds that a line names; the desk lists all."""


class Check(NamedTuple):
    """One line of the checklist: `detail` says how it stands, or what to do."""

    name: CheckName
    done: bool
    detail: Text


def drained_at(contest: Contest) -> datetime:
    """From then on no ballot can appear any more."""
    return contest.closes_at + timedelta(seconds=DRAIN_SECONDS)


def closed(contest: Contest, now: datetime) -> Check:
    local = f"{contest.closes_at.astimezone(contest.zone):%Y-%m-%d %H:%M:%S} ({contest.zone.key})"
    if contest.phase(now) == "closed":
        detail = Text(zh=f"投票已于 {local} 截止", en=f"voting closed at {local}")
        return Check("closed", done=True, detail=detail)
    return Check(
        "closed",
        done=False,
        detail=Text(
            zh=f"投票将于 {local} 截止：请等待截止，或按程序提前截止",
            en=f"voting is {contest.phase(now)} until {local}: wait, or "
            f"`voting-service contest close {contest.slug}`",
        ),
    )


def drained(contest: Contest, now: datetime) -> Check:
    if now >= drained_at(contest):
        detail = Text(zh="不会再有选票入库", en="no ballot can appear any more")
        return Check("drained", done=True, detail=detail)
    return Check(
        "drained",
        done=False,
        detail=Text(
            zh=f"截止前投出的选票最迟在截止后 {DRAIN_SECONDS} 秒入库：请稍候",
            en=f"votes cast before the close may be stored until {DRAIN_SECONDS} seconds after "
            "it: wait, or give --wait",
        ),
    )


def current_audit(
    contest: Contest, audit: Audit | None, last_ruled_at: datetime | None
) -> Audit | None:
    """The kept comparison of all ballots, if nothing has changed since."""
    settled_at = max(drained_at(contest), last_ruled_at or drained_at(contest))
    return audit if audit is not None and audit.audited_at >= settled_at else None


def recounted(
    contest: Contest,
    counted: Recount | None,
    counts: Mapping[int, Count],
    audit: Audit | None,
) -> Check:
    """`counts` are the figures in use; `counted` is None where they are the kept ones, and then a
    current audit says so much."""
    strangers = sorted(counts.keys() - contest.numbers)
    if strangers:
        return Check(
            "recounted",
            done=False,
            detail=Text(
                zh=f"选票中出现了不是候选人的号码 {strangers}：请先查明原因",
                en=f"ballots name {strangers}, who are no candidates: find out why first",
            ),
        )
    if counted is None and audit is None:
        return Check(
            "recounted",
            done=False,
            detail=Text(
                zh="尚未重新计票：提议和批准公布时都会逐张重新计票，也可以现在重新计票",
                en="not counted afresh on this page: proposing and approving each recount every "
                "ballot; you can also recount now",
            ),
        )
    ballots = counted.ballots.gross if counted else audit.ballots if audit else 0
    seconds = counted.seconds if counted else audit.seconds if audit else 0.0
    return Check(
        "recounted",
        done=True,
        detail=Text(
            zh=f"逐张重新计票 {ballots} 张，用时 {seconds:.1f} 秒",
            en=f"{ballots} ballots in {seconds:.1f} seconds",
        ),
    )


def reconciled(
    fresh: Mapping[int, Count] | None, kept: Mapping[int, Count], audit: Audit | None
) -> Check:
    """Whether the figures kept while votes came in agree with the recount, to the last vote;
    without `fresh` counts, whether the audit says so. Both hold BALLOTS besides candidates."""
    if fresh is None and audit is None:
        return Check(
            "reconciled",
            done=False,
            detail=Text(zh="重新计票后核对", en="compared when the ballots are recounted"),
        )
    off = _differing(fresh, kept) if fresh is not None else []
    if not off and (fresh is not None or audit is None or audit.difference == 0):
        detail = Text(
            zh="平时累计的票数与逐张重新计票一致",
            en="the figures kept during the vote agree with the recount",
        )
        return Check("reconciled", done=True, detail=detail)
    named = f" ({', '.join(off)})" if off else ""
    return Check(
        "reconciled",
        done=False,
        detail=Text(
            zh=f"平时累计的票数与重新计票不一致{named}：请先查明原因",
            en=f"the kept figures differ from the recount{named}: find out why first",
        ),
    )


def _differing(fresh: Mapping[int, Count], kept: Mapping[int, Count]) -> list[str]:
    return [
        "ballots" if number == BALLOTS else str(number)
        for number in sorted(fresh.keys() | kept.keys())
        if fresh.get(number, Count()) != kept.get(number, Count())
    ]


def holds_ruled(ballots: Count, open_holds: Sequence[int]) -> Check:
    """`open_holds` have no ruling in force."""
    if ballots.held == 0 and not open_holds:
        detail = Text(zh="没有待裁定的选票", en="no ballot is held, every hold is ruled")
        return Check("holds ruled", done=True, detail=detail)
    some = list(map(str, open_holds[:SHOWN]))
    more = len(open_holds) > SHOWN
    return Check(
        "holds ruled",
        done=False,
        detail=Text(
            zh=f"{ballots.held} 张选票暂扣"
            + (
                f"，{len(open_holds)} 个存疑组尚未裁定（{'、'.join(some)}{'…' * more}）"
                if open_holds
                else ""
            )
            + "：公布前须逐一裁定为计入或作废",
            en=f"{ballots.held} ballots are held"
            + (
                f", {len(open_holds)} holds are not ruled ({', '.join(some)}{', …' * more})"
                if open_holds
                else ""
            )
            + " and must be ruled, void or counted, before anything is published",
        ),
    )


def nothing_waits(decisions: Iterable[Decision]) -> Check:
    """No proposal about a hold waits for its second person."""
    waiting = [str(d.id) for d in decisions if d.kind == "ruling" and d.state == "waiting"]
    if not waiting:
        detail = Text(zh="没有待批准的裁定", en="no ruling waits for a second person")
        return Check("nothing waits", done=True, detail=detail)
    return Check(
        "nothing waits",
        done=False,
        detail=Text(
            zh=f"裁定提议 {'、'.join(waiting)} 待第二人批准或否决",
            en=f"rulings {', '.join(waiting)} are proposed: approve or decline them first",
        ),
    )


def tie_decided(contest: Contest, tie: Tie | None, decisions: Iterable[Decision]) -> Check:
    rule = contest.rules.cut.tie
    if tie is None:
        detail = Text(zh="最后一个名额没有并列", en="the last place is not tied")
        return Check("tie decided", done=True, detail=detail)
    subject = tie_subject(tie)
    if rule == "advance_all":
        return Check(
            "tie decided",
            done=True,
            detail=Text(
                zh=f"按规则，并列的 {len(tie.numbers)} 人全部入围：{subject}",
                en=f"all {len(tie.numbers)} tied for the last places go on: {subject}",
            ),
        )
    if decided_tie(decisions, tie) is None:
        way = "记录组委会排定的次序" if rule == "committee" else "记录公开抽签的号码"
        return Check(
            "tie decided",
            done=False,
            detail=Text(
                zh=f"{subject} 号均为 {tie.votes} 票，争夺 {tie.places} 个名额：{way}，由两人确认",
                en=str(TieUndecided(tie, rule)),
            ),
        )
    detail = Text(zh=f"{subject} 号的并列已决定", en=f"between {subject}")
    return Check("tie decided", done=True, detail=detail)
