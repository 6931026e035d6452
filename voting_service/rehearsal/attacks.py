"""The attacks of a rehearsal, each with what the service is expected to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from voting_service.rehearsal.crowd import Crowd, RehearsedDevice, Trick, Visit

Expected = Literal["refused", "held", "found", "asked"]
"""`refused`: no ballot; `held`: stored, and kept out of the count at once; `found`: counted, until
the nightly sweep finds it; `asked`: for a proof of work, which the attacker does not do."""

_SCRIPT = RehearsedDevice("python-requests/2.31.0", "")
_EMULATORS = tuple(
    RehearsedDevice(
        f"Mozilla/5.0 (Linux; Android 10; {model}) AppleWebKit/537.36 Chrome/86.0.4240.198", "zh-CN"
    )
    for model in ("SM-G9600", "VOG-AL00")
)
_HOSTED = ("47.88.{}.{}", "8.208.{}.{}", "3.5.{}.{}")
"""Addresses of hosting companies."""


class Attack(NamedTuple):
    """An attack: how its visits are made, from the moment it begins."""

    expected: Expected
    visits: Callable[[Crowd, datetime, int], Iterator[Visit]]


def _evenly(begins: datetime, size: int, minutes: float) -> Iterator[datetime]:
    for place in range(size):
        yield begins + timedelta(minutes=minutes * place / size)


def _target(crowd: Crowd) -> int:
    """Return the candidate whom attackers lift: the second below the line, or the last."""
    ranked = crowd.by_popularity
    return ranked[min(crowd.contest.rules.cut.size + 1, len(ranked) - 1)]


def _bought_list(crowd: Crowd) -> tuple[int, ...]:
    """Return the target with others, always the same: as many as a ballot holds, at most five."""
    rules = crowd.contest.rules.ballot
    others = [number for number in crowd.by_popularity[::-1] if number != _target(crowd)]
    count = max(rules.min_choices, min(rules.max_choices, 5))
    return tuple(sorted((_target(crowd), *others[: count - 1])))


def fresh_scripts(crowd: Crowd, begins: datetime, size: int) -> Iterator[Visit]:
    """A script with accounts that were made for it the same day."""
    created = crowd.contest.local_day(begins)
    for at in _evenly(begins, size, 20):
        person = crowd.person(device=_SCRIPT, created=created)
        yield Visit(at, person, _bought_list(crowd), "fresh_scripts")


def bought_accounts(crowd: Crowd, begins: datetime, size: int) -> Iterator[Visit]:
    """Old accounts that were bought, behind the lines of real homes, with two emulated phones."""
    for at in _evenly(begins, size, 90):
        person = crowd.person(device=crowd.chance.choice(_EMULATORS))
        yield Visit(at, person, _bought_list(crowd), "bought_accounts")


def hosted_browsers(crowd: Crowd, begins: datetime, size: int) -> Iterator[Visit]:
    """Browsers on rented machines, which do no work."""
    for place, at in enumerate(_evenly(begins, size, 30)):
        address = _HOSTED[place % len(_HOSTED)].format(place % 200, crowd.chance.randint(1, 254))
        yield Visit(at, crowd.person(address=address), _bought_list(crowd), "hosted_browsers")


def _with_trick(name: str, trick: Trick) -> Callable[[Crowd, datetime, int], Iterator[Visit]]:
    def visits(crowd: Crowd, begins: datetime, size: int) -> Iterator[Visit]:
        for at in _evenly(begins, size, 10):
            yield Visit(at, crowd.person(), _bought_list(crowd), name, trick)

    return visits


ATTACKS: Mapping[str, Attack] = {
    "fresh_scripts": Attack("held", fresh_scripts),
    "bought_accounts": Attack("found", bought_accounts),
    "hosted_browsers": Attack("asked", hosted_browsers),
    "forged_tokens": Attack("refused", _with_trick("forged_tokens", "forged")),
    "replayed_tokens": Attack("refused", _with_trick("replayed_tokens", "replayed")),
    "tokens_of_another_contest": Attack(
        "refused", _with_trick("tokens_of_another_contest", "other_contest")
    ),
}
"""By name, in the order in which they happen; also `second_ballots`, `early`, `late` and
`withdrawn`, which need no means (rehearse.py)."""
