"""The tally as JSON, CSV and XLSX files with the same content."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
import xlsxwriter

from voting_service.contests.model import Contest, Phase
from voting_service.i18n.catalogues import load_catalogue
from voting_service.i18n.formatting import written_list, written_moment
from voting_service.i18n.text import Language
from voting_service.voting.tally.recount import (
    Count,
    Key,
    Recount,
    competition_ranks,
)

Cell = str | int | float

_FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠")
"""First characters that make a spreadsheet read a text as a formula (OWASP, CSV injection), with
the full-width forms that East Asian settings treat alike."""

_CHANGED_NUMBER = re.compile(r"[0-9]{16,}|0[0-9]+|[0-9]+[eE][0-9]+")
"""Of which Excel keeps 15 digits, drops the zeros in front, or makes a power of ten: of a million
hashes some hundred are written like this."""

UTF8_MARK = b"\xef\xbb\xbf"
_COUNTS = ("gross", "held", "void", "net")


@dataclass(frozen=True, slots=True)
class TallyTable:
    """A contest's tally by some keys. `unit` is what is counted: votes or ballots.

    By candidate alone, rows stand best first with `rank`, `share_percent` of all net votes and
    `in_cut`: yes, no, tied for the last places, or withdrawn, without a rank. By candidate and
    something else they have the candidate's rank in the whole contest.
    """

    contest: Contest
    phase: Phase
    as_of: datetime
    by: tuple[Key, ...]
    unit: str
    ballots: Count
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def tally_table(
    contest: Contest, recounted: Recount, by: Sequence[Key], now: datetime
) -> TallyTable:
    """Return the table of a recount by these keys. Pure."""
    ranking = tuple(by) == ("candidate",)
    columns, rows = _ranking(contest, recounted) if ranking else _groups(contest, recounted, by)
    return TallyTable(
        contest=contest,
        phase=contest.phase(now),
        as_of=recounted.as_of,
        by=tuple(by),
        unit="votes" if "candidate" in by else "ballots",
        ballots=recounted.ballots,
        columns=columns,
        rows=rows,
    )


def _figures(count: Count) -> tuple[int, int, int, int]:
    return count.gross, count.held, count.void, count.net


def _names(contest: Contest) -> dict[int, tuple[str, str]]:
    return {c.number: (c.name.zh, c.name.en) for c in contest.candidates}


_UNKNOWN = ("", "")


def _ranking(
    contest: Contest, recounted: Recount
) -> tuple[tuple[str, ...], tuple[tuple[Cell, ...], ...]]:
    counts = recounted.votes(contest.numbers)
    net = {n: count.net for n, count in counts.items() if n not in contest.withdrawn}
    ranks, names = competition_ranks(net), _names(contest)
    total = sum(count.net for count in counts.values())
    placed = in_cut(net, contest.rules.cut.size)
    rows = tuple(
        (
            ranks.get(number, ""),
            number,
            *names.get(number, _UNKNOWN),
            *_figures(counts[number]),
            round(100 * counts[number].net / total, 2) if total else 0.0,
            placed.get(number, "withdrawn"),
        )
        for number in sorted(counts, key=lambda n: (ranks.get(n, len(counts)), n))
    )
    head = ("rank", "candidate", "name_zh", "name_en", *_COUNTS, "share_percent", "in_cut")
    return head, rows


def in_cut(net: dict[int, int], size: int) -> dict[int, str]:
    """Return yes, no or tied by candidate; cut/ decides who of the tied advances."""
    best_first = sorted(net.values(), reverse=True)
    if size >= len(best_first):
        return dict.fromkeys(net, "yes")
    last_in, first_out = best_first[size - 1], best_first[size]
    return {
        number: "tied" if votes == last_in == first_out else ("yes" if votes >= last_in else "no")
        for number, votes in net.items()
    }


def _groups(
    contest: Contest, recounted: Recount, by: Sequence[Key]
) -> tuple[tuple[str, ...], tuple[tuple[Cell, ...], ...]]:
    head: tuple[str, ...] = (*by, *_COUNTS)
    groups = recounted.grouped(by)
    if "candidate" not in by:
        return head, tuple((*key, *_figures(count)) for key, count in groups)
    after, names = by.index("candidate") + 1, _names(contest)
    head = (*by[:after], "name_zh", "name_en", *by[after:], *_COUNTS, "rank")
    votes = recounted.votes(contest.numbers)
    ranks = competition_ranks({n: c.net for n, c in votes.items() if n not in contest.withdrawn})
    return head, tuple(
        (
            *key[:after],
            *names.get(int(key[after - 1]), _UNKNOWN),
            *key[after:],
            *_figures(count),
            ranks.get(int(key[after - 1]), ""),
        )
        for key, count in groups
    )


def _facts(table: TallyTable) -> dict[str, Any]:
    contest = table.contest
    return {
        "contest": contest.slug,
        "title": msgspec.to_builtins(contest.rules.title),
        "phase": table.phase,
        "as_of": table.as_of.astimezone(contest.zone).isoformat(),
        "cut_size": contest.rules.cut.size,
        "ballots": dict(zip(_COUNTS, _figures(table.ballots), strict=True)),
        "by": list(table.by),
        "unit": table.unit,
    }


def to_json(table: TallyTable) -> bytes:
    """Return facts, then one object per row; keys and rows always in the same order."""
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    encoded = msgspec.json.encode(_facts(table) | {"rows": rows})
    return msgspec.json.format(encoded, indent=1) + b"\n"


def safe_text(text: str) -> str:
    """Return the text, with an apostrophe in front if a spreadsheet would take it for a formula, or
    for a number that it changes."""
    is_taken = text.startswith(_FORMULA_STARTS) or _CHANGED_NUMBER.fullmatch(text)
    return f"'{text}" if is_taken else text


def to_csv(table: TallyTable, *, mark: bool) -> bytes:
    """Return RFC 4180 in UTF-8. `mark` adds the byte order mark that Excel needs."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    writer.writerow(table.columns)
    for row in table.rows:
        writer.writerow([safe_text(cell) if isinstance(cell, str) else cell for cell in row])
    return (UTF8_MARK if mark else b"") + stream.getvalue().encode()


