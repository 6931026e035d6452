"""When what happens in a rehearsal, from the announced moments. Pure but for the crowd's chance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, time, timedelta
from typing import Literal, NamedTuple

from voting_service.contests.model import Contest
from voting_service.contests.release_schedule import release_moments
from voting_service.jobs.sweep import SWEEP_AT
from voting_service.rehearsal.attacks import ATTACKS
from voting_service.rehearsal.crowd import Crowd, Person, Visit

Name = Literal[
    "embargo",
    "published",
    "opened",
    "counts",
    "blackout",
    "gather",
    "sweep",
    "rule",
    "correct",
    "withdraw",
    "tie_the_line",
    "closed",
    "last_rulings",
    "decide_tie",
    "publish",
    "cut_hidden",
    "cut_public",
    "object",
    "answer",
]
SHOWN_AFTER = timedelta(minutes=3)
"""A snapshot appears once the ballots cast before its moment are complete, a minute and a half."""
RULING_AT, EVENING_AT, PUBLISHED_AT = time(9, 30), time(22, 45), time(10)
"""Local times."""
LATE = timedelta(seconds=20)
LAST_VOTERS = timedelta(minutes=40)
"""How long before the close the last voters come, who make the line as close as a line can be."""
VISITS_A_VOTER = 4
"""On how many days a person votes on average in a long contest; in a short one on every other."""
CANTEEN_SHARE, ATTACKERS_SHARE = 20, 40
"""Of the voters one in so many eats in the canteen, and is one of each attack."""
LEAST_ATTACKERS = 80
STRANGERS = 20
"""So many come before the opening and after the close, and choose somebody who has withdrawn."""


MOST_LAST_VOTERS = 300
"""A line that is further from a tie is left alone."""


class Event(NamedTuple):
    """Something to do at a moment."""

    at: datetime
    name: Name


CHANGES: tuple[tuple[float, time, Name], ...] = (
    (0.2, time(10, 30), "correct"),
    (0.6, time(11), "withdraw"),
)
"""After which part of the days, and at which local time, a profile is corrected and a candidate
withdraws."""


def events(contest: Contest, published_at: datetime, blackout_at: datetime | None) -> list[Event]:
    """Return everything but the visits, in order of time."""
    opens_at, closes_at = contest.opens_at, contest.closes_at
    shown_at = visible_from(contest)
    made = [
        Event(published_at - timedelta(minutes=5), "embargo"),
        Event(published_at + timedelta(minutes=1), "published"),
        Event(opens_at + timedelta(minutes=1), "opened"),
        Event(closes_at - LAST_VOTERS, "tie_the_line"),
        Event(closes_at + timedelta(minutes=3), "closed"),
        Event(closes_at + timedelta(hours=1), "last_rulings"),
        Event(closes_at + timedelta(hours=2), "decide_tie"),
        Event(closes_at + timedelta(hours=3), "publish"),
        Event(shown_at - timedelta(minutes=5), "cut_hidden"),
        Event(shown_at + timedelta(minutes=1), "cut_public"),
        Event(shown_at + timedelta(hours=1), "object"),
        Event(shown_at + timedelta(hours=3), "answer"),
    ]
    made += [Event(moment + SHOWN_AFTER, "counts") for moment in release_moments(contest)]
    if blackout_at is not None and opens_at < blackout_at < closes_at:
        made.append(Event(blackout_at, "blackout"))
    for day in days(contest):
        routine = (
            Event(day + SHOWN_AFTER, "gather"),
            Event(datetime.combine(day.date(), SWEEP_AT, contest.zone) + SHOWN_AFTER, "sweep"),
            Event(datetime.combine(day.date(), RULING_AT, contest.zone), "rule"),
            Event(datetime.combine(day.date(), EVENING_AT, contest.zone), "counts"),
        )
        made += [event for event in routine if opens_at < event.at < closes_at - LAST_VOTERS]
    made += [event for event in _changes(contest) if event.at < closes_at - LAST_VOTERS]
    return sorted(made, key=lambda event: event.at)


def _changes(contest: Contest) -> Iterator[Event]:
    """Yield when two people change a candidate, at the earliest an hour after the opening."""
    all_days = days(contest)
    for share, at, name in CHANGES:
        day = all_days[int(share * len(all_days))]
        moment = datetime.combine(day.date(), at, contest.zone)
        yield Event(max(moment, contest.opens_at + timedelta(hours=1)), name)


def days(contest: Contest) -> list[datetime]:
    """Return the local midnights that begin the days of the contest; the first lies before the
    opening."""
    made = [contest.midnight_before(contest.opens_at)]
    while (following := contest.midnight_after(made[-1])) < contest.closes_at:
        made.append(following)
    return made


def visible_from(contest: Contest) -> datetime:
    """Return when the cut becomes public: in the morning after the close, once it is decided."""
    day = contest.midnight_after(contest.closes_at).date()
    morning = datetime.combine(day, PUBLISHED_AT, contest.zone)
    return max(morning, contest.closes_at + timedelta(hours=4))


class Visits:
    """Who visits when, a day at a time."""

    def __init__(self, crowd: Crowd, voters: int) -> None:
        self._crowd = crowd
        self._voters = voters
        self._contest = crowd.contest
        self._days = days(crowd.contest)
        self._people = [crowd.person(anywhere=True) for _ in range(voters)]

    def of_day(self, day: datetime) -> list[Visit]:
        """Return the visits of the local day that begins at `day`, in order of time."""
        contest, crowd = self._contest, self._crowd
        begins = max(day, contest.opens_at)
        ends = min(contest.midnight_after(day), contest.closes_at - LAST_VOTERS)
        honest = list(crowd.visits(self._turnout(), begins, ends))
        extra = [*self._attacks(day), *self._canteen(day)]
        if len(self._days) > 1 and day == self._days[len(self._days) // 2]:
            extra += self._second_ballots(honest)
        if day == self._days[0]:
            extra += self._strangers(contest.opens_at - timedelta(minutes=10), "early")
        if day == self._days[-1]:
            extra += self._strangers(contest.closes_at - LATE, "late")
        return sorted([*honest, *extra], key=lambda visit: visit.at)

    def _turnout(self) -> Sequence[Person]:
        """Return who votes on a day; where a voter has one ballot in all, everybody comes once."""
        if self._contest.rules.ballot.every == "contest":
            share = -(-self._voters // len(self._days))
            coming, self._people = self._people[:share], self._people[share:]
            return coming
        likely = min(0.5, VISITS_A_VOTER / len(self._days))
        return [person for person in self._people if self._crowd.chance.random() < likely]

    def _attacks(self, day: datetime) -> Iterator[Visit]:
        """Yield the visits of the attacks that begin in this night: they are spread over the nights
        of the contest, or begin an hour after the opening where there is none."""
        nights = self._days[1:]
        size = max(LEAST_ATTACKERS, self._voters // ATTACKERS_SHARE)
        for place, attack in enumerate(ATTACKS.values()):
            if nights:
                night = nights[len(nights) * place // len(ATTACKS)]
                begins = night + timedelta(minutes=70 + 20 * place)
            else:
                begins = self._contest.opens_at + timedelta(hours=1)
            if day <= begins < self._contest.midnight_after(day):
                yield from attack.visits(self._crowd, begins, size)

    def _canteen(self, day: datetime) -> Iterator[Visit]:
        """Yield a lunch break of many colleagues behind one address."""
        if day != self._days[len(self._days) // 3]:
            return
        address = self._crowd.home()
        begins = max(day + timedelta(hours=12), self._contest.opens_at)
        for place in range(max(LEAST_ATTACKERS, self._voters // CANTEEN_SHARE)):
            at = begins + timedelta(seconds=10 * place)
            person = self._crowd.person(address=address)
            yield Visit(at, person, self._crowd.choices(), "canteen")

    def _second_ballots(self, honest: Sequence[Visit]) -> Iterator[Visit]:
        """Yield another ballot, half an hour later and so on the same day, of some who have
        voted."""
        for visit in honest[:LEAST_ATTACKERS]:
            others = sorted(self._contest.numbers - set(visit.choices))
            if others and self._contest.rules.ballot.min_choices == 1:
                at = visit.at + timedelta(minutes=30)
                yield Visit(at, visit.person, (others[0],), "second_ballots")

    def _strangers(self, at: datetime, kind: str) -> Iterator[Visit]:
        for _ in range(STRANGERS):
            yield Visit(at, self._crowd.person(), self._crowd.choices(), kind)


def last_voters(
    crowd: Crowd, ranked: Sequence[int], count: int, begins: datetime
) -> Iterator[Visit]:
    """Yield so many visits for the first candidate below the line, within half an hour. They name
    others only who are `ranked` at least two places above it, so that nobody else crosses it."""
    rules = crowd.contest.rules
    size = rules.cut.size
    above = ranked[: max(0, size - 2)]
    for place in range(count):
        at = begins + timedelta(minutes=30 * place / count)
        most = min(len(above), rules.ballot.max_choices - 1)
        others = crowd.chance.sample(above, min(most, max(2, rules.ballot.min_choices - 1)))
        choices = tuple(sorted((ranked[size], *others)))
        yield Visit(at, crowd.person(), choices, "last_voters")
