"""A vote on its way through a batch, and its possible results."""

from __future__ import annotations

from asyncio import Future
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import NamedTuple, TypeAlias

import msgspec

from voting_service.antifraud.screening.client_signals import Sender
from voting_service.contests.model import Contest, Withdrawal
from voting_service.errors import VotingError


class Accepted(NamedTuple):
    """The ballot was stored by this request; 201."""

    receipt: bytes


class Repeated(NamedTuple):
    """The same ballot was already stored; 200 with the same bytes."""

    receipt: bytes


Outcome: TypeAlias = Accepted | Repeated | VotingError
"""Refusals are values here: raising an exception per vote would cost more than the vote."""

BallotKey: TypeAlias = tuple[date, bytes]
"""The period and the voter of a ballot."""

Now: TypeAlias = Callable[[], datetime]


def format_choices(choices: list[int]) -> str:
    """Return ascending numbers as the text that Postgres reads as an array: `{3,7}`."""
    return "{" + str(choices)[1:-1].replace(" ", "") + "}"


class DatedBallot(msgspec.Struct, frozen=True, gc=False):
    """A ballot with its moment, which is never changed: `cast_at`, in milliseconds, is when its
    vote arrived. `period` is that of the moment, or the period that the voter named; then
    `of_its_moment` tells whether it is the same. `choices` are the chosen numbers, ascending."""

    choices: list[int]
    cast_at: datetime
    period: date
    of_its_moment: bool = True

    @classmethod
    def of(cls, contest: Contest, choices: list[int], now: datetime) -> DatedBallot:
        """Return the ballot of a vote that arrives now and names no period."""
        cast_at = to_milliseconds(now)
        return cls(choices, cast_at, contest.current_period(cast_at))

    def in_period(self, named: date) -> DatedBallot:
        """Return the same ballot in the period that its voter named."""
        if named == self.period:
            return self
        return DatedBallot(self.choices, self.cast_at, named, of_its_moment=False)

    def may_be_stored(self, contest: Contest) -> bool:
        """Whether the contest was open at its moment, in its period, and nobody chosen had
        withdrawn; otherwise the ballot can only be looked up."""
        return (
            contest.opens_at <= self.cast_at < contest.closes_at
            and self.of_its_moment
            and not (contest.withdrawals and self.withdrawn_choices(contest))
        )

    def withdrawn_choices(self, contest: Contest) -> list[Withdrawal]:
        """Return the withdrawals of chosen candidates before its moment."""
        return [
            withdrawal
            for withdrawal in contest.withdrawals
            if withdrawal.number in self.choices and withdrawal.withdrawn_at <= self.cast_at
        ]


_BELOW_A_MILLISECOND = tuple(timedelta(microseconds=count) for count in range(1000))
"""To make one for every vote would cost more than to subtract it."""


def to_milliseconds(moment: datetime) -> datetime:
    """Truncate to milliseconds: the row stores exactly what the receipt shows."""
    return moment - _BELOW_A_MILLISECOND[moment.microsecond % 1000]


def to_unix_ms(moment: datetime) -> int:
    """Return the milliseconds from 1970 to a moment, rounded."""
    return round(moment.timestamp() * 1000)


class Vote:
    """A vote between ① and ⑥. `choices_text` are the choices of `ballot` as the text that Postgres
    reads as an array. `solved`: a solved challenge came with it. `screened`: Valkey took part
    in admitting it. `result` is resolved exactly once."""

    __slots__ = (
        "ballot",
        "choices_text",
        "platform_id",
        "result",
        "screened",
        "sender",
        "solved",
        "voter",
        "waiting_since",
    )

    def __init__(
        self,
        *,
        voter: bytes,
        platform_id: int,
        sender: Sender,
        solved: bool,
        ballot: DatedBallot,
        result: Future[Outcome],
        waiting_since: float,
    ) -> None:
        self.voter = voter
        self.platform_id = platform_id
        self.sender = sender
        self.solved = solved
        self.ballot = ballot
        self.choices_text = format_choices(ballot.choices)
        self.result = result
        self.screened = True
        self.waiting_since = waiting_since

    @property
    def key(self) -> BallotKey:
        """Period and voter, of which there is one ballot at most."""
        return self.ballot.period, self.voter

    def resolve(self, outcome: Outcome) -> None:
        """Set the result, unless it is set or the client has disconnected."""
        if not self.result.done():
            self.result.set_result(outcome)
