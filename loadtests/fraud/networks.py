"""The networks of voters: carriers' exits, homes, campuses and offices, clouds.

An address is one integer: IPv4 below 2³², above it a /64 and sixteen bits of host. The blocks
are arbitrary; only sharing a /24 or a /64 has a meaning.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from loadtests.fraud.records import Bools, Column, Floats, Ints, hash_values

CARRIER, HOME, CAMPUS = 0, 1, 2
KIND_SHARES = (0.60, 0.30, 0.10)

ZONES = 6
EXITS_IN_A_BLOCK = 40
_CARRIER_BLOCK = 0x70_00_00_00
_HOME_BLOCK = 0xB0_00_00_00
_CAMPUS_BLOCK = 0xCA_00_00_00
_CLOUD_BLOCK = 0x2F_00_00_00
_V6 = 2**32
_V6_SHARE = 5  # one household in five
_HOMES_IN_A_BLOCK = 20
_REDIALS_A_DAY = 0.15
_NEIGHBOUR_BLOCKS = 4


@dataclass(slots=True)
class Networks:
    """The networks of one simulated city. Sizes grow with the electorate, exits more slowly."""

    salt: int
    exits: int
    households: int
    campuses: int
    exit_order: Ints
    exit_cumulative: Floats
    campus_cumulative: Floats


def make_networks(rng: np.random.Generator, ballots: int, salt: int) -> Networks:
    """Draw networks for about `ballots` honest ballots: Zipf exits, a heavy tail of campuses."""
    growth = ballots / 234_000
    exits = max(60, int(1_500 * growth**0.6)) // ZONES * ZONES
    campuses = max(40, int(220 * growth**0.6))
    by_exit = 1.0 / np.arange(1, exits // ZONES + 1)
    sizes = np.minimum(rng.pareto(1.1, campuses) + 0.2, 60.0)
    return Networks(
        salt=salt,
        exits=exits,
        households=max(500, int(0.062 * ballots)),
        campuses=campuses,
        exit_order=rng.permutation(exits),
        exit_cumulative=np.cumsum(by_exit) / by_exit.sum(),
        campus_cumulative=np.cumsum(sizes) / sizes.sum(),
    )


def draw_indices(rng: np.random.Generator, cumulative: Floats, size: int) -> Ints:
    """Draw indices with the weights whose running sum is `cumulative`."""
    index = np.searchsorted(cumulative, rng.random(size), side="right")
    return np.minimum(index, len(cumulative) - 1)


def exit_of_zone(rng: np.random.Generator, networks: Networks, zone: Column) -> Ints:
    """Draw a carrier's exit for each phone of a zone; one in five uses another zone's."""
    at = np.where(rng.random(len(zone)) < 0.2, rng.integers(0, ZONES, len(zone)), zone)
    return draw_indices(rng, networks.exit_cumulative, len(zone)) * ZONES + at


def carrier_addresses(networks: Networks, exit_number: Column) -> Ints:
    number = networks.exit_order[exit_number]
    block, host = np.divmod(number, EXITS_IN_A_BLOCK)
    return np.asarray(_CARRIER_BLOCK + block * 256 + 1 + host * 5, dtype=np.int64)


def home_addresses(networks: Networks, household: Column, day: Column, person: Column) -> Ints:
    """Return the address of a household on a day; a redial moves it in its neighbourhood."""
    phase = _below(hash_values(household, networks.salt + 1), 1_000) / 1_000
    epoch = ((np.asarray(day) + phase) * _REDIALS_A_DAY).astype(np.int64)
    line = hash_values(np.asarray(household).astype(np.int64) * 64 + epoch, networks.salt + 2)
    quarter = np.asarray(household) // (_HOMES_IN_A_BLOCK * _NEIGHBOUR_BLOCKS)
    block = quarter * _NEIGHBOUR_BLOCKS + _below(line, _NEIGHBOUR_BLOCKS)
    fourth = _HOME_BLOCK + block * 256 + 1 + _below(line >> np.uint64(8), 254)
    host = 1 + _below(
        hash_values(person, networks.salt + 3) + np.asarray(day).astype(np.uint64), 65_000
    )
    sixth = _V6 + (_below(line, 2**28) << 16) + host
    return np.where(has_v6(networks, household), sixth, fourth).astype(np.int64)


def has_v6(networks: Networks, household: Column) -> Bools:
    share = _below(hash_values(household, networks.salt + 4), _V6_SHARE)
    return np.asarray(share == 0)


def campus_addresses(networks: Networks, campus: Column, person: Column) -> Ints:
    """Return the gateway of each person on a campus: one to eight, by the number of people."""
    weight = np.diff(networks.campus_cumulative, prepend=0.0)[campus]
    gateways = np.clip((weight * 200).astype(np.int64), 1, 8)
    gateway = _below(hash_values(person, networks.salt + 5), 840) % gateways
    return np.asarray(_CAMPUS_BLOCK + np.asarray(campus) * 256 + 1 + gateway, dtype=np.int64)


def workplace_addresses(networks: Networks, workplace: int, gateway: Column) -> Ints:
    """Return addresses of an employer's own line, in a block that no campus has."""
    block = networks.campuses + 16 + workplace
    return np.asarray(_CAMPUS_BLOCK + block * 256 + 1 + np.asarray(gateway), dtype=np.int64)


def cloud_addresses(block: Column, host: Column) -> Ints:
    """Return addresses of a hosting company; no honest ballot comes from there."""
    return np.asarray(_CLOUD_BLOCK + np.asarray(block) * 256 + 1 + np.asarray(host), dtype=np.int64)


def prefixes(address: Ints) -> Ints:
    """Return one number for each /24 and each /64."""
    return np.where(address < _V6, address >> 8, _V6 + ((address - _V6) >> 16))


def as_text(address: int) -> str:
    """Return the address as text."""
    if address < _V6:
        return ".".join(str(address >> shift & 255) for shift in (24, 16, 8, 0))
    prefix, host = divmod(address - _V6, 2**16)
    return f"240e:3a0:{prefix >> 14:x}:{prefix & 0x3FFF:x}::{host:x}"


def _below(hashes: Column, limit: int) -> Ints:
    return np.asarray(hashes % np.uint64(limit), dtype=np.int64)
