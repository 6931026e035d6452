"""The city that votes: candidates, platforms, districts, and people drawn from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from loadtests.fraud import devices, networks
from loadtests.fraud.networks import CAMPUS, CARRIER, HOME, KIND_SHARES, ZONES, draw_indices
from loadtests.fraud.records import UNKNOWN_DAY, Column, Columns, Floats, Ints, Masks, hash_values
from loadtests.fraud.voting_times import DAYS, day_weights, minutes_of_day

CANDIDATES = 50
SEATS = 30
MAX_CHOICES = 10
PLATFORMS = ("news", "union", "city", "radio", "portal", "skills", "county", "craft")
_PLATFORM_SHARES = (0.33, 0.22, 0.15, 0.12, 0.08, 0.05, 0.03, 0.02)
PLATFORMS_WITH_ACCOUNT_AGE = (4, 6)
"""Platforms that report when an account was created: few do."""
DISTRICTS = 41
_HOMETOWN_FACTOR = 1.5
_FAN_SHARE = 0.15
_NEW_ACCOUNT_SHARE = 0.10
# Shares of ballots with one to ten candidates.
_CHOICES = (0.20, 0.13, 0.19, 0.09, 0.14, 0.06, 0.03, 0.05, 0.02, 0.09)


@dataclass(slots=True)
class City:
    salt: int
    electorate: int  # honest ballots it is made for
    networks: networks.Networks
    devices: devices.Devices
    day_weights: Floats
    district_cumulative: Floats
    popularity: Floats  # by candidate
    preference: Floats  # platform × day × candidate
    hometown: Floats  # district × candidate


def make_city(rng: np.random.Generator, ballots: int) -> City:
    salt = int(rng.integers(1, 2**31))
    popularity = np.exp(rng.normal(0.0, 0.72, CANDIDATES))
    by_platform = np.exp(rng.normal(0.0, 0.22, (len(PLATFORMS), 1, CANDIDATES)))
    by_day = np.exp(np.cumsum(rng.normal(0.0, 0.04, (1, DAYS, CANDIDATES)), axis=1))
    districts = 1.0 / np.arange(1, DISTRICTS + 1) ** 0.6
    home_district = rng.integers(0, DISTRICTS, CANDIDATES)
    hometown = np.where(
        home_district[None, :] == np.arange(DISTRICTS)[:, None], _HOMETOWN_FACTOR, 1.0
    )
    return City(
        salt=salt,
        electorate=ballots,
        networks=networks.make_networks(rng, ballots, salt),
        devices=devices.make_devices(rng, ballots, salt),
        day_weights=day_weights(rng),
        district_cumulative=np.cumsum(districts) / districts.sum(),
        popularity=popularity / popularity.sum(),
        preference=popularity * by_platform * by_day,
        hometown=hometown,
    )


@dataclass(slots=True)
class People(Columns):
    """One row a person with an account."""

    voter: Masks
    platform: Ints
    district: Ints
    kind: Ints  # the network they mostly vote from
    household: Ints
    campus: Ints
    usual_exit: Ints
    phone: Ints
    release: Ints  # of the web view, on the first day
    update_day: Ints
    account_day: Ints
    habit_minute: Floats
    favourite: Ints  # candidate number they are a fan of, 0 for none


def draw_people(rng: np.random.Generator, city: City, size: int, first: int) -> People:
    """Draw `size` new people; `first` is the number of the first, unique in a simulation."""
    number = np.arange(first, first + size, dtype=np.int64)
    household = rng.integers(0, city.networks.households, size)
    district = draw_indices(rng, city.district_cumulative, size)
    kind = draw_indices(rng, np.cumsum(KIND_SHARES), size)
    platform = draw_indices(rng, np.cumsum(_PLATFORM_SHARES), size)
    alone = kind != HOME
    # A household has one preference and one hour: families vote after supper for one neighbour.
    fan_roll = np.where(alone, rng.random(size), _hash_to_unit(household, city.salt + 11))
    favourite_roll = np.where(alone, rng.random(size), _hash_to_unit(household, city.salt + 12))
    fans = np.cumsum(city.popularity**0.8) / (city.popularity**0.8).sum()
    favourite = np.minimum(np.searchsorted(fans, favourite_roll), CANDIDATES - 1) + 1
    minute = minutes_of_day(rng, size)
    table = np.sort(minutes_of_day(rng, 4_096))
    at_home = table[(_hash_to_unit(household, city.salt + 13) * len(table)).astype(np.int64)]
    return People(
        voter=hash_values(number, city.salt + 14),
        platform=platform,
        district=district,
        kind=kind,
        household=household,
        campus=draw_indices(rng, city.networks.campus_cumulative, size),
        usual_exit=networks.exit_of_zone(rng, city.networks, district % ZONES),
        phone=devices.draw_phones(rng, city.devices, size),
        release=devices.draw_releases(rng, size),
        update_day=rng.integers(0, 2 * DAYS, size),
        account_day=account_days(rng, platform),
        habit_minute=np.where(alone, minute, at_home + rng.normal(0.0, 12.0, size)),
        favourite=np.where(fan_roll < _FAN_SHARE, favourite, 0),
    )


def account_days(rng: np.random.Generator, platform: Ints) -> Ints:
    """Draw the creation days of accounts, from the first day: most years ago, some to vote."""
    age = np.minimum(rng.lognormal(6.3, 1.3, len(platform)), 4_000).astype(np.int64) + 1
    joined = rng.random(len(platform)) < _NEW_ACCOUNT_SHARE
    return known_days(platform, -np.where(joined, rng.integers(0, 30, len(platform)), age))


def known_days(platform: Ints, account_day: Column) -> Ints:
    """Return the account days, unknown where the platform does not report them."""
    has_age = np.isin(platform, PLATFORMS_WITH_ACCOUNT_AGE)
    return np.where(has_age, account_day, UNKNOWN_DAY).astype(np.int64)


def kinds_on(rng: np.random.Generator, people: People) -> Ints:
    """Draw the kind of network of each ballot: mostly the person's usual one."""
    other = draw_indices(rng, np.cumsum(KIND_SHARES), len(people))
    return np.where(rng.random(len(people)) < 0.8, people.kind, other)


