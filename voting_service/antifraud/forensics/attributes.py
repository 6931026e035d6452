"""What may be told about each ballot, as dense codes: given ones, derived ones, pairs.

A derived attribute says how something looks rather than what it is, so that it still speaks
where every address is fresh and every account new to the eye.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from voting_service.antifraud.forensics.columns import ABSENT, BallotColumns, Int32s, Int64s
from voting_service.antifraud.forensics.lockstep import companions, meetings_of
from voting_service.antifraud.forensics.prepare import (
    DAY_MS,
    HOUR_MS,
    Ballots,
    distinct,
    known_by_appearance,
    pair_of,
)
from voting_service.antifraud.forensics.thresholds import (
    LEAST_MEETING_SHARE,
    LEAST_MEETINGS,
    STRICT_MEETING_SHARE,
    STRICT_MEETINGS,
)

Aspect = Literal["network", "client", "account", "habit", "day", "hour", "ballot", "lockstep"]
"""Attributes of one aspect say much the same; of two aspects, two things."""

_DILIGENCE = (2, 3, 5, 10, 15)
_MOBILITY = (0.35, 0.6, 0.8)
_AGES_DAYS = (1, 7, 45, 120, 365, 1_000)


@dataclass(frozen=True, slots=True)
class Attribute:
    """`codes` by ballot in canonical order, -1 where not known."""

    name: str
    aspects: frozenset[Aspect]
    codes: Int32s
    alone: bool = False
    """Whether it is telling enough without a second aspect. No network or device is."""


@dataclass(frozen=True, slots=True)
class Attributes:
    """`families` are searched for campaigns; `witnesses` by aspect tell ballots of one apart."""

    families: tuple[Attribute, ...]
    witnesses: dict[Aspect, tuple[Attribute, ...]]
    place: Int32s
    """The network, or the address where networks are not known."""
    sources: tuple[Int32s, ...]
    """What many ballots of one actor share: address, network, device, companions."""


def attributes_of(columns: BallotColumns, ballots: Ballots) -> Attributes:
    """Every attribute that at least one ballot has."""
    order = ballots.order
    ip, prefix, device, agent = (
        known_by_appearance(codes[order])
        for codes in (columns.ip, columns.prefix, columns.device, columns.user_agent)
    )
    place = np.where(prefix == ABSENT, ip, prefix)
    created = columns.account_day[order]
    batch = known_by_appearance(np.where(created == ABSENT, ABSENT, created // 4))
    crowd = _crowd(ip if (ip != ABSENT).any() else place, ballots.voter)
    habit = _habit(ballots.voter, place)
    age = _age(created, ballots.cast_at)
    day, hour = ballots.cast_at // DAY_MS, ballots.cast_at // HOUR_MS % 24
    size = np.bincount(ballots.choice_row, minlength=len(ballots))
    single: dict[str, tuple[Aspect, Int32s]] = {
        "ip": ("network", ip),
        "prefix": ("network", prefix),
        "crowd": ("network", crowd),
        "device": ("client", device),
        "user_agent": ("client", agent),
        "account_batch": ("account", batch),
        "account_age": ("account", age),
        "habit": ("habit", habit),
        "day": ("day", (day - day.min(initial=0)).astype(np.int32)),
        "hour": ("hour", hour.astype(np.int32)),
        "size": ("ballot", np.minimum(size, 15).astype(np.int32)),
    }
    found = {
        name: Attribute(name, frozenset({aspect}), codes)
        for name, (aspect, codes) in single.items()
        if (codes != ABSENT).any()
    }
    searched = ("ip", "prefix", "device", "user_agent", "account_batch", "habit")
    paired = (
        ("device", "crowd"),
        ("device", "habit"),
        ("device", "account_batch"),
        ("user_agent", "crowd"),
        ("user_agent", "account_batch"),
        ("prefix", "device"),
        ("prefix", "account_batch"),
        ("crowd", "account_batch"),
    )
    families = [found[name] for name in searched if name in found]
    families += [
        Attribute(
            f"{one}×{other}",
            found[one].aspects | found[other].aspects,
            pair_of(found[one].codes, found[other].codes),
        )
        for one, other in paired
        if one in found and other in found
    ]
    together = _lockstep(ballots)
    families += together
    return Attributes(
        tuple(families),
        _by_aspect(list(found.values())),
        place,
        (ip, prefix, device, *(each.codes for each in together)),
    )


def _lockstep(ballots: Ballots) -> list[Attribute]:
    met = meetings_of(ballots)
    strict = companions(ballots, met, STRICT_MEETINGS, STRICT_MEETING_SHARE)
    loose = companions(ballots, met, LEAST_MEETINGS, LEAST_MEETING_SHARE)
    aspect: frozenset[Aspect] = frozenset({"lockstep"})
    found = [Attribute("lockstep", aspect, strict, alone=True)]
    found += [Attribute("companions", aspect, loose)]
    return [each for each in found if (each.codes != ABSENT).any()]


def _by_aspect(known: Sequence[Attribute]) -> dict[Aspect, tuple[Attribute, ...]]:
    witnesses: dict[Aspect, tuple[Attribute, ...]] = {}
    for attribute in known:
        (aspect,) = attribute.aspects
        witnesses[aspect] = (*witnesses.get(aspect, ()), attribute)
    return witnesses


def _crowd(place: Int32s, voter: Int32s) -> Int32s:
    """How many voters share the address, as a power of two; -1 without an address."""
    known = place != ABSENT
    pairs = distinct(place[known].astype(np.int64) << 32 | voter[known])
    sharing = np.bincount(pairs >> 32, minlength=1)
    return np.where(known, np.log2(np.maximum(sharing, 1))[place], ABSENT).astype(np.int32)


def _habit(voter: Int32s, place: Int32s) -> Int32s:
    """How often the voter votes, and from how many places for that."""
    times = np.bincount(voter)
    known = place != ABSENT
    pairs = distinct(voter[known].astype(np.int64) << 32 | place[known])
    places = np.bincount(pairs >> 32, minlength=len(times))
    moving = np.digitize(places / np.maximum(times, 1), _MOBILITY)
    diligence = np.digitize(times, _DILIGENCE)
    return (diligence * (len(_MOBILITY) + 1) + np.where(times > 1, moving, 0)).astype(np.int32)[
        voter
    ]


def _age(created: Int32s, cast_at: Int64s) -> Int32s:
    days: npt.NDArray[np.int64] = cast_at // DAY_MS - created
    return np.where(created == ABSENT, ABSENT, np.digitize(days, _AGES_DAYS)).astype(np.int32)
