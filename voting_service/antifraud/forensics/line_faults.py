"""Finds the lines of a ballot file that break its format; slow, used only after a fault."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from itertools import islice
from pathlib import Path

from voting_service.errors import Fault, InvalidInput

REQUIRED_COLUMNS = ("ballot_id", "cast_at", "choices")
TEXT_COLUMNS = ("platform", "voter", "ip", "prefix", "device", "user_agent")
KNOWN = ("ballot_id", "cast_at", *TEXT_COLUMNS, "account_created", "choices")
MAX_BALLOT_ID_BYTES = 64
MAX_FAULTS = 20

_CHOICES = re.compile(r"\d{1,5}(\|\d{1,5})*")


def read_header(path: Path) -> tuple[str, ...]:
    """Read the names of the columns, in the file's order. Raises InvalidInput."""
    try:
        with path.open("rb") as stream:
            names = tuple(next(csv.reader([stream.readline().decode("utf-8-sig")]), ()))
    except OSError as error:
        raise InvalidInput(
            Fault(str(path), "antifraud.forensics.file_unreadable", strerror=error.strerror)
        ) from None
    except UnicodeDecodeError:
        raise InvalidInput(Fault(f"{path.name} line 1", "antifraud.forensics.not_utf_8")) from None
    missing = [name for name in REQUIRED_COLUMNS if name not in names]
    if missing or len(set(names)) != len(names):
        raise InvalidInput(
            Fault(
                f"{path.name} line 1",
                "antifraud.forensics.wrong_header",
                needed=", ".join(REQUIRED_COLUMNS),
                known=", ".join(sorted(set(KNOWN) - set(REQUIRED_COLUMNS))),
                value=", ".join(missing) or "none",
            )
        )
    return names


def find_faults(path: Path) -> list[Fault]:
    """Return the first faults of the file, each with the number of its line."""
    return list(islice(_faults(path, read_header(path)), MAX_FAULTS))


def _faults(path: Path, header: tuple[str, ...]) -> Iterator[Fault]:
    seen: dict[str, int] = {}
    with path.open("rb") as stream:
        reader = csv.reader(line.decode("utf-8-sig") for line in stream)
        try:
            next(reader)
            for cells in reader:
                place = f"{path.name} line {reader.line_num}"
                if len(cells) != len(header):
                    yield Fault(
                        place,
                        "antifraud.forensics.wrong_cell_count",
                        cells_count=len(cells),
                        header_count=len(header),
                    )
                    continue
                row = dict(zip(header, cells, strict=True))
                for fault in _row_faults(row):
                    yield fault.at(f"{place}, {fault.field}")
                first = seen.setdefault(row["ballot_id"], reader.line_num)
                if first != reader.line_num:
                    yield Fault(
                        f"{place}, ballot_id",
                        "antifraud.forensics.duplicate_ballot_id",
                        first=first,
                    )
        except UnicodeDecodeError:
            yield Fault(f"{path.name} line {reader.line_num + 1}", "antifraud.forensics.not_utf_8")
        except csv.Error as error:
            yield Fault(
                f"{path.name} line {reader.line_num}", "antifraud.forensics.not_csv", error=error
            )


def _row_faults(row: Mapping[str, str]) -> Iterator[Fault]:
    identifier = row["ballot_id"]
    if not identifier or len(identifier.encode()) > MAX_BALLOT_ID_BYTES:
        yield Fault("ballot_id", "antifraud.forensics.ballot_id_length", most=MAX_BALLOT_ID_BYTES)
    if not _is_time(row["cast_at"]):
        yield Fault("cast_at", "antifraud.forensics.cast_at_not_a_time")
    if row.get("account_created") and not _is_date(row["account_created"]):
        yield Fault("account_created", "antifraud.forensics.account_created_not_a_date")
    choices = row["choices"]
    if not _CHOICES.fullmatch(choices) or max(map(int, choices.split("|"))) >= 2**15:
        yield Fault("choices", "antifraud.forensics.choices_not_numbers")


def _is_time(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text[:10])
    except ValueError:
        return False
    return True
