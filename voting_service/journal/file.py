"""The journal as a file, one JSON object a line, so that it can be checked far from here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec

from voting_service.errors import Fault, InvalidInput
from voting_service.journal.model import Entry


class _Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`details` is a text that holds JSON, byte for byte what was hashed."""

    entry: int
    at: datetime
    actor: str
    act: str
    contest: str | None
    subject: str
    details: str
    previous_hash: str
    hash: str


def line_of(entry: Entry) -> bytes:
    """An entry as a line of the file, with its end."""
    fields = {**msgspec.structs.asdict(entry)}
    fields["previous_hash"], fields["hash"] = entry.previous_hash.hex(), entry.hash.hex()
    return msgspec.json.encode(_Line(**fields)) + b"\n"


def read_lines(lines: Iterable[bytes]) -> Iterator[Entry]:
    """The entries of a file, one at a time. Raises InvalidInput at a line that is none."""
    decoder = msgspec.json.Decoder(_Line)
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            read = decoder.decode(line)
            fields = {
                **msgspec.structs.asdict(read),
                "previous_hash": bytes.fromhex(read.previous_hash),
                "hash": bytes.fromhex(read.hash),
            }
        except (msgspec.MsgspecError, ValueError) as error:
            raise InvalidInput(
                Fault(f"line {number}", f"is no line of an exported journal: {error}")
            ) from None
        if read.at.tzinfo is None:
            raise InvalidInput(Fault(f"line {number}", "its moment has no zone"))
        yield Entry(**fields)
