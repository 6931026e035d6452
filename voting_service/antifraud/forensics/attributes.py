"""Attributes of each ballot as dense codes: those of the file, derived ones, pairs.

A derived attribute describes behaviour or sharing, so that it still separates campaigns where every
address and every account occurs once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from voting_service.antifraud.forensics.columns import (
    ABSENT,
    BallotColumns,
    Int32s,
    Int64s,
)
from voting_service.antifraud.forensics.lockstep import companions, find_meetings
from voting_service.antifraud.forensics.prepare import (
    DAY_MS,
    HOUR_MS,
    Ballots,
    encode_known,
    pair_codes,
    sorted_distinct,
)
from voting_service.antifraud.forensics.thresholds import (
    MIN_MEETING_SHARE,
    MIN_MEETINGS,
    STRICT_MIN_MEETING_SHARE,
    STRICT_MIN_MEETINGS,
)

Aspect = Literal["network", "client", "account", "habit", "day", "hour", "ballot", "lockstep"]
"""Attributes of one aspect are strongly correlated; those of two aspects are not."""

_DILIGENCE = (2, 3, 5, 10, 15)
_MOBILITY = (0.35, 0.6, 0.8)
_AGES_DAYS = (1, 7, 45, 120, 365, 1_095)


@dataclass(frozen=True, slots=True)
class Attribute:
    """`codes` by ballot in canonical order, -1 where not known."""

    name: str
    aspects: frozenset[Aspect]
    codes: Int32s
    alone: bool = False
    """Whether ballots are held without a second aspect; never for a network or a device."""


@dataclass(frozen=True, slots=True)
class Attributes:
    """`families` are searched for campaigns; `by_aspect` separates them from honest ballots."""

    families: tuple[Attribute, ...]
    by_aspect: dict[Aspect, tuple[Attribute, ...]]
    network: Int32s
    """The network, or the address where networks are not known."""
    sources: tuple[Int32s, ...]
    """Codes that many ballots of one actor share: address, network, device, companions."""


def build_attributes(columns: BallotColumns, ballots: Ballots) -> Attributes:
    """Return every attribute that at least one ballot has."""
    order = ballots.order
    ip, prefix, device, agent = (
        encode_known(codes[order])
        for codes in (columns.ip, columns.prefix, columns.device, columns.user_agent)
    )
    network = np.where(prefix == ABSENT, ip, prefix)
    created = columns.account_day[order]
    batch = encode_known(np.where(created == ABSENT, ABSENT, created // 4))
    sharing = address_sharing(ip if (ip != ABSENT).any() else network, ballots.voter)
    habit = _habit(ballots.voter, network)
    age = account_age(created, ballots.cast_at)
    day, hour = ballots.cast_at // DAY_MS, ballots.cast_at // HOUR_MS % 24
    size = np.bincount(ballots.choice_row, minlength=len(ballots))
    single: dict[str, tuple[Aspect, Int32s]] = {
        "ip": ("network", ip),
        "prefix": ("network", prefix),
        "address_sharing": ("network", sharing),
        "device": ("client", device),
        "user_agent": ("client", agent),
        "account_batch": ("account", batch),
        "account_age": ("account", age),
        "habit": ("habit", habit),
        "day": ("day", (day - day.min(initial=0)).astype(np.int32)),
        "hour": ("hour", hour.astype(np.int32)),
        "size": ("ballot", np.minimum(size, 15).astype(np.int32)),
    }
    attributes = {
        name: Attribute(name, frozenset({aspect}), codes)
        for name, (aspect, codes) in single.items()
        if (codes != ABSENT).any()
    }
    searched = ("ip", "prefix", "device", "user_agent", "account_batch", "habit")
    paired = (
        ("device", "address_sharing"),
        ("device", "habit"),
        ("device", "account_batch"),
        ("user_agent", "address_sharing"),
        ("user_agent", "account_batch"),
        ("prefix", "device"),
        ("prefix", "account_batch"),
        ("address_sharing", "account_batch"),
    )
    families = [attributes[name] for name in searched if name in attributes]
    families += [
        Attribute(
            f"{first}×{second}",
            attributes[first].aspects | attributes[second].aspects,
            pair_codes(attributes[first].codes, attributes[second].codes),
        )
        for first, second in paired
        if first in attributes and second in attributes
    ]
    together = _lockstep(ballots)
    families += together
    return Attributes(
        tuple(families),
        _by_aspect(list(attributes.values())),
        network,
        (ip, prefix, device, *(attribute.codes for attribute in together)),
    )


def _lockstep(ballots: Ballots) -> list[Attribute]:
    met = find_meetings(ballots)
    strict = companions(ballots, met, STRICT_MIN_MEETINGS, STRICT_MIN_MEETING_SHARE)
    loose = companions(ballots, met, MIN_MEETINGS, MIN_MEETING_SHARE)
    aspect: frozenset[Aspect] = frozenset({"lockstep"})
    candidates = [Attribute("lockstep", aspect, strict, alone=True)]
    candidates += [Attribute("companions", aspect, loose)]
    return [attribute for attribute in candidates if (attribute.codes != ABSENT).any()]


def _by_aspect(attributes: Sequence[Attribute]) -> dict[Aspect, tuple[Attribute, ...]]:
    by_aspect: dict[Aspect, tuple[Attribute, ...]] = {}
    for attribute in attributes:
        (aspect,) = attribute.aspects
        by_aspect[aspect] = (*by_aspect.get(aspect, ()), attribute)
    return by_aspect


def address_sharing(address: Int32s, voter: Int32s) -> Int32s:
    """Return the binary logarithm of the voters of the ballot's address; -1 without an address."""
    has_address = address != ABSENT
    pairs = sorted_distinct(address[has_address].astype(np.int64) << 32 | voter[has_address])
    sharing = np.bincount(pairs >> 32, minlength=1)
    return np.where(has_address, np.log2(np.maximum(sharing, 1))[address], ABSENT).astype(np.int32)


def _habit(voter: Int32s, network: Int32s) -> Int32s:
    """Return a code for how often the voter votes, and from how many networks relative to that."""
    times = np.bincount(voter)
    present = network != ABSENT
    pairs = sorted_distinct(voter[present].astype(np.int64) << 32 | network[present])
    networks = np.bincount(pairs >> 32, minlength=len(times))
    moving = np.digitize(networks / np.maximum(times, 1), _MOBILITY)
    diligence = np.digitize(times, _DILIGENCE)
    return (diligence * (len(_MOBILITY) + 1) + np.where(times > 1, moving, 0)).astype(np.int32)[
        voter
    ]


def account_age(created: Int32s, cast_at: Int64s) -> Int32s:
    days: npt.NDArray[np.int64] = cast_at // DAY_MS - created
    return np.where(created == ABSENT, ABSENT, np.digitize(days, _AGES_DAYS)).astype(np.int32)
