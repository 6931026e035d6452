"""What a suspicious vote of one contest is asked for, and whether it was paid.

A vote is asked for a proof of work, always. Where the contest has a hosted captcha and its
provider is there, that comes beside it as the easy way, and the proof of work costs its most.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from voting_service.antifraud import challenges
from voting_service.antifraud.captchas.captcha import Solved, bound_to
from voting_service.antifraud.captchas.gate import Gate, Outcome
from voting_service.ballots.casting import busy
from voting_service.contests.model import Contest
from voting_service.errors import ChallengeRequired

MAX_CHALLENGES_WAITING = 200
"""Half a millisecond each, so that nobody waits longer than a blink."""


MAX_CHALLENGES_REMEMBERED = 10_000
_GOOD_FOR = timedelta(seconds=challenges.VALID_SECONDS / 2)
"""How long a challenge is given again: there must be time left to solve it."""


class _Ballot(NamedTuple):
    voter: bytes
    period: date


class _Asked(NamedTuple):
    """A challenge that was given to a voter; whether a captcha stood beside it as the easy way."""

    challenge: dict[str, Any]
    beside_captcha: bool
    good_until: datetime


class Payment(NamedTuple):
    """What a voter sends as solved, and the address that it comes from."""

    voter: bytes
    payload: str
    client_address: str


class ChallengeDesk:
    """Asks and checks; `gate` is to the contest's captcha, where it has one."""

    def __init__(self, key: bytes) -> None:
        self.gate: Gate | None = None
        self._key = key
        self._waiting = 0
        self._asked: OrderedDict[_Ballot, _Asked] = OrderedDict()

    async def ask(
        self, contest: Contest, voter: bytes, required: ChallengeRequired, now: datetime,
        paid: Outcome,
    ) -> None:  # fmt: skip
        """Fills in what this voter's ballot of now is asked for; `paid` is what the last try was
        worth. Raises Unavailable when too many wait.

        Made beside the event loop: a storm that asks for thousands must not stop the votes. Who
        asks again for the same ballot gets the same challenge, so nobody has them made for sport.
        """
        tries, gate = required.tries, self.gate
        if gate is not None and gate.offered and paid is not Outcome.AWAY:
            tries = challenges.HARD
            required.captcha = {
                "provider": gate.captcha.provider,
                "site_key": gate.captcha.site_key,
                "binding": self._binding(contest, voter, now),
            }
        ballot = _Ballot(voter, contest.period(now))
        known = self._asked.get(ballot)
        beside_captcha = required.captcha is not None
        if known and known.beside_captcha == beside_captcha and now < known.good_until:
            required.challenge = known.challenge
            return
        if self._waiting >= MAX_CHALLENGES_WAITING:
            raise busy()
        self._waiting += 1
        try:
            required.challenge = await asyncio.to_thread(
                challenges.issue, self._key, tries=tries, **_ballot(contest, voter, now)
            )
        finally:
            self._waiting -= 1
        self._asked[ballot] = _Asked(required.challenge, beside_captcha, now + _GOOD_FOR)
        self._asked.move_to_end(ballot)
        if len(self._asked) > MAX_CHALLENGES_REMEMBERED:
            self._asked.popitem(last=False)

    async def check(self, contest: Contest, payment: Payment, now: datetime) -> Outcome:
        """Whether it pays for the voter's ballot of now. A captcha's comes as `provider:token`,
        which no proof of work (base64) looks like."""
        provider, colon, token = payment.payload.partition(":")
        if not colon:
            ballot = _ballot(contest, payment.voter, now)
            solved = challenges.is_solved(self._key, payment.payload, **ballot)
            return Outcome.VERIFIED if solved else Outcome.FAILED
        if self.gate is None or provider != self.gate.captcha.provider:
            return Outcome.FAILED
        binding = self._binding(contest, payment.voter, now)
        return await self.gate.verify(Solved(token, payment.client_address, binding))

    def _binding(self, contest: Contest, voter: bytes, now: datetime) -> str:
        return bound_to(self._key, contest=contest.slug, voter=voter, period=contest.period(now))


def _ballot(contest: Contest, voter: bytes, now: datetime) -> dict[str, Any]:
    return {
        "contest": contest.slug,
        "voter": voter,
        "period": contest.period(now),
        "now_seconds": now.timestamp(),
    }
