"""A vote on its way through a batch, and what its voter is told."""

from __future__ import annotations

from asyncio import Future
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple, TypeAlias

from voting_service.antifraud.clients import Sender
from voting_service.errors import VotingError


class Accepted(NamedTuple):
    """The ballot was stored now; 201."""

    receipt: bytes


class Repeated(NamedTuple):
    """The same ballot is stored already; 200 with the same bytes."""

    receipt: bytes


Outcome: TypeAlias = Accepted | Repeated | VotingError
"""Refusals are values here: raising one exception a vote would cost more than the vote."""

Now: TypeAlias = Callable[[], datetime]


def array_text(choices: list[int]) -> str:
    """Ascending numbers as the text that Postgres reads as an array: `{3,7}`."""
    return "{" + str(choices)[1:-1].replace(" ", "") + "}"


class Vote:
    """One cast between ① and ⑥. `numbers` are the chosen ones, ascending; `choices` is the same
    as the text that Postgres reads as an array. `solved`: it came with a solved challenge."""

    __slots__ = (
        "answer",
        "choices",
        "numbers",
        "platform_id",
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
        choices: list[int],
        answer: Future[Outcome],
        waiting_since: float,
    ) -> None:
        self.voter = voter
        self.platform_id = platform_id
        self.sender = sender
        self.solved = solved
        self.numbers = choices
        self.choices = array_text(choices)
        self.answer = answer
        self.waiting_since = waiting_since

    def settle(self, outcome: Outcome) -> None:
        """Answers; the client may have gone meanwhile."""
        if not self.answer.done():
            self.answer.set_result(outcome)
