"""The standings for newspapers: a table for spreadsheets, and a chart to embed.

Both leave the districts out: votes must not become their appraisal.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from voting_service.contests.model import Contest
from voting_service.errors import NotFound
from voting_service.i18n.formatting import written_zone
from voting_service.i18n.text import Language
from voting_service.sites.public.rendering import fitting_size, texts
from voting_service.voting.tally.exports import UTF8_MARK, safe_text
from voting_service.voting.tally.standings import Standings, cut_line

_ROW = 34
_TOP = 112
_NAME_WIDTH, _BAR_WIDTH = 230, 330


def require_counts(standings: Standings) -> None:
    """Raises NotFound while the release schedule hides the counts."""
    if standings.candidates is None:
        raise NotFound("sites.public.caches.counts_not_public")


def standings_csv(contest: Contest, standings: Standings, language: Language) -> bytes:
    """Return RFC 4180 in UTF-8, with the mark by which Excel knows it, and a first row in the
    reader's language; the withdrawn come last, without a rank. Raises NotFound."""
    require_counts(standings)
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    writer.writerow(safe_text(cell) for cell in _head(contest, standings, language))
    for row in _rows(contest, standings, language):
        writer.writerow(safe_text(cell) if isinstance(cell, str) else cell for cell in row)
    return UTF8_MARK + stream.getvalue().encode()


def _head(contest: Contest, standings: Standings, language: Language) -> list[str]:
    columns = texts(language)["standings"]["columns"]
    zone = written_zone(standings.as_of or contest.opens_at, contest.zone, language)
    return [columns[name].format(zone=zone) for name in _COLUMNS]


_COLUMNS = ("rank", "number", "name", "trade", "votes", "gap", "change", "since", "as_of", "note")


def _rows(
    contest: Contest, standings: Standings, language: Language
) -> Iterator[tuple[str | int, ...]]:
    facts = {
        c.number: (getattr(c.name, language), getattr(c.trade, language))
        for c in contest.candidates
    }
    candidates = standings.candidates or ()
    line = cut_line(candidates, contest.rules.cut.size)
    since, as_of = (_local(contest, m) for m in (standings.compared_with, standings.as_of))
    for standing in candidates:
        gap = "" if line is None else line.gap(standing.votes)
        change = "" if standing.change is None else standing.change
        number, votes = standing.number, standing.votes
        yield (standing.rank or "", number, *facts[number], votes, gap, change, since, as_of, "")
    note = texts(language)["standings"]["withdrawn"]
    for out in standings.withdrawn:
        yield ("", out.number, *facts[out.number], out.votes, "", "", since, as_of, note)


def _local(contest: Contest, moment: datetime | None) -> str:
    """Return a moment as spreadsheets read it."""
    return "" if moment is None else f"{moment.astimezone(contest.zone):%Y-%m-%d %H:%M:%S}"


class ChartRow(NamedTuple):
    """A candidate in the chart, and where the row stands."""

    y: int
    rank: str
    name: str
    name_size: int
    bar: int
    votes: int
    is_inside: bool


class Chart(NamedTuple):
    """The rows of the chart, its height, and where the line is; None where none is drawn."""

    rows: list[ChartRow]
    height: int
    line_y: int | None


def standings_chart(contest: Contest, standings: Standings, language: Language) -> Chart:
    """Return the chart of the standings. Raises NotFound."""
    require_counts(standings)
    names = {c.number: getattr(c.name, language) for c in contest.candidates}
    candidates = standings.candidates or ()
    size = contest.rules.cut.size
    line = cut_line(candidates, size)
    is_drawn = line is not None and line.is_drawn
    most = max(1, *(standing.votes for standing in candidates)) if candidates else 1
    rows = []
    for place, standing in enumerate(candidates):
        name = f"{standing.number:02d} {names[standing.number]}"
        rows.append(
            ChartRow(
                y=_TOP + _ROW * (place + (is_drawn and place >= size)),
                rank=str(standing.rank or "–"),
                name=name,
                name_size=fitting_size(name, _NAME_WIDTH, 17),
                bar=round(standing.votes * _BAR_WIDTH / most),
                votes=standing.votes,
                is_inside=not is_drawn or place < size,
            )
        )
    return Chart(
        rows, _TOP + _ROW * (len(rows) + is_drawn) + 40, _TOP + _ROW * size if is_drawn else None
    )
