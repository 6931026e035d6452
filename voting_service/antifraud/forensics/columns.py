"""Ballots as columns, and the reader of the ballot file (CSV, UTF-8).

A million ballots take a few dozen megabytes: strings become integers while the file is read in
batches, and only the texts that a sentence may contain are kept.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from voting_service.antifraud.forensics.line_faults import (
    MAX_BALLOT_ID_BYTES,
    REQUIRED_COLUMNS,
    TEXT_COLUMNS,
    find_faults,
    read_header,
)
from voting_service.errors import Fault, InvalidInput

ABSENT = -1
BATCH_ROWS = 250_000
_HASH_MULTIPLIER = 0x9E3779B97F4A7C15

Int16s = npt.NDArray[np.int16]
Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]
Progress = Callable[[str, float], None]
"""Called with the name of the step and the share of it that is done (0 to 1)."""


@dataclass(frozen=True, slots=True)
class BallotColumns:
    """n ballots in any order. Codes are int32, 0 to the number of values, -1 where absent."""

    ballot_id: npt.NDArray[np.bytes_]
    """UTF-8, unique; only for output and for a stable order of equal times."""
    cast_at: Int64s
    """Milliseconds since 1970, UTC."""
    platform: Int32s
    voter: Int32s
    ip: Int32s
    prefix: Int32s
    """The /24 or /64 of the address; absent where the address is one opaque text."""
    device: Int32s
    user_agent: Int32s
    account_day: Int32s
    """The day the account was created, in days since 1970."""
    choice_offsets: Int64s
    """n + 1; the choices of ballot i are choice_numbers[offsets[i] : offsets[i + 1]]."""
    choice_numbers: Int16s
    """Candidates' numbers, ascending and distinct within a ballot."""
    labels: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Texts of codes by column: platform, ip, prefix, device, user_agent. Any may be missing."""

    def __len__(self) -> int:
        return len(self.cast_at)

    def label(self, column: str, code: int) -> str:
        """Return the text of a code, or the code itself where the texts are not known."""
        labels = self.labels.get(column)
        return str(code) if labels is None or code >= len(labels) else labels[code]

    def value_label(self, column: str, code: int) -> str:
        """Return the label of a code, also of `account_day`, whose codes are days."""
        if column == "account_day":
            return str(np.datetime64(code, "D"))
        return self.label(column, code)


def read_ballot_file(path: Path, progress: Progress | None = None) -> BallotColumns:
    """Read a ballot file in batches. Raises InvalidInput with the faulty lines."""
    header = read_header(path)
    reader = _ColumnReader(header)
    size = max(path.stat().st_size, 1)
    try:
        frame = pl.scan_csv(
            path,
            has_header=False,
            skip_rows=1,
            new_columns=list(header),
            schema=dict.fromkeys(header, pl.String),
            raise_if_empty=False,
        )
        for batch in frame.collect_batches(chunk_size=BATCH_ROWS, maintain_order=True):
            reader.add(batch)
            if progress is not None:
                progress("read", min(reader.rows * reader.bytes_a_row / size, 0.99))
        return reader.columns()
    except (pl.exceptions.PolarsError, _UnreadableBatch) as error:
        faults = find_faults(path)
        raise InvalidInput(
            *(faults or [Fault(path.name, "antifraud.forensics.unreadable", error=error)])
        ) from None


class _UnreadableBatch(Exception):
    """A column of a batch breaks the format; `line_faults` then finds the line, slowly."""


class _ColumnReader:
    """Collects batches; strings become codes in order of appearance."""

    def __init__(self, header: Sequence[str]) -> None:
        self.rows = 0
        self.bytes_a_row = 0.0
        self._has = frozenset(header)
        self._parts: dict[str, list[npt.NDArray[np.generic]]] = {}
        self._codes = {name: pl.Categories.random() for name in TEXT_COLUMNS}
        self._texts: dict[str, dict[int, str]] = {name: {} for name in TEXT_COLUMNS}

    def add(self, batch: pl.DataFrame) -> None:
        if not batch.height:
            return
        # A quoted empty string is an empty cell too.
        text = pl.col(pl.String)
        batch = batch.with_columns(pl.when(text != "").then(text))
        self.rows += batch.height
        self.bytes_a_row = batch.estimated_size() / batch.height * 0.7
        if batch.select(pl.any_horizontal(pl.col(REQUIRED_COLUMNS).is_null()).any()).item():
            raise _UnreadableBatch(", ".join(REQUIRED_COLUMNS))
        identifiers = batch["ballot_id"]
        if identifiers.str.len_bytes().max() > MAX_BALLOT_ID_BYTES:  # type: ignore[operator]
            raise _UnreadableBatch("ballot_id")
        self._keep("ballot_id", identifiers.cast(pl.Binary).to_numpy().astype(np.bytes_))
        self._keep("cast_at", _milliseconds(batch["cast_at"]))
        self._keep("account_day", self._days(batch))
        for name in TEXT_COLUMNS:
            self._keep(name, self._encode(name, batch))
        self._add_choices(batch["choices"])

    def _keep(self, name: str, values: npt.NDArray[np.generic]) -> None:
        self._parts.setdefault(name, []).append(values)

    def _days(self, batch: pl.DataFrame) -> Int32s:
        if "account_created" not in self._has:
            return np.full(batch.height, ABSENT, dtype=np.int32)
        given = batch["account_created"]
        dates = given.str.extract(r"^(\d{4}-\d{2}-\d{2})")
        days = dates.str.to_date("%Y-%m-%d", strict=False).cast(pl.Int32)
        if days.null_count() != given.null_count():
            raise _UnreadableBatch("account_created")
        return days.fill_null(ABSENT).to_numpy()

    def _encode(self, name: str, batch: pl.DataFrame) -> Int32s:
        if name not in self._has:
            return np.full(batch.height, ABSENT, dtype=np.int32)
        texts = batch[name].cast(pl.Categorical(self._codes[name]))
        codes = texts.to_physical()
        if name != "voter":
            named = pl.DataFrame({"code": codes, "text": batch[name]}).drop_nulls().unique("code")
            self._texts[name].update(named.iter_rows())
        return codes.cast(pl.Int32).fill_null(ABSENT).to_numpy()

    def _add_choices(self, cells: pl.Series) -> None:
        lists = cells.str.split("|")
        numbers = lists.explode().cast(pl.Int16, strict=False)
        if numbers.null_count() or (numbers < 0).any():
            raise _UnreadableBatch("choices")
        counts = lists.list.len().cast(pl.Int32).to_numpy()
        self._keep("choice_count", counts)
        self._keep("choice_numbers", numbers.to_numpy())

    def _whole(self, name: str, kind: npt.DTypeLike) -> npt.NDArray[Any]:
        parts = self._parts.pop(name, [])
        whole = np.concatenate(parts) if parts else np.empty(0, dtype=kind)
        return whole.astype(kind, copy=False)

    def columns(self) -> BallotColumns:
        codes = {name: self._whole(name, np.int32) for name in TEXT_COLUMNS}
        labels = {name: _dense(self._texts.pop(name)) for name in TEXT_COLUMNS if name != "voter"}
        if "prefix" not in self._has:
            codes["prefix"], labels["prefix"] = _prefixes(codes["ip"], labels["ip"])
        counts = self._whole("choice_count", np.int32)
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts, dtype=np.int64)])
        numbers = self._whole("choice_numbers", np.int16)
        offsets, numbers = _distinct_choices(offsets, numbers)
        identifiers = self._whole("ballot_id", np.bytes_)
        if not _all_distinct(identifiers):
            raise _UnreadableBatch("ballot_id")
        return BallotColumns(
            ballot_id=identifiers,
            cast_at=self._whole("cast_at", np.int64),
            account_day=self._whole("account_day", np.int32),
            choice_offsets=offsets,
            choice_numbers=numbers,
            labels=labels,
            **codes,
        )


def _milliseconds(cells: pl.Series) -> Int64s:
    """Parse ISO 8601 with a zone, with T or a space, with or without fractions of seconds."""
    texts = cells.str.replace(" ", "T", literal=True)
    times = texts.str.to_datetime("%+", time_unit="ms", time_zone="UTC", strict=False)
    for layout in ("%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M%#z"):
        if not times.null_count():
            break
        again = texts.str.to_datetime(layout, time_unit="ms", time_zone="UTC", strict=False)
        times = times.fill_null(again)
    if times.null_count():
        raise _UnreadableBatch("cast_at")
    return times.to_physical().to_numpy()


def _dense(texts: Mapping[int, str]) -> list[str]:
    return [texts.get(code, "") for code in range(max(texts, default=-1) + 1)]


def _distinct_choices(offsets: Int64s, numbers: Int16s) -> tuple[Int64s, Int16s]:
    """Return choices that ascend within each ballot; a repeated number counts once."""
    ascends = np.ones(len(numbers) + 1, dtype=bool)
    np.greater(numbers[1:], numbers[:-1], out=ascends[1:-1])
    ascends[offsets] = True  # where a ballot begins
    if ascends.all():
        return offsets, numbers
    rows = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    keys = np.unique(rows << 16 | numbers)
    counts = np.bincount(keys >> 16, minlength=len(offsets) - 1)
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)]), (keys & 0xFFFF).astype(
        np.int16
    )


def _all_distinct(identifiers: npt.NDArray[np.bytes_]) -> bool:
    """Whether none occurs twice. Texts sort slowly, so their hashes are sorted first."""
    width = -(-max(identifiers.itemsize, 1) // 8) * 8
    words = identifiers.astype(f"S{width}", copy=False).view(np.uint64)
    mixed = np.zeros(len(identifiers), dtype=np.uint64)
    for word in words.reshape(-1, width // 8).T:
        mixed = (mixed ^ word) * np.uint64(_HASH_MULTIPLIER)
        mixed ^= mixed >> np.uint64(29)
    mixed.sort()
    if not (mixed[1:] == mixed[:-1]).any():
        return True
    return len(np.unique(identifiers)) == len(identifiers)


def _prefixes(ip: Int32s, addresses: Sequence[str]) -> tuple[Int32s, list[str]]:
    """Return the codes and texts of the /24 or /64 of every address; opaque addresses have none."""
    codes: dict[str, int] = {}
    names = map(network_prefix, addresses)
    table = [ABSENT if name is None else codes.setdefault(name, len(codes)) for name in names]
    table.append(ABSENT)  # for the code -1
    return np.array(table, dtype=np.int32)[ip], list(codes)


def network_prefix(address: str) -> str | None:
    """Return the network of an address: `203.0.113.9` → `203.0.113.0/24`, IPv6 → its /64, `a/b`
    (hashes of network and address, as this service stores them) → `a`, anything else → None."""
    if "/" in address:
        return address.partition("/")[0]
    try:
        if ":" not in address:
            socket.inet_pton(socket.AF_INET, address)
            return address.rpartition(".")[0] + ".0/24"
        packed = socket.inet_pton(socket.AF_INET6, address)
    except (OSError, UnicodeEncodeError, ValueError):
        return None
    if packed[:12] == b"\0" * 10 + b"\xff\xff":  # IPv4, mapped into IPv6
        return socket.inet_ntop(socket.AF_INET, packed[12:]).rpartition(".")[0] + ".0/24"
    return socket.inet_ntop(socket.AF_INET6, packed[:8] + b"\0" * 8) + "/64"
