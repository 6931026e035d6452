"""The nine attacks, each as good as its price allows.

An attack gets a `Job` and returns its ballots. What it shares with honest people, it shares on
purpose: addresses of real homes, fingerprints of popular phones, the busiest exits. Accounts
cast one ballot a day like everybody, except where double casting is the attack.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from loadtests.fraud import devices, networks
from loadtests.fraud.city import (
    DISTRICTS,
    PLATFORMS,
    City,
    account_days,
    draw_choices,
    draw_people,
    how_many,
    known_days,
)
from loadtests.fraud.clock_face import DAY_MILLISECONDS, DAYS, MINUTES, minutes_of_day, moments
from loadtests.fraud.honest import Numbers, cast
from loadtests.fraud.networks import CARRIER, HOME, KIND_SHARES, ZONES
from loadtests.fraud.records import (
    NO_GROUP,
    Ballots,
    Column,
    Ints,
    Masks,
    Truth,
    hashed,
    mask_of,
    names,
)
from loadtests.fraud.scene import Scene


@dataclass(frozen=True, slots=True)
class Job:
    """`size` ballots for candidate `target`."""

    rng: np.random.Generator
    scene: Scene
    numbers: Numbers
    target: int
    size: int

    @property
    def city(self) -> City:
        return self.scene.city


def attacked(scene: Scene, attack: Truth, size: int) -> Ballots:
    """The honest ballots and `size` ballots of an attack, in the order they were cast."""
    job = Job(
        rng=np.random.default_rng([scene.seed, int(attack), size]),
        scene=scene,
        numbers=Numbers(scene.people),
        target=scene.bought,
        size=size,
    )
    added = _ATTACKERS[attack](job)
    added.truth[:] = attack
    added.group[:] = 0
    return Ballots.join([scene.honest, added]).sorted_by_time()


def datacentre_bots(job: Job) -> Ballots:
    """A1: scripts on rented machines, in sessions at any hour; new accounts; a few set-ups."""
    rng = job.rng
    days = _some_days(rng, int(rng.integers(1, 7)))
    account, day = _accounts_and_days(rng, job.size, days, per_account=rng.uniform(1, 4))
    accounts = int(account.max()) + 1
    platform = _platforms(rng, accounts, int(rng.integers(1, 3)))
    setups = int(rng.integers(2, 9))
    posing = rng.random(setups) < 0.5  # as a popular phone
    phones = np.where(
        posing,
        _popular_phones(job, setups),
        devices.headless_phones(rng.integers(0, 16, setups)),
    )
    setup = rng.integers(0, setups, accounts)[account]
    begins = rng.uniform(0, MINUTES - 100, (DAYS, 3))
    minute = begins[day, rng.integers(0, 3, job.size)] + rng.uniform(0, 90, job.size)
    blocks = int(rng.integers(1, 6))
    machine = rng.integers(0, int(rng.integers(10, 120)), job.size)
    listed = _list_with(job, int(rng.integers(0, 4)))
    by_list = rng.random() < 0.6
    return _bots(
        job,
        account=account,
        platform=platform[account],
        day=day,
        minute=minute,
        address=networks.cloud_addresses(machine % blocks, machine),
        phone=phones[setup],
        release=devices.draw_releases(rng, setups)[setup],
        account_day=-rng.integers(0, 40, accounts)[account] - 1,
        choices=np.full(job.size, listed) if by_list else _camouflaged(job, platform[account], day),
    )


def residential_proxies(job: Job) -> Ballots:
    """A2: a handful of emulated popular phones behind the lines of real homes, day after day."""
    rng = job.rng
    days = _some_days(rng, int(rng.integers(3, 15)))
    account, day = _accounts_and_days(rng, job.size, days, per_account=rng.uniform(1, 3))
    accounts = int(account.max()) + 1
    platform = _platforms(rng, accounts, int(rng.integers(1, 5)))
    emulators = int(rng.integers(3, 13))
    emulator = rng.integers(0, emulators, accounts)[account]
    releases = devices.draw_releases(rng, emulators)
    return _bots(
        job,
        account=account,
        platform=platform[account],
        day=day,
        minute=minutes_of_day(rng, job.size),
        address=_homes(job, day),
        phone=_popular_phones(job, emulators)[emulator],
        release=releases[emulator],
        account_day=_bought_ages(rng, accounts)[account],
        choices=_camouflaged(job, platform[account], day),
    )


def phone_farm(job: Job) -> Ballots:
    """A3: racks of cheap phones on mobile data; each works through its accounts every day."""
    rng = job.rng
    days = _some_days(rng, int(rng.integers(4, 15)))
    per_phone = int(rng.integers(6, 31))
    phones = max(8, round(job.size / (per_phone * len(days) * 0.85)))
    pair = rng.choice(
        phones * per_phone * len(days), min(job.size, phones * per_phone * len(days)), replace=False
    )
    account, day = pair // len(days), days[pair % len(days)]
    size = len(pair)
    phone, slot = np.divmod(account, per_phone)
    models = rng.integers(devices.CHEAP_FROM, devices.CHEAP_TO, int(rng.integers(2, 6)))
    hardware = devices.phone_of(rng.choice(models, phones))
    releases = devices.draw_releases(rng, 2)
    zone = np.full(size, int(rng.integers(0, ZONES)))
    exits = networks.exit_of_zone(rng, job.city.networks, zone[: int(rng.integers(2, 9))])
    begins, lasts = rng.uniform(7, 12) * 60, rng.uniform(4, 11) * 60
    minute = begins + (slot + rng.uniform(0, 0.8, size)) / per_phone * lasts
    accounts = phones * per_phone
    platform = _platforms(rng, accounts, int(rng.integers(1, 4)))
    lists = np.array([_list_with(job, int(rng.integers(0, 5))) for _ in range(5)])
    scripted = rng.random(size) < 0.6
    return _bots(
        replace(job, size=size),
        account=account,
        platform=platform[account],
        day=day,
        minute=minute,
        address=networks.carrier_addresses(job.city.networks, rng.choice(exits, size)),
        phone=hardware[phone],
        release=releases[phone % 2],
        account_day=_bought_ages(rng, accounts)[account],
        choices=np.where(
            scripted,
            lists[account % len(lists)],
            _camouflaged(replace(job, size=size), platform[account], day),
        ),
    )


def paid_people(job: Job) -> Ballots:
    """A4: members of chat groups vote for pocket money: real people, phones and networks."""
    rng = job.rng
    days = _some_days(rng, int(rng.integers(3, 13)))
    account, day = _accounts_and_days(rng, job.size, days, per_account=rng.uniform(1, 3))
    crowd = int(account.max()) + 1
    people = draw_people(rng, job.city, crowd, job.numbers.next(crowd)).take(account)
    called = rng.uniform(9, 21, DAYS) * 60
    minute = np.minimum(called[day] + rng.exponential(50, job.size), MINUTES - 1.0)
    count = np.where(rng.random(job.size) < 0.6, 1, how_many(rng, job.size))
    choices = _with_target(job, people.platform, day, people.district, count)
    return cast(rng, job.city, people, moments(day, minute), choices, truth=Truth.A4)


def slow_drip(job: Job) -> Ballots:
    """A5: a few accounts vote every day of the contest at their turn, under every threshold."""
    rng = job.rng
    accounts = max(3, -(-job.size // int(DAYS * 0.85)))
    account, day = _pairs(rng, accounts, np.arange(DAYS), job.size)
    emulators = max(2, -(-job.size // (DAYS * 12)))
    turn = np.sort(minutes_of_day(rng, accounts))
    platform = _platforms(rng, accounts, 4)
    phones = _popular_phones(job, emulators)
    releases = devices.draw_releases(rng, emulators)
    emulator = rng.integers(0, emulators, accounts)[account]
    zone = rng.integers(0, ZONES, job.size)
    mobile = networks.carrier_addresses(
        job.city.networks, networks.exit_of_zone(rng, job.city.networks, zone)
    )
    return _bots(
        job,
        account=account,
        platform=platform[account],
        day=day,
        minute=turn[account] + rng.normal(0, 20, job.size),
        address=np.where(rng.random(job.size) < 0.7, _homes(job, day), mobile),
        phone=phones[emulator],
        release=releases[emulator],
        account_day=account_days(rng, platform)[account],
        choices=_camouflaged(job, platform[account], day),
    )


def replays(job: Job) -> Ballots:
    """A6: captured ballots sent again, unchanged if they name the target, else rewritten."""
    rng, honest = job.rng, job.scene.honest
    naming = np.nonzero(names(honest.choices, job.target))[0]
    captured = max(1, round(job.size / rng.uniform(1, 6)))
    victims = np.where(
        rng.random(captured) < 0.5,
        rng.choice(naming, captured),
        rng.integers(0, len(honest), captured),
    )
    added = honest.take(victims[np.arange(job.size) % captured])
    rewritten = ~names(added.choices, job.target)
    added.choices[rewritten] = mask_of([job.target])
    left = DAY_MILLISECONDS - 1 - added.cast_at % DAY_MILLISECONDS
    delay = np.minimum(rng.exponential(30 * 60_000, job.size), rng.random(job.size) * left)
    added.cast_at = added.cast_at + np.minimum(1 + delay.astype(np.int64), left)
    elsewhere = rng.random(job.size) < 0.5
    machine = rng.integers(0, 60, job.size)
    added.address = np.where(
        elsewhere, networks.cloud_addresses(machine % 3, machine), added.address
    )
    return added


def minted_users(job: Job) -> Ballots:
    """A7: a small platform makes up users, with whatever its real users' phones look like."""
    rng = job.rng
    days = _some_days(rng, int(rng.integers(3, 13)))
    account, day = _accounts_and_days(rng, job.size, days, per_account=rng.uniform(1, 3))
    crowd = int(account.max()) + 1
    people = draw_people(rng, job.city, crowd, job.numbers.next(crowd))
    people.platform[:] = int(rng.integers(4, len(PLATFORMS)))
    people.account_day = account_days(rng, people.platform)
    people = people.take(account)
    choices = _with_target(job, people.platform, day, people.district, how_many(rng, job.size))
    minute = minutes_of_day(rng, job.size)
    return cast(rng, job.city, people, moments(day, minute), choices, truth=Truth.A7)