def addresses_on(
    rng: np.random.Generator, city: City, people: People, kind: Ints, day: Ints
) -> Ints:
    """Draw the address of each ballot; carriers give a phone another exit every other time."""
    another = networks.exit_of_zone(rng, city.networks, people.district % ZONES)
    exits = np.where(rng.random(len(people)) < 0.5, people.usual_exit, another)
    person = people.voter.view(np.int64)
    return np.select(
        [kind == CARRIER, kind == HOME, kind == CAMPUS],
        [
            networks.carrier_addresses(city.networks, exits),
            networks.home_addresses(city.networks, people.household, day, person),
            networks.campus_addresses(city.networks, people.campus, person),
        ],
    )


def devices_on(city: City, people: People, day: Ints) -> tuple[Masks, Ints]:
    """Return fingerprint and user agent of each ballot, before or after the web view's update."""
    release = people.release + (day >= people.update_day)
    device = devices.fingerprints(city.devices, people.phone, release)
    return device, devices.agents(people.phone, release, people.platform)


def draw_ballot_sizes(rng: np.random.Generator, size: int) -> Ints:
    """Draw how many candidates honest people choose."""
    return draw_indices(rng, np.cumsum(_CHOICES), size) + 1


def draw_choices(
    rng: np.random.Generator,
    city: City,
    platform: Ints,
    day: Ints,
    district: Ints,
    count: Ints,
    certain: Masks,
) -> Masks:
    """Draw `count` candidates each, without repetition, by preference; those in `certain` first.

    Where `certain` has more than `count` candidates, all of them are chosen.
    """
    chosen = np.empty(len(platform), dtype=np.uint64)
    bits = np.uint64(1) << np.arange(CANDIDATES, dtype=np.uint64)
    for start in range(0, len(platform), 100_000):
        rows = slice(start, start + 100_000)
        weights = city.preference[platform[rows], day[rows]] * city.hometown[district[rows]]
        # The k smallest of exponential draws over weights are a draw of k without repetition.
        race = rng.standard_exponential(weights.shape, dtype=np.float32)
        race /= weights.astype(np.float32)
        sure = (certain[rows, None] & bits) != 0
        race[sure] = -1.0
        sizes = np.maximum(count[rows], sure.sum(axis=1))
        first = np.argpartition(race, MAX_CHOICES, axis=1)[:, :MAX_CHOICES]
        order = np.argsort(np.take_along_axis(race, first, axis=1), axis=1)
        ranked = bits[np.take_along_axis(first, order, axis=1)]
        taken = np.arange(MAX_CHOICES) < sizes[:, None]
        chosen[rows] = np.where(taken, ranked, np.uint64(0)).sum(axis=1, dtype=np.uint64)
    return chosen


def _hash_to_unit(values: Column, salt: int) -> Floats:
    """Return a number in [0, 1) that depends on the value alone."""
    return np.asarray(hash_values(values, salt) >> np.uint64(11), dtype=np.float64) / 2.0**53
