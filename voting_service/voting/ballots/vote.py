"""A vote on its way through a batch, and its possible results."""

from __future__ import annotations

from asyncio import Future
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple, TypeAlias

from voting_service.antifraud.screening.client_signals import Sender
from voting_service.errors import VotingError


class Accepted(NamedTuple):
    """The ballot was stored by this request; 201."""

    receipt: bytes


class Repeated(NamedTuple):
    """The same ballot was already stored; 200 with the same bytes."""

    receipt: bytes


Outcome: TypeAlias = Accepted | Repeated | VotingError
"""Refusals are values here: raising an exception per vote would cost more than the vote."""

Now: TypeAlias = Callable[[], datetime]


def format_choices(choices: list[int]) -> str:
    """Return ascending numbers as the text that Postgres reads as an array: `{3,7}`."""
    return "{" + str(choices)[1:-1].replace(" ", "") + "}"


class Vote:
    """A vote between ① and ⑥. `choices` are the chosen numbers, ascending; `choices_text` is the
    same as the text that Postgres reads as an array. `solved`: a solved challenge came with it.
    `result` is resolved exactly once."""

    __slots__ = (
        "choices",
        "choices_text",
        "platform_id",
        "result",
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
        result: Future[Outcome],
        waiting_since: float,
    ) -> None:
        self.voter = voter
        self.platform_id = platform_id
        self.sender = sender
        self.solved = solved
        self.choices = choices
        self.choices_text = format_choices(choices)
        self.result = result
        self.waiting_since = waiting_since

    def resolve(self, outcome: Outcome) -> None:
        """Set the result, unless it is set or the client has disconnected."""
        if not self.result.done():
            self.result.set_result(outcome)
