"""A12: merchants' accounts held, and others, in worlds without addresses, devices or ages; beside a
rule of one line."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import coo_array, csgraph

from loadtests.fraud.intervals import Mean, mean_with_interval, upper_bound
from loadtests.fraud.merchants import Account, MerchantWorld, held_accounts, make_world
from loadtests.fraud.records import Bools
from loadtests.report import Section
from voting_service.antifraud.forensics.columns import BallotColumns
from voting_service.antifraud.forensics.examine import examine
from voting_service.antifraud.forensics.findings import BallotVerdict

_HOUR_MS = 3_600_000
_COMMON, _ACCOUNTS = 5, 10
_AIM = 0.95


def held_by_rule(columns: BallotColumns) -> Bools:
    """Hold accounts with five objects in common within an hour, in groups of ten and more."""
    voters = int(columns.voter.max()) + 1
    pairs = []
    for hour in (columns.cast_at // _HOUR_MS, (columns.cast_at + _HOUR_MS // 2) // _HOUR_MS):
        order = np.lexsort((columns.voter, hour, columns.choice_numbers))
        item, voter = columns.choice_numbers[order].astype(np.int64), columns.voter[order]
        slot = hour[order]
        for step in range(1, len(order)):
            same = (item[step:] == item[:-step]) & (slot[step:] == slot[:-step])
            if not same.any():
                break
            first, other = voter[:-step][same].astype(np.int64), voter[step:][same]
            pairs.append((first * voters + other) << 16 | item[step:][same])
    met, counts = np.unique(np.unique(np.concatenate(pairs)) >> 16, return_counts=True)
    linked = met[counts >= _COMMON]
    graph = coo_array(
        (np.ones(len(linked)), (linked // voters, linked % voters)), shape=(voters, voters)
    )
    group = csgraph.connected_components(graph, directed=False)[1]
    return np.asarray((np.bincount(group) >= _ACCOUNTS)[group][columns.voter])


def sections(seeds: Sequence[int]) -> list[Section]:
    """Return the table of the worlds of these seeds."""
    table = Section(
        "Accounts of merchants held (A12)",
        [
            *("world", "method", "merchants' accounts held", "least"),
            *("other accounts held", "at most (95%)", "most in a seed"),
        ],
        notes=[
            "Means over seeds with 95% intervals; of other accounts, one-sided 95% upper bounds. "
            "The rule: five objects in common within an hour of the clock, in a group of at least "
            "ten accounts.",
            f"The aim: at least {_AIM:.0%} of the merchants' accounts held, and at most 1% of the "
            "others.",
        ],
    )
    kinds = {
        "merchants among others": (True, True),
        "no merchants": (False, True),
        "nearly everything bought": (True, False),
    }
    for name, (merchants, organic) in kinds.items():
        by_method: dict[str, list[dict[str, float]]] = {"forensics": [], "rule": []}
        accounts = 0
        for seed in seeds:
            world = make_world(seed, merchants=merchants, organic=organic)
            accounts += int(np.count_nonzero(_others(world)))
            held = examine(world.columns).verdict == BallotVerdict.HOLD
            by_method["forensics"].append(held_accounts(world, held))
            by_method["rule"].append(held_accounts(world, held_by_rule(world.columns)))
        for method, shares in by_method.items():
            bought = [share["MERCHANT"] for share in shares if "MERCHANT" in share]
            others = [share["organic"] for share in shares]
            table.rows.append(
                [
                    name,
                    method,
                    _shown(mean_with_interval(bought)) if bought else "–",
                    f"{min(bought):.3f}" if bought else "–",
                    f"{mean_with_interval(others).mean:.4f}",
                    f"{min(upper_bound(others, accounts / len(seeds)), 1.0):.4f}",
                    f"{max(others):.4f}",
                ]
            )
            if method == "forensics" and bought:
                mean = mean_with_interval(bought)
                if mean.mean < _AIM:
                    table.notes.append(f"The forensics are below the aim in: {name}.")
                elif mean.low < _AIM:
                    table.notes.append(f"Above it on average, but not surely, in: {name}.")
            table.figures[f"{name}, {method}"] = {"bought": bought, "others": others}
    return [table]


def _others(world: MerchantWorld) -> Bools:
    """Return which accounts that act are not merchants'."""
    acts = np.bincount(world.columns.voter, minlength=len(world.kind)) > 0
    return np.asarray(acts & (world.kind < Account.MERCHANT))


def _shown(mean: Mean) -> str:
    return f"{mean.mean:.4f} ({max(mean.low, 0.0):.4f}–{min(mean.high, 1.0):.4f})"
