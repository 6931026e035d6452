"""The tally as a PDF for the people who decide: totals, line, charts, and where it comes from.

A pure function of contest and recount: the same recount gives the same bytes.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cache
from hashlib import sha256
from importlib import resources
from typing import Any

from babel.dates import format_date, format_datetime

from voting_service.contests.model import Contest, Language
from voting_service.tally.exports import tally_table, to_csv
from voting_service.tally.recount import Count, Key, Recount
from voting_service.typesetting.compile import typeset

NEIGHBOURS = 5
"""How many places on either side of the line are shown close up."""

Row = dict[str, Any]

_NAMES = ("gross", "held", "void", "net")
_LOCALES: Mapping[Language, str] = {"zh": "zh_Hans_CN", "en": "en_GB"}
_MOMENTS: Mapping[Language, str] = {"zh": "y年M月d日 HH:mm:ss", "en": "d MMMM y, HH:mm:ss"}
_SOURCES: Mapping[str, tuple[Key, ...]] = {
    "votes": ("hour", "platform", "candidate"),
    "ballots": ("hour", "platform"),
}


def tally_report(contest: Contest, recounted: Recount, language: Language) -> bytes:
    """The report as PDF. Raises MissingGlyphs when a name cannot be printed."""
    return typeset(__package__, "tally_report.typ", report_data(contest, recounted, language))


@cache
def texts(language: Language) -> Mapping[str, Any]:
    """What the report says in this language."""
    source = resources.files(__package__).joinpath(f"{language}.toml")
    return tomllib.loads(source.read_text(encoding="utf-8"))


def report_data(contest: Contest, recounted: Recount, language: Language) -> Row:
    """Everything the template prints; figures as whole numbers."""
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
    local = moment.astimezone(contest.zone)
    return format_datetime(local, _MOMENTS[language], locale=_LOCALES[language])


def _facts(contest: Contest, recounted: Recount, language: Language) -> list[tuple[str, str]]:
    words, ballot = texts(language), contest.rules.ballot
    choices = f"{ballot.min_choices}–{ballot.max_choices}"
    if ballot.min_choices == ballot.max_choices:
        choices = str(ballot.min_choices)
    window = words["window_text"].format(
        opens=_moment(contest, contest.opens_at, language),
        closes=_moment(contest, contest.closes_at, language),
        zone=words["zones"].get(contest.rules.time_zone, contest.rules.time_zone),
    )
    return [
        (words["contest"], contest.slug),
        (words["as_of"], _moment(contest, recounted.as_of, language)),
        (words["window"], window),
        (words["rule"], words["ballots_per"][ballot.every].format(choices=choices)),
        (words["state"], words["states"][contest.phase(recounted.as_of)]),
    ]


def _candidates(contest: Contest, recounted: Recount, language: Language) -> list[Row]:
    """Best first. A number that ballots name though it is no candidate's is shown as such."""
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
    """The state of things at the line, in a sentence."""
    cut, said = contest.rules.cut, words["line"]
    if cut.size >= len(rows):
        return str(said["none"].format(size=cut.size))
    last, after = rows[cut.size - 1], rows[cut.size]
    votes = f"{last['net']:,}"
    if last["net"] == after["net"]:
        above = sum(row["net"] > last["net"] for row in rows)
        tied = sum(row["net"] == last["net"] for row in rows)
        rule = words["tie_rules"][cut.tie]
        places = cut.size - above
        return str(
            said["tied"].format(
                size=cut.size, last_votes=votes, tied=tied, places=places, rule=rule
            )
        )
    return str(
        said["clear"].format(
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
    """The places next to the line, each with what it is ahead of the one below."""
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
    """Every day from the first ballot's to the last one's, those without a ballot too."""
    counted = {date.fromisoformat(str(day)): count for (day,), count in recounted.grouped(("day",))}
    if not counted:
        return []
    first, last = min(counted), max(counted)
    days = [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
    pattern = texts(language)["days"]["pattern"]
    return [
        {
            "label": format_date(day, pattern, locale=_LOCALES[language]),
            **_figures(counted.get(day, Count())),
        }
        for day in days
    ]


def _sources(contest: Contest, recounted: Recount, words: Mapping[str, Any]) -> list[Row]:
    """The two files from which every figure follows, as the command writes them."""
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
