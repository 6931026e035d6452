"""Accounts that choose the same objects in the same periods again and again: a ring.

Works without address, device or account age, and with objects that each account chooses once. Two
accounts meet where they choose an object within a period of each other. How many meetings chance
explains follows from a null in which an account draws its choices from the traffic of the periods
in which it is active. So popular objects, busy hours, a call that many answer and an evening of
fifty choices do not bring two people together more often than expected. A common taste shows in
what a pair shares at other times, and raises the expectation in proportion.

The trials of a pair are the ballots of one account on days when the other is active. With k of n
met and a mean probability p the tail is at most exp(−n KL(k/n ‖ p)) (Hoeffding 1963). Links are
selected at the false-discovery rate of the scan, over all pairs of accounts that could be linked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb

import numpy as np
from scipy.sparse import coo_array, csgraph, csr_array

from voting_service.antifraud.forensics.columns import ABSENT, Int32s, Int64s
from voting_service.antifraud.forensics.lockstep import k_core
from voting_service.antifraud.forensics.prepare import (
    DAY_MS,
    HOUR_MS,
    Ballots,
    Bools,
    Floats,
    encode_by_appearance,
    sorted_distinct,
    sum_by_code,
)
from voting_service.antifraud.forensics.ring_meetings import (
    Choices,
    MeetingCounts,
    begins_ballot,
    cast_by_day,
    count_meetings,
    count_trials,
    pair_blocks,
)
from voting_service.antifraud.forensics.significance import discoveries
from voting_service.antifraud.forensics.thresholds import (
    FALSE_DISCOVERY_RATE,
    MIN_CAMPAIGN_VOTERS,
    MIN_COMPANION_LINKS,
    MIN_RING_LIFT,
    MIN_RING_LINKS,
    MIN_RING_MEETINGS,
    MIN_RING_SHARE,
    PRIOR_RING_CHOICES,
    RING_PERIODS_SECONDS,
)


@dataclass(frozen=True, slots=True)
class Ring:
    """Accounts that act together; `rows` are all their ballots, ascending."""

    rows: Int64s
    period_seconds: int
    """How close in time the choices of a meeting are."""
    meetings: float
    """Mean number of meetings of a linked pair; `expected` by chance."""
    expected: float
    log_p: float
    """Natural logarithm of the p-value of the most significant pair, like log_q."""
    log_q: float


@dataclass(frozen=True, slots=True)
class _Links:
    """Pairs of accounts, by voter."""

    period_seconds: int
    first: Int64s
    second: Int64s
    met: Floats
    expected: Floats
    log_p: Floats
    log_q: Floats


def find_rings(ballots: Ballots, active: Bools, network: Int32s) -> list[Ring]:
    """Return the rings among the active ballots, the largest first; `network` is that of each
    ballot. Members who share a network are left out, and left to the search for networks: perhaps
    staff whom their employer calls again and again."""
    kept = active[ballots.choice_row]
    row = ballots.choice_row[kept]
    if not len(row):
        return []
    day = _days(ballots.cast_at)
    choices = Choices(
        row=row,
        account=ballots.voter[row],
        item=ballots.choice[kept].astype(np.int32),
        at=ballots.cast_at[row],
        day=day[row],
        accounts=int(ballots.voter.max()) + 1,
        items=ballots.candidates,
        days=int(day.max()) + 1,
    )
    by_period = [_find_links(choices, seconds * 1_000) for seconds in RING_PERIODS_SECONDS]
    home = _main_network(ballots.voter, network)
    return _group([links for links in by_period if links is not None], choices, home)


def _days(cast_at: Int64s) -> Int32s:
    """Return the day of each time, dense; days begin at the quietest hour of the file, so that few
    evenings are cut in two."""
    quietest = int(np.argmin(np.bincount(cast_at // HOUR_MS % 24, minlength=24)))
    return encode_by_appearance((cast_at - quietest * HOUR_MS) // DAY_MS)


def _find_links(choices: Choices, period_ms: int) -> _Links | None:
    """Return the pairs that met significantly often within a period.

    A large ring would hide in the traffic that explains its own meetings. So those who met on many
    of their ballots are grouped first, and a group counts in the traffic of a cell as one account.
    """
    grids = [(choices.at + shift * period_ms // 2) // period_ms for shift in (0, 1)]
    cells = [encode_by_appearance(grid * choices.items + choices.item) for grid in grids]
    # A period lies in one day, as chances are added up by day.
    period = encode_by_appearance(grids[0] * choices.days + choices.day)
    alone = np.ones(len(choices.row))
    popularity = np.bincount(choices.item, minlength=choices.items) / len(choices.row)
    usual = PRIOR_RING_CHOICES * popularity[choices.item]
    crowd = _crowd(cells, alone) + usual
    able, pairs = _able_accounts(choices, crowd, _rates(choices, period, alone))
    used = np.flatnonzero(able[choices.account])
    if not len(used) or not pairs:
        return None
    met = count_meetings(choices, cells, used)
    met = met.only(
        met.meetings >= np.maximum(MIN_RING_SHARE * count_trials(choices, met), MIN_RING_MEETINGS)
    )
    met = met.only(k_core(met.first, met.second, MIN_RING_LINKS))
    if not len(met.first):
        return None
    group = _components(met.first, met.second, choices.accounts)[choices.account]
    weight = _group_weights(cells, group)
    expected, log_p = _judge_pairs(
        choices, met, _crowd(cells, weight) + usual, _rates(choices, period, weight)
    )
    limit, log_q = discoveries(log_p, pairs * len(RING_PERIODS_SECONDS))
    linked = (log_p <= limit) & (met.meetings >= MIN_RING_LIFT * expected)
    met = met.only(linked)
    return _Links(
        period_ms // 1_000,
        met.first,
        met.second,
        met.meetings,
        expected[linked],
        log_p[linked],
        log_q[linked],
    )


def _crowd(cells: Sequence[Int32s], weight: Floats) -> Floats:
    """Return the weight of the other choices of an object within a period of each choice, at least
    one. Half a period apart, two grids see three quarters of it around a choice on average."""
    others = sum(
        (sum_by_code(cell, weight)[cell] - weight for cell in cells), np.zeros(len(weight))
    )
    return np.maximum(0.75 * others, 1.0)


def _group_weights(cells: Sequence[Int32s], group: Int32s) -> Floats:
    """Return one divided by the choices of the same group in the cell; one outside groups."""
    weight = np.ones(len(group))
    inside = np.flatnonzero(group >= 0)
    for cell in cells:
        key = cell[inside].astype(np.int64) << 32 | group[inside]
        _, place, counts = np.unique(key, return_inverse=True, return_counts=True)
        weight[inside] = np.minimum(weight[inside], 1.0 / counts[place])
    return weight


def _rates(choices: Choices, period: Int32s, weight: Floats) -> csr_array:
    """Return accounts × days: the account's choices as a share of the others' traffic in the
    periods in which it was active."""
    traffic = sum_by_code(period, weight)
    visits = sorted_distinct(choices.account.astype(np.int64) << 32 | period)
    day_of_period = np.zeros(len(traffic), dtype=np.int64)
    day_of_period[period] = choices.day
    account, visited = visits >> 32, visits & 0xFFFFFFFF
    keys, place = np.unique(account * choices.days + day_of_period[visited], return_inverse=True)
    seen = sum_by_code(place, traffic[visited] + PRIOR_RING_CHOICES)
    own_place = np.searchsorted(
        keys, choices.account.astype(np.int64) * choices.days + day_of_period[period]
    )
    own = np.bincount(own_place, minlength=len(keys))
    others = np.maximum(seen - sum_by_code(own_place, weight, len(keys)), 1.0)
    return csr_array(
        (own / others, (keys // choices.days, keys % choices.days)),
        shape=(choices.accounts, choices.days),
    )


def _able_accounts(choices: Choices, crowd: Floats, rate: csr_array) -> tuple[Bools, int]:
    """Return which accounts could have a significant link, and the number of pairs of them (Tarone
    1990). An account meets another at most once a ballot, each meeting being as surprising as with
    an account like itself; half the evidence needed is enough, for rings hide in their own traffic.
    """
    begins = begins_ballot(choices)
    chance = sum_by_code(np.cumsum(begins) - 1, _lookup(rate, choices.account, choices.day) * crowd)
    surprise = -np.log(-np.expm1(-np.maximum(chance, 1e-9)))
    account = choices.account[begins]
    potential = sum_by_code(account, surprise, choices.accounts)
    able = np.bincount(account, minlength=choices.accounts) >= MIN_RING_MEETINGS
    pairs = comb(int(able.sum()), 2)
    able &= potential >= 0.5 * np.log(max(pairs, 1) / FALSE_DISCOVERY_RATE)
    return able, comb(int(able.sum()), 2)


def _lookup(table: csr_array, row: Int32s, column: Int32s) -> Floats:
    """Return the entries of a sparse table at (row, column); all of them exist."""
    rows = np.repeat(np.arange(table.shape[0]), np.diff(table.indptr))
    keys = rows * table.shape[1] + table.indices
    place = np.searchsorted(keys, row.astype(np.int64) * table.shape[1] + column)
    values: Floats = table.data[place]
    return values


def _judge_pairs(
    choices: Choices, met: MeetingCounts, crowd: Floats, rate: csr_array
) -> tuple[Floats, Floats]:
    """Return the expected meetings of each pair and the logarithm of the tail; of the two
    directions (whose ballots are the trials) that which is less significant."""
    shape = (choices.accounts, choices.days)
    seen = csr_array((crowd, (choices.account, choices.day)), shape=shape)
    cast = cast_by_day(choices)
    chosen = csr_array(
        (np.ones(len(choices.row)), (choices.account, choices.item)),
        shape=(choices.accounts, choices.items),
    )
    chosen.data[:] = 1.0
    total = np.bincount(choices.item, minlength=choices.items) / len(choices.row)
    audience = chosen @ total
    active = rate.copy()
    active.data[:] = 1.0
    expected, log_p = np.zeros(len(met.first)), np.full(len(met.first), -np.inf)
    objects = chosen.sum(axis=1)
    for block in pair_blocks(len(met.first)):
        first, second, meetings = met.first[block], met.second[block], met.meetings[block]
        common = chosen[first].multiply(chosen[second]).sum(axis=1)
        for mine, other in ((first, second), (second, first)):
            trials = cast[mine].multiply(active[other]).tocsr()
            chance = seen[mine].multiply(rate[other]).tocsr()
            explained = _saturated(chance, trials)
            shared = objects[mine] * -np.expm1(-objects[other] * audience[mine] / objects[mine])
            taste = np.maximum((common - meetings + 1.0) / (shared + 1.0), 1.0)
            count = np.maximum(trials.sum(axis=1), meetings)
            p = np.minimum(explained * taste / count, 1.0)
            tail = -count * _divergence(meetings / count, p)
            worse = tail > log_p[block]
            log_p[block] = np.where(worse, tail, log_p[block])
            expected[block] = np.maximum(expected[block], p * count)
    return expected, log_p


def _saturated(chance: csr_array, trials: csr_array) -> Floats:
    """Return the expected meetings by pair: on each day, trials · (1 − exp(−chance / trials)),
    which is at least the sum over the single trials (Jensen)."""
    chance.sort_indices()
    trials.sort_indices()
    pair = np.repeat(np.arange(chance.shape[0]), np.diff(chance.indptr))
    count = _lookup(trials, pair.astype(np.int32), chance.indices)
    met = count * -np.expm1(-chance.data / count)
    return sum_by_code(pair, met, chance.shape[0])


def _divergence(share: Floats, p: Floats) -> Floats:
    """Return KL(share ‖ p) of two coins where share > p, else 0."""
    p = np.clip(p, 1e-9, 1.0 - 1e-9)
    rest = np.maximum(1.0 - share, 1e-12)
    value = share * np.log(np.maximum(share, 1e-12) / p) + rest * np.log(rest / (1.0 - p))
    return np.where(share > p, value, 0.0)


def _main_network(voter: Int32s, network: Int32s) -> Int32s:
    """Return the network with the most ballots of each voter; −1 without a network."""
    shown = network != ABSENT
    pairs, counts = np.unique(
        voter[shown].astype(np.int64) << 32 | network[shown], return_counts=True
    )
    pairs = pairs[np.lexsort((pairs, -counts))]
    voters, most = np.unique(pairs >> 32, return_index=True)
    home = np.full(int(voter.max()) + 1, ABSENT, dtype=np.int32)
    home[voters] = pairs[most] & 0xFFFFFFFF
    return home


def _share_network(group: Int32s, home: Int32s) -> Bools:
    """Return which accounts have the same main network as many others of their group."""
    inside = np.flatnonzero((group >= 0) & (home >= 0))
    key = group[inside].astype(np.int64) << 32 | home[inside]
    _, place, counts = np.unique(key, return_inverse=True, return_counts=True)
    shared = np.zeros(len(group), dtype=bool)
    shared[inside] = counts[place] >= MIN_CAMPAIGN_VOTERS
    return shared


def _group(by_period: Sequence[_Links], choices: Choices, home: Int32s) -> list[Ring]:
    """Return the rings that the links form: accounts with several links, in groups of several, few
    of whom share a network."""
    if not by_period:
        return []
    links = np.unique(
        np.concatenate([np.stack([part.first, part.second]) for part in by_period], axis=1), axis=1
    )
    shared = _share_network(_linked_groups(links, choices.accounts), home)
    links = links[:, ~(shared[links[0]] | shared[links[1]])]
    group = _linked_groups(links, choices.accounts)
    sizes = np.bincount(group[group >= 0])
    large = np.flatnonzero(sizes >= MIN_CAMPAIGN_VOTERS)
    return [
        _describe(choices, np.asarray(group == number), by_period)
        for number in large[np.argsort(-sizes[large], kind="stable")]
    ]


def _linked_groups(links: Int64s, accounts: int) -> Int32s:
    """Return the group of each account with several links (pairs by column); −1 without them."""
    kept = k_core(links[0], links[1], MIN_COMPANION_LINKS)
    return _components(links[0][kept], links[1][kept], accounts)


def _describe(choices: Choices, member: Bools, by_period: Sequence[_Links]) -> Ring:
    """Return the ring of the members; its figures are those of the period with the most links."""
    inside = [member[part.first] & member[part.second] for part in by_period]
    most = int(np.argmax([np.count_nonzero(some) for some in inside]))
    links, some = by_period[most], inside[most]
    return Ring(
        rows=np.unique(choices.row[member[choices.account]]).astype(np.int64),
        period_seconds=links.period_seconds,
        meetings=float(links.met[some].mean()),
        expected=float(links.expected[some].mean()),
        log_p=float(links.log_p[some].min()),
        log_q=float(links.log_q[some].min()),
    )


def _components(first: Int64s, second: Int64s, accounts: int) -> Int32s:
    """Return the connected component of each account; −1 without a link."""
    graph = coo_array((np.ones(len(first)), (first, second)), shape=(accounts, accounts))
    component = csgraph.connected_components(graph, directed=False)[1]
    linked = np.zeros(accounts, dtype=bool)
    linked[first] = linked[second] = True
    return np.where(linked, component, ABSENT).astype(np.int32)
