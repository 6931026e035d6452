"""The audit log as a file, one JSON object per line, to be checked elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from voting_service.errors import Fault, InvalidInput
from voting_service.staff.audit_log.model import Entry, EntryContent


class _Line(EntryContent, frozen=True, forbid_unknown_fields=True):
    """An entry with its hashes in hexadecimal."""

    previous_hash: str
    hash: str


def encode_entry(entry: Entry) -> bytes:
    """Return an entry as a line of the file, with its line end."""
    fields = {**msgspec.structs.asdict(entry)}
    fields["previous_hash"], fields["hash"] = entry.previous_hash.hex(), entry.hash.hex()
    return msgspec.json.encode(_Line(**fields)) + b"\n"


def read_lines(lines: Iterable[bytes]) -> Iterator[Entry]:
    """Yield the entries of a file. Raises InvalidInput at an invalid line."""
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
                Fault(f"line {number}", "staff.audit_log.not_an_entry", error=error)
            ) from None
        if read.at.tzinfo is None:
            raise InvalidInput(Fault(f"line {number}", "staff.audit_log.time_without_zone"))
        yield Entry(**fields)