def threshold_wise(job: Job) -> Ballots:
    """A8: knows what is counted: fifteen ballots a fingerprint, fresh homes, honest ballots."""
    rng = job.rng
    days = np.arange(int(rng.integers(0, 8)), DAYS)
    account, day = _accounts_and_days(rng, job.size, days, per_account=1.5)
    crowd = int(account.max()) + 1
    people = draw_people(rng, job.city, crowd, job.numbers.next(crowd))
    emulated = devices.draw_phones(rng, job.city.devices, max(2, job.size // 15))
    people.phone = rng.choice(emulated, crowd)
    people = people.take(account)
    kind = rng.choice([CARRIER, HOME], job.size, p=_normal(KIND_SHARES[:2]))
    choices = _with_target(job, people.platform, day, people.district, how_many(rng, job.size))
    minute = minutes_of_day(rng, job.size)
    return cast(rng, job.city, people, moments(day, minute), choices, kind=kind, truth=Truth.A8)


def stuffed_rival(job: Job) -> Ballots:
    """A9: an attack on the last seat's holder in the holder's own favour, meant to be found."""
    on_rival = replace(job, target=job.scene.rival)
    half = job.size // 2
    parts = [phone_farm(replace(on_rival, size=job.size - half))]
    if half:
        parts.append(datacentre_bots(replace(on_rival, size=half)))
    return Ballots.join(parts)


_ATTACKERS: Mapping[Truth, Callable[[Job], Ballots]] = {
    Truth.A1: datacentre_bots,
    Truth.A2: residential_proxies,
    Truth.A3: phone_farm,
    Truth.A4: paid_people,
    Truth.A5: slow_drip,
    Truth.A6: replays,
    Truth.A7: minted_users,
    Truth.A8: threshold_wise,
    Truth.A9: stuffed_rival,
}


def _bots(
    job: Job,
    *,
    account: Ints,
    platform: Ints,
    day: Ints,
    minute: Column,
    address: Ints,
    phone: Ints,
    release: Ints,
    account_day: Ints,
    choices: Masks,
) -> Ballots:
    """One ballot a row, from accounts that nobody honest has."""
    first = job.numbers.next(int(account.max()) + 1)
    size = len(account)
    return Ballots(
        cast_at=moments(day, minute),
        platform=platform.astype(np.int8),
        voter=hashed(account + first, job.city.salt + 14),
        address=address,
        device=devices.fingerprints(job.city.devices, phone, release),
        agent=devices.agents(phone, release, platform),
        account_day=known_days(platform, account_day).astype(np.int16),
        choices=choices,
        truth=np.zeros(size, dtype=np.int8),
        group=np.full(size, NO_GROUP, dtype=np.int16),
    )


def _some_days(rng: np.random.Generator, count: int) -> Ints:
    """Days that follow each other, from a day of the contest on."""
    first = int(rng.integers(0, DAYS - count + 1))
    return np.arange(first, first + count)


def _accounts_and_days(
    rng: np.random.Generator, size: int, days: Ints, per_account: float
) -> tuple[Ints, Ints]:
    """(account, day) of each ballot: no account twice a day, `per_account` ballots on average."""
    accounts = max(-(-size // len(days)), int(size / min(per_account, len(days))), 1)
    return _pairs(rng, accounts, days, size)


def _pairs(rng: np.random.Generator, accounts: int, days: Ints, size: int) -> tuple[Ints, Ints]:
    pair = rng.choice(accounts * len(days), size, replace=False)
    return pair // len(days), days[pair % len(days)]


def _platforms(rng: np.random.Generator, accounts: int, count: int) -> Ints:
    """The platform of each account, from `count` of them."""
    return rng.choice(rng.choice(len(PLATFORMS), count, replace=False), accounts).astype(np.int64)


def _popular_phones(job: Job, count: int) -> Ints:
    """Phones as they come out of the box, drawn as often as honest people have them."""
    phones = devices.draw_phones(job.rng, job.city.devices, count)
    return phones >> 32 << 32


def _homes(job: Job, day: Ints) -> Ints:
    """Lines of homes where honest people may vote on the same day."""
    household = job.rng.integers(0, job.city.networks.households, len(day))
    stranger = job.rng.integers(0, 1 << 40, len(day))
    return networks.home_addresses(job.city.networks, household, day, stranger)


def _bought_ages(rng: np.random.Generator, accounts: int) -> Ints:
    """Creation days of accounts that are sold in batches, registered together."""
    batches = rng.integers(30, 700, int(rng.integers(1, 5)))
    return -(rng.choice(batches, accounts) + rng.integers(0, 4, accounts))


def _list_with(job: Job, others: int) -> np.uint64:
    """The target and up to `others` popular names, as a script would name them."""
    popular = job.rng.choice(len(job.city.popularity), others, p=job.city.popularity) + 1
    return mask_of([job.target, *popular.tolist()])


def _camouflaged(job: Job, platform: Ints, day: Ints) -> Masks:
    """The target and none to four names that people on the platform like."""
    count = job.rng.integers(1, 6, len(platform))
    return _with_target(job, platform, day, job.rng.integers(0, DISTRICTS, len(platform)), count)


def _with_target(job: Job, platform: Ints, day: Ints, district: Ints, count: Ints) -> Masks:
    certain = np.full(len(platform), mask_of([job.target]))
    return draw_choices(job.rng, job.city, platform, day, district, count, certain)


def _normal(shares: tuple[float, ...]) -> Column:
    return np.array(shares) / sum(shares)
