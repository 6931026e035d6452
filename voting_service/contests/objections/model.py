"""An online objection: plain values and what may be written in one; no I/O."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import date, datetime
from hashlib import blake2b
from typing import NamedTuple

import msgspec

from voting_service.contests.model import find_text_fault
from voting_service.errors import Fault, InvalidInput
from voting_service.infrastructure.typed_codes import BITS, read_typed_code, typed_code

LENGTH = 12
"""Characters of the number that the objector gets (infrastructure/typed_codes.py): 55 random bits,
so nobody reads the answer to an objection by guessing."""
LINE_CHARACTERS = 100
TEXT_CHARACTERS = 3_000
ANSWER_CHARACTERS = 3_000
ATTACHMENT_FILES = 3
"""Pictures and PDFs that come with an objection; they are stored as one PDF."""
ATTACHMENT_BYTES = 8 * 2**20
_SENDER_BYTES = 8


class WrittenObjection(msgspec.Struct, frozen=True):
    """What the objector wrote. Encrypted as a whole before it is stored."""

    name: str
    contact: str
    text: str

    def check(self) -> None:
        """Raises InvalidInput with every fault."""
        faults = [
            find_text_fault(field, getattr(self, field), limit=limit, line_breaks=field == "text")
            for field, limit in LIMITS.items()
        ]
        if any(faults):
            raise InvalidInput(*filter(None, faults))


LIMITS: Mapping[str, int] = {
    "name": LINE_CHARACTERS,
    "contact": LINE_CHARACTERS,
    "text": TEXT_CHARACTERS,
}
"""The characters of each field."""


class ObjectionTarget(msgspec.Struct, frozen=True):
    """What is objected to: a contest's outcome, or a public notice by its slug. One is None."""

    contest_id: int | None = None
    notice: str | None = None


class SubmittedObjection(NamedTuple):
    """A new objection; `sender` is the keyed hash of its network and day, `attachment` a PDF."""

    target: ObjectionTarget
    written: WrittenObjection
    sender: bytes
    attachment: bytes | None = None


class ObjectionState(msgspec.Struct, frozen=True):
    """What the holder of the number is shown: never what was written. `answer` is None before the
    objection is answered, and empty once its personal data is erased."""

    number: str
    target: ObjectionTarget
    received_at: datetime
    answer: str | None
    answered_at: datetime | None


class OnlineObjection(msgspec.Struct, frozen=True):
    """An objection as staff list it; `written` is None in the list, and after it was erased."""

    id: int
    state: ObjectionState
    answered_by: str | None
    written: WrittenObjection | None = None
    has_attachment: bool = False


def new_number() -> str:
    """Return a new random number."""
    return typed_code(secrets.randbits(BITS * (LENGTH - 1)), LENGTH)


def read_number(text: str) -> str | None:
    """Return the number that a person typed as it is stored; None if it was mistyped."""
    value = read_typed_code(text, LENGTH)
    return None if value is None else typed_code(value, LENGTH)


def sender_hash(master_key: bytes, network: str, day: date) -> bytes:
    """Return the keyed hash by which objections from one network are counted on one day; the next
    day it is another."""
    return blake2b(
        f"{day.isoformat()} {network}".encode(),
        key=master_key,
        digest_size=_SENDER_BYTES,
        person=b"objector",
    ).digest()


def check_answer(text: str) -> None:
    """Check the answer of staff. Raises InvalidInput."""
    fault = find_text_fault("answer", text, limit=ANSWER_CHARACTERS, line_breaks=True)
    if fault is not None:
        raise InvalidInput(Fault("answer", fault.code, **fault.params))
