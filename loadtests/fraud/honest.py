"""The honest vote: ordinary people, supporters' chats, television, employers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from loadtests.fraud import networks
from loadtests.fraud.city import (
    CANDIDATES,
    DISTRICTS,
    City,
    People,
    addresses_on,
    devices_on,
    draw_ballot_sizes,
    draw_choices,
    draw_people,
    kinds_on,
)
from loadtests.fraud.networks import CARRIER, HOME
from loadtests.fraud.records import NO_GROUP, Ballots, Column, Ints, Masks, Truth, make_mask
from loadtests.fraud.voting_times import DAYS, MINUTES, minutes_of_day, to_cast_at

MENTIONS = 3
BLOCS = 20
_CHATS = 60  # in an electorate of ordinary size
_ONCE, _SOMETIMES, _OFTEN = 0.62, 0.25, 0.10  # the rest votes nearly every day
_BALLOTS_A_PERSON = 2.3
_MENTION_SHARES = (0.008, 0.022)  # of all ballots
_LISTS = 0.5


@dataclass(slots=True)
class PersonNumbers:
    """Assigns numbers to new people, unique in a simulation."""

    taken: int = 0

    def next(self, size: int) -> int:
        first = self.taken
        self.taken += size
        return first


def honest_ballots(rng: np.random.Generator, city: City, numbers: PersonNumbers) -> Ballots:
    """Draw exactly `city.electorate` ballots, in no particular order."""
    bursts = television(rng, city, numbers)
    blocs = employers(rng, city, numbers)
    chats = supporters(rng, city, numbers)
    special = Ballots.join([bursts, blocs, chats])
    return Ballots.join([ordinary(rng, city, numbers, city.electorate - len(special)), special])


def cast(
    rng: np.random.Generator,
    city: City,
    people: People,
    cast_at: Ints,
    choices: Masks,
    *,
    kind: Ints | None = None,
    truth: Column | int | None = None,
    group: Column | int = NO_GROUP,
) -> Ballots:
    """Return one ballot for each row of `people`, from its own phone and network."""
    size = len(people)
    day = cast_at // (MINUTES * 60_000)
    kind = kinds_on(rng, people) if kind is None else kind
    if truth is None:
        truth = np.where(kind == HOME, Truth.ORDINARY, Truth.SHARED)
    device, agent = devices_on(city, people, day)
    return Ballots(
        cast_at=cast_at,
        platform=people.platform.astype(np.int8),
        voter=people.voter,
        address=addresses_on(rng, city, people, kind, day),
        device=device,
        agent=agent,
        account_day=people.account_day.astype(np.int16),
        choices=choices,
        truth=np.broadcast_to(np.asarray(truth), size).astype(np.int8),
        group=np.broadcast_to(np.asarray(group), size).astype(np.int16),
    )


def ordinary(rng: np.random.Generator, city: City, numbers: PersonNumbers, size: int) -> Ballots:
    """Independent voters: many vote once, some every day at their hour for the same candidates."""
    group_size = int(size / _BALLOTS_A_PERSON)
    people = draw_people(rng, city, group_size, numbers.next(group_size))
    person, day = _days_of_voting(rng, city, people)
    while len(person) < size:  # the electorate is a fixed number, attendance is not
        more = draw_people(rng, city, 1_000, numbers.next(1_000))
        extra_person, extra_day = _days_of_voting(rng, city, more)
        person = np.concatenate([person, extra_person + len(people)])
        day = np.concatenate([day, extra_day])
        people = People.join([people, more])
    kept = rng.permutation(len(person))[:size]
    person, day = person[kept], day[kept]
    base = own_choices(rng, city, people, np.zeros(len(people), dtype=np.int64))
    faithful = rng.random(len(people)) < 0.7
    voting = people.take(person)
    fresh = own_choices(rng, city, voting, day)
    same = faithful[person] & (rng.random(size) < 0.85)
    minute = np.where(
        rng.random(size) < 0.55,
        voting.habit_minute + rng.normal(0.0, 35.0, size),
        minutes_of_day(rng, size),
    )
    return cast(rng, city, voting, to_cast_at(day, minute), np.where(same, base[person], fresh))


def own_choices(rng: np.random.Generator, city: City, people: People, day: Ints) -> Masks:
    """Draw the choices of independent voters: fans choose their favourite, often nobody else."""
    fan = people.favourite > 0
    count = draw_ballot_sizes(rng, len(people))
    count = np.where(fan & (rng.random(len(people)) < 0.5), 1, count)
    certain = np.where(fan, np.uint64(1) << (people.favourite - 1).astype(np.uint64), np.uint64(0))
    return draw_choices(rng, city, people.platform, day, people.district, count, certain)


def _days_of_voting(rng: np.random.Generator, city: City, people: People) -> tuple[Ints, Ints]:
    """Draw (person, day) of each ballot, no day twice for a person; fans vote more often."""
    size = len(people)
    roll = rng.random(size) + 0.12 * (people.favourite > 0)
    times = np.ones(size, dtype=np.int64)
    times = np.where(roll > _ONCE, rng.integers(2, 5, size), times)
    times = np.where(roll > _ONCE + _SOMETIMES, rng.integers(5, 13, size), times)
    times = np.where(roll > _ONCE + _SOMETIMES + _OFTEN, rng.integers(15, DAYS + 1, size), times)
    race = rng.standard_exponential((size, DAYS), dtype=np.float32)
    race /= city.day_weights.astype(np.float32)
    order = np.argsort(race, axis=1)
    person, position = np.nonzero(np.arange(DAYS) < times[:, None])
    return person, order[person, position]


def supporters(rng: np.random.Generator, city: City, numbers: PersonNumbers) -> Ballots:
    """Relatives, neighbours and pupils who are reminded by a message, some of them daily."""
    chats = max(5, int(_CHATS * city.electorate / 234_000))
    return Ballots.join([_chat(rng, city, numbers) for _ in range(chats)])


def _chat(rng: np.random.Generator, city: City, numbers: PersonNumbers) -> Ballots:
    members = int(np.clip(rng.lognormal(3.6, 0.7), 8, 250))
    people = draw_people(rng, city, members, numbers.next(members))
    local = rng.random(members) < 0.7
    people.district[local] = rng.integers(0, DISTRICTS)
    rounds = int(rng.integers(1, 5)) if rng.random() < 0.8 else int(rng.integers(5, DAYS + 1))
    days = rng.choice(DAYS, rounds, replace=False)
    person, day = np.tile(np.arange(members), rounds), np.repeat(days, members)
    reminded = rng.random(len(person)) < rng.uniform(0.3, 0.8)
    reminded[rng.integers(0, len(person))] = True  # the sender of the message
    person, day = person[reminded], day[reminded]
    voting, size = people.take(person), len(person)
    at = rng.uniform(8, 21.5, DAYS) * 60 if rng.random() < 0.5 else np.full(DAYS, 20 * 60.0)
    minute = np.minimum(at[day] + rng.exponential(40.0, size), MINUTES - 1.0)
    praised = make_mask([int(rng.integers(1, CANDIDATES + 1))])
    certain = np.where(rng.random(size) < rng.uniform(0.75, 0.98), praised, np.uint64(0))
    count = np.where(rng.random(size) < 0.5, 1, draw_ballot_sizes(rng, size))
    choices = draw_choices(rng, city, voting.platform, day, voting.district, count, certain)
    return cast(rng, city, voting, to_cast_at(day, minute), choices)


def television(rng: np.random.Generator, city: City, numbers: PersonNumbers) -> Ballots:
    """Three mentions in the evening news: within minutes many vote, most for one candidate."""
    parts = []
    days = rng.choice(np.arange(1, DAYS - 1), MENTIONS, replace=False)
    for burst, day in enumerate(days):
        size = int(city.electorate * rng.uniform(*_MENTION_SHARES))
        people = draw_people(rng, city, size, numbers.next(size))
        at = rng.uniform(18.5 * 60, 21.5 * 60) + rng.exponential(14.0, size)
        minute = np.minimum(at, MINUTES - 1.0)
        featured = make_mask([int(rng.integers(1, CANDIDATES + 1))])
        moved = rng.random(size) < rng.uniform(0.7, 0.9)
        certain = np.where(moved, featured, np.uint64(0))
        count = np.where(rng.random(size) < 0.45, 1, draw_ballot_sizes(rng, size))
        on = np.full(size, day)
        choices = draw_choices(rng, city, people.platform, on, people.district, count, certain)
        parts.append(
            cast(
                rng,
                city,
                people,
                to_cast_at(on, minute),
                choices,
                truth=Truth.TELEVISION,
                group=burst,
            )
        )
    return Ballots.join(parts)


def employers(rng: np.random.Generator, city: City, numbers: PersonNumbers) -> Ballots:
    """Twenty employers who call their staff to vote: own accounts and phones, one line."""
    growth = (city.electorate / 234_000) ** 0.5
    return Ballots.join([_bloc(rng, city, numbers, bloc, growth) for bloc in range(BLOCS)])


def _bloc(
    rng: np.random.Generator, city: City, numbers: PersonNumbers, bloc: int, growth: float
) -> Ballots:
    staff = max(12, int(np.clip(rng.lognormal(4.8, 0.8), 25, 1_500) * growth))
    people = draw_people(rng, city, staff, numbers.next(staff))
    people.district[:] = rng.integers(0, DISTRICTS)
    # Under one mast, phones on mobile data leave by the same few exits.
    near = networks.exit_of_zone(rng, city.networks, people.district[:3] % networks.ZONES)
    people.usual_exit = rng.choice(near, staff)
    rounds = 1 if rng.random() < 0.6 else int(rng.integers(2, 6))
    days = rng.choice(DAYS, rounds, replace=False)
    person = np.tile(np.arange(staff), rounds)
    day = np.repeat(days, staff)
    coming = rng.random(len(person)) < rng.uniform(0.6, 0.95)
    person, day = person[coming], day[coming]
    voting, size = people.take(person), int(coming.sum())
    own = int(rng.integers(1, CANDIDATES + 1))
    listed = [own, *rng.integers(1, CANDIDATES + 1, int(rng.integers(0, 5))).tolist()]
    by_list = rng.random() < _LISTS
    listed_choices = make_mask(listed if by_list else [own])
    loyal = rng.random(size) < rng.uniform(0.75, 0.97)
    count = np.where(loyal & by_list, 1, draw_ballot_sizes(rng, size))
    certain = np.where(loyal, listed_choices, np.uint64(0))
    choices = draw_choices(rng, city, voting.platform, day, voting.district, count, certain)
    # Called together at break time, over one to three hours.
    minute = rng.uniform(8.5, 16) * 60 + rng.uniform(0, rng.uniform(20, 180), size)
    kind = np.where(rng.random(size) < 0.7, -1, CARRIER)
    ballots = cast(
        rng,
        city,
        voting,
        to_cast_at(day, minute),
        choices,
        kind=kind,
        truth=Truth.EMPLOYER,
        group=bloc,
    )
    gateway = rng.integers(0, rng.integers(1, 4), size)
    ballots.address = np.where(
        kind == CARRIER,
        ballots.address,
        networks.workplace_addresses(city.networks, bloc, gateway),
    )
    return ballots
