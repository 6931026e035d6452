"""The nine attacks, each with the means that its cost allows.

An attack gets an `AttackOrder` and returns its ballots. It shares attributes with honest people on
purpose: addresses of real homes, fingerprints of popular phones, the busiest exits. Accounts cast
one ballot a day like everybody, except where double casting is the attack.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from loadtests.fraud import devices, networks
from loadtests.fraud.attack_orders import (
    AttackOrder,
    accounts_and_days,
    bought_ages,
    camouflage,
    cast_by_bots,
    count_earlier,
    distinct_pairs,
    draw_homes,
    draw_platforms,
    list_with,
    normalise,
    popular_phones,
    some_days,
    with_target,
)
from loadtests.fraud.city import (
    PLATFORMS,
    account_days,
    draw_ballot_sizes,
    draw_people,
    known_days,
)
from loadtests.fraud.honest import PersonNumbers, cast
from loadtests.fraud.networks import CARRIER, HOME, KIND_SHARES, ZONES
from loadtests.fraud.records import (
    Ballots,
    Truth,
    make_mask,
    names,
)
from loadtests.fraud.scene import Scene
from loadtests.fraud.voting_times import DAY_MILLISECONDS, DAYS, MINUTES, minutes_of_day, to_cast_at


def with_attack(scene: Scene, attack: Truth, size: int) -> Ballots:
    """Return the honest ballots and `size` ballots of an attack, in the order they were cast."""
    order = AttackOrder(
        rng=np.random.default_rng([scene.seed, int(attack), size]),
        scene=scene,
        numbers=PersonNumbers(scene.people),
        target=scene.bought,
        size=size,
    )
    added = _ATTACKERS[attack](order)
    added.truth[:] = attack
    added.group[:] = 0
    return Ballots.join([scene.honest, added]).sorted_by_time()


def datacentre_bots(order: AttackOrder) -> Ballots:
    """A1: scripts on rented machines, in sessions at any hour; new accounts; a few set-ups."""
    rng = order.rng
    days = some_days(rng, int(rng.integers(1, 7)))
    account, day = accounts_and_days(rng, order.size, days, per_account=rng.uniform(1, 4))
    accounts = int(account.max()) + 1
    platform = draw_platforms(rng, accounts, int(rng.integers(1, 3)))
    setups = int(rng.integers(2, 9))
    posing = rng.random(setups) < 0.5  # as a popular phone
    phones = np.where(
        posing,
        popular_phones(order, setups),
        devices.headless_phones(rng.integers(0, 16, setups)),
    )
    setup = rng.integers(0, setups, accounts)[account]
    begins = rng.uniform(0, MINUTES - 100, (DAYS, 3))
    minute = begins[day, rng.integers(0, 3, order.size)] + rng.uniform(0, 90, order.size)
    blocks = int(rng.integers(1, 6))
    machine = rng.integers(0, int(rng.integers(10, 120)), order.size)
    listed = list_with(order, int(rng.integers(0, 4)))
    by_list = rng.random() < 0.6
    return cast_by_bots(
        order,
        account=account,
        platform=platform[account],
        day=day,
        minute=minute,
        address=networks.cloud_addresses(machine % blocks, machine),
        phone=phones[setup],
        release=devices.draw_releases(rng, setups)[setup],
        account_day=-rng.integers(0, 40, accounts)[account] - 1,
        choices=np.full(order.size, listed)
        if by_list
        else camouflage(order, platform[account], day),
    )


def residential_proxies(order: AttackOrder) -> Ballots:
    """A2: a handful of emulated popular phones behind the lines of real homes, day after day."""
    rng = order.rng
    days = some_days(rng, int(rng.integers(3, 15)))
    account, day = accounts_and_days(rng, order.size, days, per_account=rng.uniform(1, 3))
    accounts = int(account.max()) + 1
    platform = draw_platforms(rng, accounts, int(rng.integers(1, 5)))
    emulators = int(rng.integers(3, 13))
    emulator = rng.integers(0, emulators, accounts)[account]
    releases = devices.draw_releases(rng, emulators)
    return cast_by_bots(
        order,
        account=account,
        platform=platform[account],
        day=day,
        minute=minutes_of_day(rng, order.size),
        address=draw_homes(order, day),
        phone=popular_phones(order, emulators)[emulator],
        release=releases[emulator],
        account_day=bought_ages(rng, accounts)[account],
        choices=camouflage(order, platform[account], day),
    )


def phone_farm(order: AttackOrder) -> Ballots:
    """A3: racks of cheap phones on mobile data; each uses all its accounts every day."""
    rng = order.rng
    days = some_days(rng, int(rng.integers(4, 15)))
    per_phone = int(rng.integers(6, 31))
    phones = max(8, round(order.size / (per_phone * len(days) * 0.85)))
    pair = rng.choice(
        phones * per_phone * len(days),
        min(order.size, phones * per_phone * len(days)),
        replace=False,
    )
    account, day = pair // len(days), days[pair % len(days)]
    size = len(pair)
    phone, slot = np.divmod(account, per_phone)
    models = rng.integers(devices.CHEAP_FROM, devices.CHEAP_TO, int(rng.integers(2, 6)))
    hardware = devices.make_phone(rng.choice(models, phones))
    releases = devices.draw_releases(rng, 2)
    zone = np.full(size, int(rng.integers(0, ZONES)))
    exits = networks.exit_of_zone(rng, order.city.networks, zone[: int(rng.integers(2, 9))])
    begins, lasts = rng.uniform(7, 12) * 60, rng.uniform(4, 11) * 60
    minute = begins + (slot + rng.uniform(0, 0.8, size)) / per_phone * lasts
    accounts = phones * per_phone
    platform = draw_platforms(rng, accounts, int(rng.integers(1, 4)))
    lists = np.array([list_with(order, int(rng.integers(0, 5))) for _ in range(5)])
    scripted = rng.random(size) < 0.6
    return cast_by_bots(
        replace(order, size=size),
        account=account,
        platform=platform[account],
        day=day,
        minute=minute,
        address=networks.carrier_addresses(order.city.networks, rng.choice(exits, size)),
        phone=hardware[phone],
        release=releases[phone % 2],
        account_day=bought_ages(rng, accounts)[account],
        choices=np.where(
            scripted,
            lists[account % len(lists)],
            camouflage(replace(order, size=size), platform[account], day),
        ),
    )


def paid_people(order: AttackOrder) -> Ballots:
    """A4: members of chat groups vote for pocket money: real people, phones and networks."""
    rng = order.rng
    days = some_days(rng, int(rng.integers(3, 13)))
    account, day = accounts_and_days(rng, order.size, days, per_account=rng.uniform(1, 3))
    group_size = int(account.max()) + 1
    people = draw_people(rng, order.city, group_size, order.numbers.next(group_size)).take(account)
    called = rng.uniform(9, 21, DAYS) * 60
    minute = np.minimum(called[day] + rng.exponential(50, order.size), MINUTES - 1.0)
    count = np.where(rng.random(order.size) < 0.6, 1, draw_ballot_sizes(rng, order.size))
    choices = with_target(order, people.platform, day, people.district, count)
    return cast(rng, order.city, people, to_cast_at(day, minute), choices, truth=Truth.A4)


def slow_drip(order: AttackOrder) -> Ballots:
    """A5: a few accounts vote every day of the contest in turn, below every threshold."""
    rng = order.rng
    accounts = max(3, -(-order.size // int(DAYS * 0.85)))
    account, day = distinct_pairs(rng, accounts, np.arange(DAYS), order.size)
    emulators = max(2, -(-order.size // (DAYS * 12)))
    turn = np.sort(minutes_of_day(rng, accounts))
    platform = draw_platforms(rng, accounts, 4)
    phones = popular_phones(order, emulators)
    releases = devices.draw_releases(rng, emulators)
    emulator = rng.integers(0, emulators, accounts)[account]
    zone = rng.integers(0, ZONES, order.size)
    mobile = networks.carrier_addresses(
        order.city.networks, networks.exit_of_zone(rng, order.city.networks, zone)
    )
    return cast_by_bots(
        order,
        account=account,
        platform=platform[account],
        day=day,
        minute=turn[account] + rng.normal(0, 20, order.size),
        address=np.where(rng.random(order.size) < 0.7, draw_homes(order, day), mobile),
        phone=phones[emulator],
        release=releases[emulator],
        account_day=account_days(rng, platform)[account],
        choices=camouflage(order, platform[account], day),
    )


def replays(order: AttackOrder) -> Ballots:
    """A6: captured ballots sent again, unchanged if they name the target, else rewritten."""
    rng, honest = order.rng, order.scene.honest
    naming = np.nonzero(names(honest.choices, order.target))[0]
    captured = max(1, round(order.size / rng.uniform(1, 6)))
    victims = np.where(
        rng.random(captured) < 0.5,
        rng.choice(naming, captured),
        rng.integers(0, len(honest), captured),
    )
    added = honest.take(victims[np.arange(order.size) % captured])
    rewritten = ~names(added.choices, order.target)
    added.choices[rewritten] = make_mask([order.target])
    left = DAY_MILLISECONDS - 1 - added.cast_at % DAY_MILLISECONDS
    delay = np.minimum(rng.exponential(30 * 60_000, order.size), rng.random(order.size) * left)
    added.cast_at = added.cast_at + np.minimum(1 + delay.astype(np.int64), left)
    elsewhere = rng.random(order.size) < 0.5
    machine = rng.integers(0, 60, order.size)
    added.address = np.where(
        elsewhere, networks.cloud_addresses(machine % 3, machine), added.address
    )
    return added


def invented_users(order: AttackOrder) -> Ballots:
    """A7: a small platform invents users, with phones like those of its real users."""
    rng = order.rng
    days = some_days(rng, int(rng.integers(3, 13)))
    account, day = accounts_and_days(rng, order.size, days, per_account=rng.uniform(1, 3))
    group_size = int(account.max()) + 1
    people = draw_people(rng, order.city, group_size, order.numbers.next(group_size))
    people.platform[:] = int(rng.integers(4, len(PLATFORMS)))
    people.account_day = account_days(rng, people.platform)
    people = people.take(account)
    choices = with_target(
        order, people.platform, day, people.district, draw_ballot_sizes(rng, order.size)
    )
    minute = minutes_of_day(rng, order.size)
    return cast(rng, order.city, people, to_cast_at(day, minute), choices, truth=Truth.A7)


def threshold_aware(order: AttackOrder) -> Ballots:
    """A8: knows the thresholds: fifteen ballots a fingerprint, new homes, honest ballots."""
    rng = order.rng
    days = np.arange(int(rng.integers(0, 8)), DAYS)
    account, day = accounts_and_days(rng, order.size, days, per_account=1.5)
    group_size = int(account.max()) + 1
    people = draw_people(rng, order.city, group_size, order.numbers.next(group_size))
    emulated = devices.draw_phones(rng, order.city.devices, max(2, order.size // 15))
    people.phone = rng.choice(emulated, group_size)
    people = people.take(account)
    kind = rng.choice([CARRIER, HOME], order.size, p=normalise(KIND_SHARES[:2]))
    choices = with_target(
        order, people.platform, day, people.district, draw_ballot_sizes(rng, order.size)
    )
    minute = minutes_of_day(rng, order.size)
    return cast(
        rng, order.city, people, to_cast_at(day, minute), choices, kind=kind, truth=Truth.A8
    )


def stuffed_rival(order: AttackOrder) -> Ballots:
    """A9: votes for the holder of the last seat, meant to be found."""
    on_rival = replace(order, target=order.scene.rival)
    half = order.size // 2
    parts = [phone_farm(replace(on_rival, size=order.size - half))]
    if half:
        parts.append(datacentre_bots(replace(on_rival, size=half)))
    return Ballots.join(parts)


def bulk_accounts(order: AttackOrder) -> Ballots:
    """A13: accounts of one or two platforms, registered one after the other, that vote in this
    order over many days, each from an ordinary phone and network."""
    rng = order.rng
    days = some_days(rng, int(rng.integers(6, 19)))
    accounts = max(1, int(order.size / rng.uniform(1, 2)))
    people = draw_people(rng, order.city, accounts, order.numbers.next(accounts))
    people.platform = draw_platforms(rng, accounts, int(rng.integers(1, 3)))
    registered = int(rng.integers(20, 600)) - np.arange(accounts) * rng.integers(4, 15) // accounts
    people.account_day = known_days(people.platform, -registered)
    account = np.sort(np.concatenate([np.arange(accounts), rng.integers(0, accounts, order.size)]))
    account = account[rng.permutation(len(account))[: order.size]]
    turn = account * len(days) // accounts
    day = days[(turn + count_earlier(account)) % len(days)]
    people = people.take(account)
    choices = with_target(
        order, people.platform, day, people.district, draw_ballot_sizes(rng, order.size)
    )
    minute = minutes_of_day(rng, order.size)
    return cast(rng, order.city, people, to_cast_at(day, minute), choices, truth=Truth.A13)


def rival_campaigns(order: AttackOrder) -> Ballots:
    """A14: proxies for the bought candidate and, at the same time, a phone farm of half the size
    for the holder of the last seat."""
    third = order.size // 3
    parts = [residential_proxies(replace(order, size=order.size - third))]
    if third:
        parts.append(phone_farm(replace(order, target=order.scene.rival, size=third)))
    return Ballots.join(parts)


_ATTACKERS: Mapping[Truth, Callable[[AttackOrder], Ballots]] = {
    Truth.A1: datacentre_bots,
    Truth.A2: residential_proxies,
    Truth.A3: phone_farm,
    Truth.A4: paid_people,
    Truth.A5: slow_drip,
    Truth.A6: replays,
    Truth.A7: invented_users,
    Truth.A8: threshold_aware,
    Truth.A9: stuffed_rival,
    Truth.A13: bulk_accounts,
    Truth.A14: rival_campaigns,
}
