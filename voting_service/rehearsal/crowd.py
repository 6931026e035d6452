"""The simulated people: who votes, when, from where, and for whom. All follows from a seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from hmac import digest
from typing import Literal, NamedTuple

from voting_service.rehearsal.stores import RehearsalStage

HONEST = "honest"
HONEST_KINDS = (HONEST, "canteen", "last_voters")
Trick = Literal["none", "forged", "replayed", "other_contest"]
"""What is wrong with a sign-in token."""

_HOURS = ((7, 9, 3), (9, 12, 3), (12, 14, 5), (14, 18, 3), (18, 20, 5), (20, 23, 8))
"""From which hour to which people vote, and how many of them."""
_PHONES = tuple(
    f"Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) {browser} Mobile Safari/537.36"
    for system in (
        *("Linux; Android 9; PBEM00", "Linux; Android 10; V1824A", "Linux; Android 11; M2007J17C"),
        *(
            "Linux; Android 12; LIO-AN00",
            "iPhone; CPU iPhone OS 12_5",
            "iPhone; CPU iPhone OS 15_6",
        ),
    )
    for browser in (
        *("Chrome/78.0.3904.62", "Chrome/86.0.4240.99", "Chrome/99.0.4844.88"),
        *("MicroMessenger/8.0.18", "MicroMessenger/8.0.24", "HuaweiBrowser/12.1.1"),
    )
)
_LANGUAGES = ("zh-CN,zh;q=0.9", "zh-CN", "zh-CN,zh;q=0.9,en;q=0.8")


class RehearsedDevice(NamedTuple):
    """The headers that a browser always sends alike."""

    user_agent: str
    languages: str


class Person(NamedTuple):
    """Somebody with an account of a platform; `person` names them where the platform must."""

    platform: str
    account: str
    person: str | None
    address: str
    device: RehearsedDevice
    account_created: date


class Visit(NamedTuple):
    """One try to vote. `kind` is HONEST or the name of an attack."""

    at: datetime
    person: Person
    choices: tuple[int, ...]
    kind: str = HONEST
    trick: Trick = "none"


class Crowd:
    """The people of one contest."""

    def __init__(self, stage: RehearsalStage, chance: random.Random) -> None:
        self.contest = stage.contest
        self.chance = chance
        self._platforms = [platform for platform in stage.platforms if platform.enabled]
        self._with_key = [p for p in self._platforms if p.slug in stage.platform_keys]
        self._person_key = stage.person_key
        self._made = 0
        self._weights = self._popularity()

    def _popularity(self) -> dict[int, float]:
        """Return how well liked each candidate is: no two alike, except those on both sides of the
        line, between whom the vote shall be close."""
        numbers = sorted(self.contest.numbers)
        self.chance.shuffle(numbers)
        weights = {number: (place + 4) ** -0.5 for place, number in enumerate(numbers)}
        size = self.contest.rules.cut.size
        if size < len(numbers):
            last, first_out = numbers[size - 1 : size + 1]
            weights[last] = weights[first_out] = (weights[last] + weights[first_out]) / 2
        return weights

    @property
    def by_popularity(self) -> list[int]:
        """The candidates, the best liked first."""
        return sorted(self._weights, key=lambda number: -self._weights[number])

    def person(
        self,
        *,
        address: str | None = None,
        device: RehearsedDevice | None = None,
        created: date | None = None,
        anywhere: bool = False,
    ) -> Person:
        """Return a new person, at home with a telephone of their own unless given otherwise; of
        a platform that can sign users in, unless `anywhere`."""
        self._made += 1
        chosen = self.chance.choice(self._platforms if anywhere else self._with_key)
        opened = self.contest.opens_at.date()
        return Person(
            platform=chosen.slug,
            account=f"user-{self._made}",
            person=self._name(self._made) if chosen.person_policy == "required" else None,
            address=address or self.home(),
            device=device or self.device(),
            account_created=created or opened - timedelta(days=self.chance.randint(60, 2_000)),
        )

    def _name(self, number: int) -> str:
        """Return how platforms name the person of a number: the keyed hash of a telephone number
        that nobody has."""
        return digest(self._person_key, f"+86100{number:08}".encode(), "sha256").hex()

    def home(self) -> str:
        """Return the address of a home, in networks that are reserved for measurements."""
        low = self.chance.randrange(1 << 17)
        return f"198.{18 + (low >> 16)}.{low >> 8 & 255}.{self.chance.randint(1, 254)}"

    def device(self) -> RehearsedDevice:
        return RehearsedDevice(self.chance.choice(_PHONES), self.chance.choice(_LANGUAGES))

    def choices(self) -> tuple[int, ...]:
        """Return what somebody chooses: any number of names, well liked ones more often."""
        rules = self.contest.rules.ballot
        count = self.chance.randint(rules.min_choices, rules.max_choices)
        order = sorted(
            self._weights, key=lambda number: self.chance.random() ** (1 / self._weights[number])
        )
        return tuple(sorted(order[-count:]))

    def still_possible(self, visit: Visit) -> Visit:
        """Return an honest visit as it goes on after somebody has withdrawn: the page offers the
        others only."""
        left = tuple(number for number in visit.choices if number in self._weights)
        if visit.kind not in HONEST_KINDS or left == visit.choices:
            return visit
        is_enough = len(left) >= self.contest.rules.ballot.min_choices
        return visit._replace(choices=left if is_enough else self.choices())

    def forget(self, number: int) -> None:
        """Let nobody choose a candidate any more."""
        del self._weights[number]

    def visits(self, people: Sequence[Person], begins: datetime, ends: datetime) -> Iterator[Visit]:
        """Yield a visit of each person at some time of a local day, within the moments given, in
        order of time."""
        moments = sorted(self._time_of_day(begins) for _ in people)
        for person, at in zip(people, moments, strict=True):
            if begins <= at < ends:
                yield Visit(at, person, self.choices())

    def _time_of_day(self, day: datetime) -> datetime:
        first, last, _ = self.chance.choices(_HOURS, [weight for _, _, weight in _HOURS])[0]
        minute = self.chance.uniform(first * 60, last * 60)
        midnight = datetime.combine(self.contest.local_day(day), time(), self.contest.zone)
        return midnight + timedelta(minutes=minute)
