"""① Parse: the body of a vote, strictly. Has no effects."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta

import msgspec

from voting_service.contests.model import Contest, Withdrawal
from voting_service.errors import Fault, InvalidInput
from voting_service.infrastructure.postgres.database_clock import MAX_OFFSET_SECONDS
from voting_service.infrastructure.strict_json import decode_json, refuse_repeated_keys

MAX_BODY_BYTES = 4096
_CLOCKS_APART = timedelta(seconds=2 * MAX_OFFSET_SECONDS)


class Cast(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """The JSON body of a vote: candidate numbers and, after a 428, the solved challenge: base64
    as the widget makes it, or `provider:token` of a captcha. With `period`, the vote counts for
    this period or for none."""

    choices: list[int]
    challenge: str | None = None
    period: date | None = None


_decoder = msgspec.json.Decoder(Cast)


class PeriodFault(InvalidInput):
    """The named period is not one of the contest that has begun; `current` is."""

    def __init__(self, current: date) -> None:
        super().__init__(Fault("period", "voting.ballots.no_such_period", current=current))


class CandidateWithdrawn(InvalidInput):
    """The ballot names candidates who have withdrawn."""

    def __init__(self, contest: Contest, withdrawals: Iterable[Withdrawal]) -> None:
        super().__init__(
            *(
                Fault(
                    "choices",
                    "voting.ballots.candidate_withdrawn",
                    number=withdrawal.number,
                    moment=f"{withdrawal.withdrawn_at.astimezone(contest.zone):%Y-%m-%d %H:%M}",
                )
                for withdrawal in withdrawals
            )
        )


class BallotRequest(msgspec.Struct, frozen=True, gc=False):
    """A ballot as sent: the chosen numbers, ascending, and what came with them, if anything."""

    choices: list[int]
    challenge: str | None = None
    period: date | None = None


def parse_cast(body: bytes, contest: Contest) -> BallotRequest:
    """Return the ballot that a body holds; its period is checked by `check_period`.

    Raises MalformedInput when the body is not JSON, InvalidInput with the field that is wrong.
    """
    if (
        body.count(b'"choices"') != 1
        or body.count(b'"challenge"') > 1
        or body.count(b'"period"') > 1
        or b"\\" in body
    ):
        refuse_repeated_keys(body)
    cast = decode_json(_decoder, body)
    return BallotRequest(check_choices(cast.choices, contest), cast.challenge, cast.period)


def check_period(named: date, contest: Contest, now: datetime) -> None:
    """Raises PeriodFault unless a ballot may name this period: one of the contest that has
    begun, by this worker's clock or by that of another, which may be ahead."""
    latest = contest.current_period(now + _CLOCKS_APART)
    if not contest.period(contest.opens_at) <= named <= latest:
        raise PeriodFault(contest.current_period(now))


def check_choices(given: list[int], contest: Contest) -> list[int]:
    """Return the chosen numbers in ascending order. Raises InvalidInput with every wrong one."""
    choices = sorted(given)
    chosen = set(choices)
    rules = contest.rules.ballot
    if (
        len(chosen) != len(choices)
        or not chosen <= contest.numbers
        or not rules.min_choices <= len(choices) <= rules.max_choices
    ):
        raise InvalidInput(*_choice_faults(given, contest))
    return choices


def _choice_faults(choices: list[int], contest: Contest) -> list[Fault]:
    rules = contest.rules.ballot
    faults = []
    if not rules.min_choices <= len(choices) <= rules.max_choices:
        faults.append(
            Fault(
                "choices",
                "voting.ballots.wrong_number_of_choices",
                min_choices=rules.min_choices,
                max_choices=rules.max_choices,
                choices_count=len(choices),
            )
        )
    seen: set[int] = set()
    for place, number in enumerate(choices[: rules.max_choices]):
        if number not in contest.numbers:
            faults.append(
                Fault(
                    f"choices[{place}]", "voting.ballots.no_such_candidate", number=str(number)[:9]
                )
            )
        elif number in seen:
            faults.append(Fault(f"choices[{place}]", "voting.ballots.chosen_twice", number=number))
        seen.add(number)
    return faults
