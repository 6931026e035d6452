"""The tally as a PDF for decision makers: totals, cut-off, charts and source data.

A pure function of contest and recount: the same recount gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any

from babel.dates import format_date

from voting_service.contests.model import Contest
from voting_service.i18n.catalogues import load_catalogue
from voting_service.i18n.formatting import LOCALES, written_moment, written_zone
from voting_service.i18n.text import Language
from voting_service.infrastructure.typesetting.compiler import typeset
from voting_service.voting.tally.exports import tally_table, to_csv
from voting_service.voting.tally.recount import (
    Count,
    Key,
    Recount,
)

NEIGHBOURS = 5
"""How many places on either side of the cut-off are shown in detail."""

Row = dict[str, Any]

_NAMES = ("gross", "held", "void", "net")
_SOURCES: Mapping[str, tuple[Key, ...]] = {
    "votes": ("hour", "platform", "candidate"),
    "ballots": ("hour", "platform"),
}


def tally_report(contest: Contest, recounted: Recount, language: Language) -> bytes:
    """Return the report as PDF."""
    return typeset(__package__, "tally_report.typ", report_data(contest, recounted, language))


def texts(language: Language) -> Mapping[str, Any]:
    """Return the texts of the report in this language."""
    return load_catalogue("tally_report", language)


def report_data(contest: Contest, recounted: Recount, language: Language) -> Row:
    """Return the data of the template; figures as whole numbers."""
    words, rows = texts(language), _candidates(contest, recounted, language)
    size = contest.rules.cut.size
    has_line = size < len(rows)
    return {
        "language": language,
        "words": words,
        "contest": getattr(contest.rules.title, language),
        "slug": contest.slug,
        "as_of": _moment(contest, recounted.as_of, language),
        "facts": _facts(contest, recounted, language),
        "ballots": _figures(recounted.ballots),
        "votes": {name: sum(row[name] for row in rows) for name in _NAMES},
        "line": {
            "heading": words["line"]["heading"].format(size=size),
            "words": _line(contest, rows, words),
            "held": _held(recounted.ballots, words),
            "chart": words["line"]["chart"].format(size=size),
            "after": size if has_line else None,
            "around": _around(rows, size) if has_line else [],
        },
        "candidates": rows,
        "days": _days(recounted, language),
        "platforms": [
            {"name": str(platform), **_figures(count)}
            for (platform,), count in recounted.grouped(("platform",))
        ],
        "sources": _sources(contest, recounted, words),
    }


def _figures(count: Count) -> dict[str, int]:
    return {name: getattr(count, name) for name in _NAMES}


def _moment(contest: Contest, moment: datetime, language: Language) -> str:
    return written_moment(moment, contest.zone, language, seconds=True)


def _facts(contest: Contest, recounted: Recount, language: Language) -> list[tuple[str, str]]:
    words, ballot = texts(language), contest.rules.ballot
    choices = f"{ballot.min_choices}–{ballot.max_choices}"
    if ballot.min_choices == ballot.max_choices:
        choices = str(ballot.min_choices)
    window = words["window_text"].format(
        opens=_moment(contest, contest.opens_at, language),
        closes=_moment(contest, contest.closes_at, language),
        zone=written_zone(contest.closes_at, contest.zone, language),
    )
    return [
        (words["contest"], contest.slug),
        (words["as_of"], _moment(contest, recounted.as_of, language)),
        (words["window"], window),
        (words["rule"], words["ballots_per"][ballot.every].format(choices=choices)),
        (words["state"], words["states"][contest.phase(recounted.as_of)]),
    ]


def _candidates(contest: Contest, recounted: Recount, language: Language) -> list[Row]:
    """Return rows, best first; numbers that are not candidates are marked as such."""
    table = tally_table(contest, recounted, ("candidate",), recounted.as_of)
    words = texts(language)["candidates"]
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    return [
        {
            **row,
            "name": row[f"name_{language}"] or words["stranger"],
            "number": row["candidate"],
            "share": f"{row['share_percent']:.2f}%",
            "mark": words["marks"][row["in_cut"]],
        }
        for row in rows
    ]


def _line(contest: Contest, rows: Sequence[Row], words: Mapping[str, Any]) -> str:
    """Return the state of the cut-off as a sentence."""
    cut, line_texts = contest.rules.cut, words["line"]
    rows = [row for row in rows if row["in_cut"] != "withdrawn"]
    if cut.size >= len(rows):
        return str(line_texts["none"].format(size=cut.size))
    last, after = rows[cut.size - 1], rows[cut.size]
    votes = f"{last['net']:,}"
    if last["net"] == after["net"]:
        above = sum(row["net"] > last["net"] for row in rows)
        tied = sum(row["net"] == last["net"] for row in rows)
        rule = words["tie_rules"][cut.tie]
        places = cut.size - above
        return str(
            line_texts["tied"].format(
                size=cut.size, last_votes=votes, tied=tied, places=places, rule=rule
            )
        )
    return str(
        line_texts["clear"].format(
            size=cut.size,
            last=last["name"],
            last_number=last["number"],
            last_votes=votes,
            margin=f"{last['net'] - after['net']:,}",
            next_place=cut.size + 1,
            next=after["name"],
            next_number=after["number"],
        )
    )


def _held(ballots: Count, words: Mapping[str, Any]) -> str:
    return words["line"]["held"].format(held=f"{ballots.held:,}") if ballots.held else ""


def _around(rows: Sequence[Row], size: int) -> list[Row]:
    """Return the places next to the cut-off, each with its lead over the next."""
    first, end = max(0, size - NEIGHBOURS), min(len(rows), size + NEIGHBOURS)
    return [
        {
            "place": place + 1,
            "last_in": place + 1 == size,
            "number": rows[place]["number"],
            "name": rows[place]["name"],
            "net": rows[place]["net"],
            "held": rows[place]["held"],
            "ahead": rows[place]["net"] - rows[place + 1]["net"] if place + 1 < len(rows) else None,
        }
        for place in range(first, end)
    ]


def _days(recounted: Recount, language: Language) -> list[Row]:
    """Return every day from the first to the last ballot, including empty ones."""
    counted = {date.fromisoformat(str(day)): count for (day,), count in recounted.grouped(("day",))}
    if not counted:
        return []
    first, last = min(counted), max(counted)
    days = [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
    pattern = texts(language)["days"]["pattern"]
    return [
        {
            "label": format_date(day, pattern, locale=LOCALES[language]),
            **_figures(counted.get(day, Count())),
        }
        for day in days
    ]


def _sources(contest: Contest, recounted: Recount, words: Mapping[str, Any]) -> list[Row]:
    """Return the two files that contain all figures, with the commands that write them."""
    return [
        {
            "what": words["sources"][what],
            "command": f"voting-service tally {contest.slug} --format csv "
            + " ".join(f"--by {key}" for key in keys)
            + " | sha256sum",
            "sha256": sha256(
                to_csv(tally_table(contest, recounted, keys, recounted.as_of), mark=False)
            ).hexdigest(),
        }
        for what, keys in _SOURCES.items()
    ]