def to_xlsx(table: TallyTable, reader: Language) -> bytes:
    """Return two sheets in the reader's language, the tally and its facts; texts never become
    formulas, links or numbers."""
    texts = load_catalogue("exports", reader)
    stream = io.BytesIO()
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(stream, options) as workbook:
        # The file's own date is that of its figures: the same figures, the same bytes.
        workbook.set_properties({"created": table.as_of.astimezone(UTC).replace(tzinfo=None)})
        bold = workbook.add_format({"bold": True})
        sheet = workbook.add_worksheet(texts["sheets"]["tally"])
        sheet.ignore_errors({"number_stored_as_text": "A1:Z1048576"})
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, len(table.rows), len(table.columns) - 1)
        sheet.set_column(0, len(table.columns) - 1, 14)
        _write_row(sheet, 0, [texts["columns"][name] for name in table.columns], bold)
        for place, row in enumerate(table.rows, start=1):
            marked = (*row[:-1], texts["in_cut"].get(row[-1], row[-1]))
            _write_row(sheet, place, marked if table.columns[-1] == "in_cut" else row)
        facts = workbook.add_worksheet(texts["sheets"]["facts"])
        facts.set_column(0, 1, 24)
        for place, fact in enumerate(_written_facts(table, texts, reader)):
            _write_row(facts, place, fact)
    return stream.getvalue()


def _written_facts(
    table: TallyTable, texts: Mapping[str, Any], reader: Language
) -> Iterator[tuple[Cell, ...]]:
    contest, names = table.contest, texts["facts"]
    yield names["title"], str(getattr(contest.rules.title, reader))
    yield names["contest"], contest.slug
    yield names["phase"], texts["phases"][table.phase]
    yield names["as_of"], written_moment(table.as_of, contest.zone, reader, seconds=True)
    yield names["cut_size"], contest.rules.cut.size
    yield names["by"], written_list([texts["key"][key] for key in table.by], reader)
    yield names["unit"], texts["units"][table.unit]
    for name, count in zip(_COUNTS, _figures(table.ballots), strict=True):
        yield names["ballots"].format(count=texts["columns"][name]), count


def _write_row(sheet: Any, place: int, row: Sequence[Cell], style: Any = None) -> None:
    for column, cell in enumerate(row):
        if isinstance(cell, str):
            sheet.write_string(place, column, cell, style)
        else:
            sheet.write_number(place, column, cell, style)
