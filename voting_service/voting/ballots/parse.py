"""① Parse: the body of a vote, strictly. Has no effects."""

from __future__ import annotations

import msgspec

from voting_service.contests.model import Contest
from voting_service.errors import Fault, InvalidInput
from voting_service.infrastructure.strict_json import decode_json, refuse_repeated_keys

MAX_BODY_BYTES = 4096


class Cast(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """The JSON body of a vote: candidate numbers and, after a 428, the solved challenge: base64
    as the widget makes it, or `provider:token` of a captcha."""

    choices: list[int]
    challenge: str | None = None


_decoder = msgspec.json.Decoder(Cast)


def parse_cast(body: bytes, contest: Contest) -> tuple[list[int], str | None]:
    """Return the chosen numbers in ascending order, and the solved challenge if there is one.

    Raises MalformedInput when the body is not JSON, InvalidInput with the field that is wrong.
    """
    if body.count(b'"choices"') != 1 or body.count(b'"challenge"') > 1 or b"\\" in body:
        refuse_repeated_keys(body)
    cast = decode_json(_decoder, body)
    return check_choices(cast.choices, contest), cast.challenge


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
            faults.append(Fault(f"choices[{place}]", "voting.ballots.no_such_candidate"))
        elif number in seen:
            faults.append(Fault(f"choices[{place}]", "voting.ballots.chosen_twice", number=number))
        seen.add(number)
    return faults
