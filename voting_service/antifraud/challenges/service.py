"""Challenges for the suspicious votes of one contest: which one a vote must solve, and whether
it was solved.

The challenge is always a proof of work. Where the contest has a hosted captcha and its provider is
available, the captcha is offered beside it, and the proof of work then has its highest difficulty.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from voting_service.antifraud.captchas.adapter import CaptchaResponse, ballot_binding
from voting_service.antifraud.captchas.verifier import CaptchaResult, CaptchaVerifier
from voting_service.antifraud.challenges import proof_of_work
from voting_service.antifraud.challenges.proof_of_work import ChallengedBallot
from voting_service.contests.model import Contest
from voting_service.errors import ChallengeRequired, busy
from voting_service.infrastructure.timeouts import CHALLENGE_GRACE_SECONDS

MAX_CHALLENGES_WAITING = 200
"""Each takes half a millisecond, so nobody waits longer than a tenth of a second."""


MAX_CHALLENGES_CACHED = 10_000
_REUSED_FOR = timedelta(seconds=proof_of_work.VALID_SECONDS / 2)
"""How long the same challenge is returned again: there must be time left to solve it."""
_GRACE = timedelta(seconds=CHALLENGE_GRACE_SECONDS)


class _IssuedChallenge(NamedTuple):
    """A challenge issued to a voter, and whether a captcha was offered beside it."""

    challenge: dict[str, Any]
    beside_captcha: bool
    reused_until: datetime


class ChallengeSolution(NamedTuple):
    """A voter's solution of a challenge, and the address that it comes from."""

    voter: bytes
    payload: str
    client_address: str


class ChallengeVerdict(NamedTuple):
    """The result of a check, and the arrival that decides day and deadline of the vote: its own, or
    that of its first try if the period of that ended while the voter solved the challenge."""

    result: CaptchaResult
    arrived_at: datetime


class ChallengeService:
    """Issues and checks the challenges of one contest; `captcha_verifier` is None where it has no
    captcha."""

    def __init__(self, key: bytes) -> None:
        self.captcha_verifier: CaptchaVerifier | None = None
        self._key = key
        self._waiting = 0
        self._issued: OrderedDict[ChallengedBallot, _IssuedChallenge] = OrderedDict()

    async def issue(
        self,
        contest: Contest,
        voter: bytes,
        required: ChallengeRequired,
        now: datetime,
        previous: CaptchaResult,
    ) -> None:
        """Fill in the challenge for this voter's ballot; `now` is the arrival of the vote, and
        `previous` the result of the last solution. Raises Unavailable when too many challenges are
        being made.

        Runs in a thread, so that thousands of requests for challenges do not stop the votes. A
        voter who asks again for the same ballot gets the same challenge.
        """
        ballot = ChallengedBallot(contest.slug, voter, contest.period(now))
        tries, verifier = required.tries, self.captcha_verifier
        is_available = verifier is not None and verifier.is_available
        if verifier and is_available and previous is not CaptchaResult.UNAVAILABLE:
            tries = proof_of_work.HARD
            required.captcha = {
                "provider": verifier.adapter.provider,
                "site_key": verifier.adapter.site_key,
                "binding": self._binding(ballot),
            }
        issued = self._issued.get(ballot)
        beside_captcha = required.captcha is not None
        if issued and issued.beside_captcha == beside_captcha and now < issued.reused_until:
            required.challenge = issued.challenge
            return
        if self._waiting >= MAX_CHALLENGES_WAITING:
            raise busy()
        self._waiting += 1
        try:
            required.challenge = await asyncio.to_thread(
                proof_of_work.issue,
                self._key,
                ballot,
                tries=tries,
                now_seconds=now.timestamp(),
            )
        finally:
            self._waiting -= 1
        self._issued[ballot] = _IssuedChallenge(
            required.challenge, beside_captcha, now + _REUSED_FOR
        )
        self._issued.move_to_end(ballot)
        if len(self._issued) > MAX_CHALLENGES_CACHED:
            self._issued.popitem(last=False)

    async def check(
        self, contest: Contest, solution: ChallengeSolution, now: datetime
    ) -> ChallengeVerdict:
        """Check a solution for the voter's ballot of now or, within CHALLENGE_GRACE_SECONDS, of the
        period that ended while it was solved. A captcha's payload is `provider:token`, and counts
        for the ballot of now; a proof of work is base64 and has no colon."""
        provider, colon, token = solution.payload.partition(":")
        arrived_at = now if colon else _first_try(contest, solution.payload, now)
        if contest.phase(arrived_at) != "open":
            return ChallengeVerdict(CaptchaResult.FAILED, now)
        ballot = ChallengedBallot(contest.slug, solution.voter, contest.period(arrived_at))
        if not colon:
            solved = proof_of_work.is_solved(
                self._key, ballot, solution.payload, now_seconds=now.timestamp()
            )
            if solved:
                return ChallengeVerdict(CaptchaResult.VERIFIED, arrived_at)
            return ChallengeVerdict(CaptchaResult.FAILED, now)
        verifier = self.captcha_verifier
        if verifier is None or provider != verifier.adapter.provider:
            return ChallengeVerdict(CaptchaResult.FAILED, now)
        response = CaptchaResponse(token, solution.client_address, self._binding(ballot))
        return ChallengeVerdict(await verifier.verify(response), now)

    def _binding(self, ballot: ChallengedBallot) -> str:
        return ballot_binding(
            self._key, contest=ballot.contest, voter=ballot.voter, period=ballot.period
        )


def _first_try(contest: Contest, payload: str, now: datetime) -> datetime:
    """Return when a challenge was issued if its period has ended since, not longer ago than the
    grace; otherwise now. Solving may have taken minutes, and the insert takes no ballot dated so
    long ago: the date is at most the grace before now, which is still in the period."""
    asked_at = proof_of_work.asked_at(payload)
    if asked_at is None or contest.phase(asked_at) != "open":
        return now
    ended_at = contest.period_end(asked_at)
    return max(asked_at, now - _GRACE) if ended_at <= now < ended_at + _GRACE else now
