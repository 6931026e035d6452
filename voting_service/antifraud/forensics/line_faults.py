"""Which lines of a ballot file break its format: slow, exact, and only asked when one does."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from itertools import islice
from pathlib import Path

from voting_service.errors import Fault, InvalidInput

NEEDED = ("ballot_id", "cast_at", "choices")
TEXTS = ("platform", "voter", "ip", "prefix", "device", "user_agent")
KNOWN = ("ballot_id", "cast_at", *TEXTS, "account_created", "choices")
LONGEST_BALLOT_ID = 64
MOST_FAULTS = 20

_CHOICES = re.compile(r"\d{1,5}(\|\d{1,5})*")


def header_of(path: Path) -> tuple[str, ...]:
    """The names of the columns, in the file's order. Raises InvalidInput."""
    try:
        with path.open("rb") as stream:
            names = tuple(next(csv.reader([stream.readline().decode("utf-8-sig")]), ()))
    except OSError as error:
        raise InvalidInput(Fault(str(path), f"cannot be read: {error.strerror}")) from None
    except UnicodeDecodeError:
        raise InvalidInput(Fault(f"{path.name} line 1", "is not UTF-8")) from None
    missing = [name for name in NEEDED if name not in names]
    if missing or len(set(names)) != len(names):
        raise InvalidInput(
            Fault(
                f"{path.name} line 1",
                f"the header must name {', '.join(NEEDED)} and may name "
                f"{', '.join(sorted(set(KNOWN) - set(NEEDED)))}, each once; "
                f"missing: {', '.join(missing) or 'none'}",
            )
        )
    return names


def faults_of(path: Path) -> list[Fault]:
    """The first faults of the file, each with the number of its line."""
    return list(islice(_faults(path, header_of(path)), MOST_FAULTS))


def _faults(path: Path, header: tuple[str, ...]) -> Iterator[Fault]:
    seen: dict[str, int] = {}
    with path.open("rb") as stream:
        reader = csv.reader(line.decode("utf-8-sig") for line in stream)
        try:
            next(reader)
            for cells in reader:
                place = f"{path.name} line {reader.line_num}"
                if len(cells) != len(header):
                    yield Fault(place, f"has {len(cells)} cells, the header {len(header)}")
                    continue
                row = dict(zip(header, cells, strict=True))
                for name, message in _row_faults(row):
                    yield Fault(f"{place}, {name}", message)
                first = seen.setdefault(row["ballot_id"], reader.line_num)
                if first != reader.line_num:
                    yield Fault(f"{place}, ballot_id", f"is the ballot_id of line {first} too")
        except UnicodeDecodeError:
            yield Fault(f"{path.name} line {reader.line_num + 1}", "is not UTF-8")
        except csv.Error as error:
            yield Fault(f"{path.name} line {reader.line_num}", f"is not CSV: {error}")


def _row_faults(row: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    identifier = row["ballot_id"]
    if not identifier or len(identifier.encode()) > LONGEST_BALLOT_ID:
        yield "ballot_id", f"must be 1 to {LONGEST_BALLOT_ID} bytes"
    if not _is_time(row["cast_at"]):
        yield "cast_at", "must be ISO 8601 with a zone, such as 2022-07-18T09:30:00+08:00"
    if row.get("account_created") and not _is_date(row["account_created"]):
        yield "account_created", "must be a date such as 2019-05-31, or empty"
    choices = row["choices"]
    if not _CHOICES.fullmatch(choices) or max(map(int, choices.split("|"))) >= 2**15:
        yield "choices", "must be candidates' numbers below 32768 joined by |, such as 3|7"


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
