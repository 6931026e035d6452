"""A campaign in figures and in a sentence that staff can read out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from voting_service.antifraud.forensics.attributes import Aspect
from voting_service.antifraud.forensics.columns import ABSENT, BallotColumns, Int32s, Int64s
from voting_service.antifraud.forensics.findings import Campaign, Kind, Shared, Verdict
from voting_service.antifraud.forensics.picture import Material, draw
from voting_service.antifraud.forensics.prepare import Ballots
from voting_service.antifraud.forensics.search import Suspicion

SHOWN = 3
"""Values shown of each attribute, and candidates in a sentence."""

_NAMED = 6
"""Names of a list in a sentence."""

_KINDS: dict[frozenset[Aspect], Kind] = {
    frozenset({"network"}): "network",
    frozenset({"client"}): "device",
    frozenset({"account"}): "accounts",
    frozenset({"habit"}): "habits",
    frozenset({"lockstep"}): "lockstep",
}

_NAMES = {
    "ip": ("地址", "address"),
    "prefix": ("网段", "network"),
    "device": ("设备指纹", "device"),
    "user_agent": ("客户端", "client"),
    "account_day": ("账号注册日", "accounts created on"),
    "platform": ("平台", "platform"),
}

_TOGETHER: dict[Kind, tuple[str, str]] = {
    "network": ("来自少数几个网络", "come from few networks"),
    "device": ("来自少数几种设备", "come from few devices"),
    "accounts": ("账号是同一批注册的", "come from accounts created together"),
    "habits": (
        "投票频率和更换网络的方式与众不同",
        "come from voters who return and move about as hardly anybody does",
    ),
    "mixed": ("网络、设备、账号等特征同时集中", "share several things at once"),
    "lockstep": (
        "来自一再同时行动的账号",
        "come from accounts that act at the same moments again and again",
    ),
    "bloc": ("来自同一网络", "come from one network"),
}

_SHOWN_BY: dict[Aspect, tuple[str, ...]] = {
    "network": ("ip", "prefix"),
    "client": ("device", "user_agent"),
    "account": ("account_day",),
}

_WITNESSES: dict[Aspect, tuple[str, str]] = {
    "network": ("所用网络与一般选民不同", "their networks are not those of other voters"),
    "client": ("所用设备与一般选民不同", "their devices are not those of other voters"),
    "account": ("账号注册时间与一般选民不同", "their accounts are not of the usual ages"),
    "habit": (
        "参与频率和换网方式与一般选民不同",
        "they return and change networks unlike other voters",
    ),
}


@dataclass(slots=True)
class Found:
    """A campaign while it grows."""

    target: int
    verdict: Verdict
    place: int | None = None
    """The one network of a bloc."""
    suspicions: list[Suspicion] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Told:
    """What a sentence says."""

    kind: Kind
    verdict: Verdict
    ballots: int
    voters: int
    names: tuple[int, ...]
    """The candidate, or the list, that the ballots are for."""
    times: tuple[datetime, datetime]
    figures: tuple[float, float]
    shared: tuple[Shared, ...]
    signs: tuple[Aspect, ...]


def describe(material: Material, found: Found, number: int, rows: Int64s) -> Campaign:
    """The campaign with this number; `rows` are its ballots, ascending."""
    leading = max(found.suspicions, key=lambda each: each.excess)
    kind = _KINDS.get(leading.family.aspects, "mixed")
    if found.verdict is Verdict.BLOC and kind == "network":
        kind = "bloc"
    ballots = material.ballots
    names = material.names(found.target)
    candidates = _candidates(ballots, names, rows)
    first_at, last_at = int(ballots.cast_at[rows[0]]), int(ballots.cast_at[rows[-1]])
    told = Told(
        kind=kind,
        verdict=found.verdict,
        ballots=len(rows),
        voters=len(np.unique(ballots.voter[rows])),
        names=candidates[: len(names)],
        times=(_local(first_at, material.zone), _local(last_at, material.zone)),
        figures=_figures(leading, rows),
        shared=_shared(material, found.target, rows),
        signs=tuple(each.aspect for each in leading.judged.witnesses if each.confirms),
    )
    return Campaign(
        number=number,
        kind=kind,
        verdict=found.verdict,
        attributes=told.shared,
        first_at=first_at,
        last_at=last_at,
        candidates=candidates,
        ballots=told.ballots,
        voters=told.voters,
        observed=told.figures[0],
        expected=told.figures[1],
        p_value=float(np.exp(min(each.log_p for each in found.suspicions))),
        q_value=float(np.exp(min(each.log_q for each in found.suspicions))),
        sentence_zh=_in_chinese(told),
        sentence_en=_in_english(told),
        picture=draw(material, found.target, rows, _pictured(leading.family.aspects, told.shared)),
    )


def _pictured(aspects: frozenset[Aspect], shared: tuple[Shared, ...]) -> str:
    """The attribute that shows the campaign best: of its own aspect, or else what is shared."""
    names = [each.name for each in shared]
    own = [
        name for aspect in sorted(aspects) for name in _SHOWN_BY.get(aspect, ()) if name in names
    ]
    return (own or [*names, "platform"])[0]


def _figures(leading: Suspicion, rows: Int64s) -> tuple[float, float]:
    """(observed, expected) voters of the values that the campaign's ballots have."""
    judged = leading.judged
    values = np.unique(judged.value[np.isin(judged.rows, rows, assume_unique=True)])
    return float(judged.observed[values].sum()), float(judged.expected[values].sum())


