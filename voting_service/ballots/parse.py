"""① Parse: the body of a cast, strictly. Nothing has happened yet."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from voting_service.contests.model import Contest
from voting_service.errors import Fault, InvalidInput, MalformedInput

MAX_BODY_BYTES = 4096


class Cast(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """The JSON body of a cast: candidate numbers, and a solved challenge when one was asked."""

    choices: list[int]
    challenge: str | None = None


_decode = msgspec.json.Decoder(Cast).decode


def parse_cast(body: bytes, contest: Contest) -> tuple[list[int], str | None]:
    """The chosen numbers in ascending order, and the challenge's solution.

    Raises MalformedInput when the body is not JSON, InvalidInput with the field that is wrong.
    """
    if body.count(b'"choices"') != 1 or body.count(b'"challenge"') > 1 or b"\\" in body:
        _refuse_duplicate_keys(body)
    try:
        cast = _decode(body)
    except msgspec.ValidationError as error:
        raise InvalidInput(_fault(str(error))) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedInput(Fault("", f"the body is not valid JSON: {error}")) from None
    choices = sorted(cast.choices)
    chosen = set(choices)
    rules = contest.rules.ballot
    if (
        len(chosen) != len(choices)
        or not chosen <= contest.numbers
        or not rules.min_choices <= len(choices) <= rules.max_choices
    ):
        raise InvalidInput(*_choice_faults(cast.choices, contest))
    return choices, cast.challenge


def _choice_faults(choices: list[int], contest: Contest) -> list[Fault]:
    rules = contest.rules.ballot
    faults = []
    if not rules.min_choices <= len(choices) <= rules.max_choices:
        faults.append(
            Fault(
                "choices",
                f"choose {rules.min_choices} to {rules.max_choices} candidates, "
                f"this ballot holds {len(choices)}",
            )
        )
    seen: set[int] = set()
    for place, number in enumerate(choices[: rules.max_choices]):
        if number not in contest.numbers:
            faults.append(Fault(f"choices[{place}]", "there is no candidate of this number"))
        elif number in seen:
            faults.append(Fault(f"choices[{place}]", f"candidate {number} is chosen twice"))
        seen.add(number)
    return faults


def _fault(message: str) -> Fault:
    """msgspec says `Expected … - at `$.choices[0]``; a person wants the field by itself."""
    what, separator, path = message.rpartition(" - at ")
    if separator:
        return Fault(path.strip("`").removeprefix("$").removeprefix("."), what)
    return Fault("", message)


def _refuse_duplicate_keys(body: bytes) -> None:
    """msgspec keeps the last of two equal keys; a ballot that says two things says nothing."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        for key in keys:
            if keys.count(key) > 1:
                raise InvalidInput(Fault("choices" if key == "choices" else "", "a key is given twice"))
        return dict(pairs)

    try:
        json.loads(body, object_pairs_hook=unique)
    except (ValueError, RecursionError):
        return  # not JSON at all: the real decoder says where