def _candidates(ballots: Ballots, names: tuple[int, ...], rows: Int64s) -> tuple[int, ...]:
    """The target's names, then who else is on at least every third ballot, the most frequent
    first."""
    votes = np.isin(ballots.choice_row, rows)
    counts = np.bincount(ballots.choice[votes], minlength=ballots.candidates)
    counts[list(names)] = len(rows) + np.arange(len(names), 0, -1)
    order = np.argsort(-counts, kind="stable")
    often = order[counts[order] * 3 >= len(rows)]
    return tuple(int(number) for number in ballots.numbers[often])


def _shared(material: Material, target: int, rows: Int64s) -> tuple[Shared, ...]:
    """Values that at least a few of the ballots have, and thrice as many as is usual."""
    columns, ballots = material.columns, material.ballots
    span = slice(int(rows[0]), int(rows[-1]) + 1)
    usual = material.usual(target, span)
    order = ballots.order
    found = []
    for name in _NAMES:
        raw: Int32s = getattr(columns, name)[order[span]]
        mine: Int32s = getattr(columns, name)[order[rows]]
        mine = mine[mine != ABSENT]
        if not len(mine):
            continue
        values, counts = np.unique(mine, return_counts=True)
        for place in np.lexsort((values, -counts))[:SHOWN]:
            ballots_of, value = int(counts[place]), int(values[place])
            expected = float(usual[raw == value].sum())
            if ballots_of >= 4 and ballots_of >= 3 * expected:
                found.append(Shared(name, _label(columns, name, value), ballots_of, expected))
    return tuple(found)


def _label(columns: BallotColumns, name: str, value: int) -> str:
    if name == "account_day":
        return str(np.datetime64(value, "D"))
    return columns.label(name, value)


def _local(at_ms: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, zone)


def _listed(told: Told, language: int, separator: str) -> str:
    return separator.join(
        f"{_NAMES[each.name][language]} {each.value} ({each.ballots})"
        for each in told.shared[:SHOWN]
    )


def _named(told: Told, language: int) -> str:
    if len(told.names) == 1:
        return (f"{told.names[0]}号", f"no. {told.names[0]}")[language]
    shown, more = told.names[:_NAMED], len(told.names) - _NAMED
    listed = ("、", ", ")[language].join(map(str, shown))
    if more > 0:
        listed += (f"等{len(told.names)}人", f" and {more} more")[language]
        return (f"同一份名单（{listed}）", f"one list (nos. {listed})")[language]
    return (f"同一份名单（{listed}号）", f"one list (nos. {listed})")[language]


def _figure(value: float) -> str:
    return f"{value:.0f}" if value >= 1 else "<1"


def _in_chinese(told: Told) -> str:
    first, last = (f"{t.year}年{t.month}月{t.day}日{t:%H:%M}" for t in told.times)
    listed = _listed(told, 0, "、")
    observed, expected = map(_figure, told.figures)
    text = (
        f"{first}至{last}，{told.voters}个账号投给{_named(told, 0)}的{told.ballots}张选票"
        f"{_TOGETHER[told.kind][0]}{'：' if listed else ''}{listed}。"
        f"按同一时段、同一平台的一般情况，这样的投票者应约有{expected}人，实际{observed}人。"
    )
    if told.verdict is Verdict.HOLD:
        signs = "；".join(_WITNESSES[each][0] for each in told.signs)
        second = f"另有旁证：{signs}。" if signs else ""
        return f"{text}{second}建议暂扣，待人工裁定。"
    return f"{text}除此之外与普通选民无异，可能是单位组织投票。系统不作扣留，请人工查看。"


def _in_english(told: Told) -> str:
    first, last = (f"{t:%Y-%m-%d %H:%M}" for t in told.times)
    listed = _listed(told, 1, ", ")
    observed, expected = map(_figure, told.figures)
    text = (
        f"From {first} to {last}, {told.ballots} ballots by {told.voters} voters for "
        f"{_named(told, 1)} {_TOGETHER[told.kind][1]}{': ' if listed else ''}{listed}. In the same "
        f"hours and on the same platforms about {expected} such voters are usual; there were "
        f"{observed}."
    )
    if told.verdict is Verdict.HOLD:
        signs = "; ".join(_WITNESSES[each][1] for each in told.signs)
        second = f" A second sign: {signs}." if signs else ""
        return f"{text}{second} To be held until people have ruled."
    return (
        f"{text} Nothing else about them is unusual: perhaps an employer or a school that called "
        "its people to vote. Nothing is held; please look."
    )
