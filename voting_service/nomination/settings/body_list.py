"""A list of recommending bodies and their officers from Excel: what each row would become. No I/O.

A row names a body and, where one is to be invited, an officer; a body with several officers has
several rows. A body that is there already is recognised by its Chinese name or its short name.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple, get_args

from voting_service.errors import Fault, InvalidInput
from voting_service.i18n import pinyin
from voting_service.i18n.catalogues import load_catalogue
from voting_service.i18n.text import LANGUAGES, Text, in_both
from voting_service.infrastructure.spreadsheets import Row, read_sheets
from voting_service.nomination.model import BodyKind, RecommendingBody
from voting_service.nomination.recommending_bodies import LISTED_BODIES
from voting_service.staff.accounts.invitations import MAX_NOTE_CHARACTERS

Column = Literal["kind", "name", "english", "slug", "officer"]
COLUMNS: tuple[Column, ...] = get_args(Column)
KINDS: tuple[BodyKind, ...] = get_args(BodyKind)
MAX_BODIES = 200
MAX_NAME_CHARACTERS = 60
_HEADING_ROWS = 10
SLUG = re.compile(r"[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?")


class ListedRow(NamedTuple):
    """A row as it would be stored: its body, whether that is new, the officer to invite ("" for
    none), and what is wrong, by column."""

    row: int
    slug: str
    kind: BodyKind
    name: Text
    is_new: bool
    officer: str
    faults: tuple[Fault, ...]


def read_body_list(content: bytes, bodies: Iterable[RecommendingBody]) -> Sequence[ListedRow]:
    """Return the rows of a workbook or CSV file. Raises InvalidInput for one that is no list of
    bodies, with every heading that is not known, or too long."""
    for sheet in read_sheets(content):
        for at, row in enumerate(sheet[:_HEADING_ROWS]):
            if "name" in (columns := _columns(row)).values():
                unknown = [cell for place, cell in enumerate(row) if cell and place not in columns]
                if unknown:
                    code = "nomination.settings.heading_unknown"
                    raise InvalidInput(*(Fault("list", code, heading=cell) for cell in unknown))
                return _read_rows(sheet, at, columns, {body.slug: body for body in bodies})
    raise InvalidInput(Fault("list", "nomination.settings.no_headings"))


def _columns(row: Row) -> Mapping[int, Column]:
    headings = {
        _plain(load_catalogue("selection_settings", reader)["columns"][column]): column
        for reader in LANGUAGES
        for column in COLUMNS
    }
    return {
        place: headings[_plain(cell)] for place, cell in enumerate(row) if _plain(cell) in headings
    }


def _read_rows(
    sheet: Sequence[Row],
    at: int,
    columns: Mapping[int, Column],
    stored: Mapping[str, RecommendingBody],
) -> Sequence[ListedRow]:
    rows = [
        (number, row) for number, row in enumerate(sheet, start=1) if any(row) and number > at + 1
    ]
    if not rows or len(rows) > MAX_BODIES:
        raise InvalidInput(Fault("list", "nomination.settings.list_length", limit=MAX_BODIES))
    listed: list[ListedRow] = []
    for number, row in rows:
        cells = {column: row[place] for place, column in columns.items() if place < len(row)}
        listed.append(_listed(number, cells, stored, listed))
    return listed


def _listed(
    number: int,
    cells: Mapping[Column, str],
    stored: Mapping[str, RecommendingBody],
    above: Sequence[ListedRow],
) -> ListedRow:
    zh, officer = cells.get("name", ""), cells.get("officer", "")
    slug = cells.get("slug", "") or _usual_slug(zh)
    there = next(
        (b for b in stored.values() if zh == b.name.zh or (not zh and slug == b.slug)), None
    )
    if there is not None:
        body = ListedRow(number, there.slug, there.kind, there.name, False, officer, ())
        return body._replace(faults=tuple(_officer_faults(body, above)))
    earlier = next((row for row in above if row.name.zh == zh), None)
    if earlier is not None:
        body = earlier._replace(row=number, is_new=False, officer=officer, faults=())
        return body._replace(faults=tuple(_officer_faults(body, above)))
    official = next((b for b in LISTED_BODIES if b.name.zh == zh), None)
    kind = _kind(cells.get("kind", "")) or ("district" if official else None)
    name = in_both(zh, cells.get("english", "") or (official.name.en if official else ""))
    body = ListedRow(number, slug, kind or "district", name, True, officer, ())
    faults = [*_body_faults(body, kind, stored, above), *_officer_faults(body, above)]
    return body._replace(faults=tuple(faults))


def _kind(cell: str) -> BodyKind | None:
    texts = [load_catalogue("nomination", reader)["bodies"] for reader in LANGUAGES]
    for kind in KINDS:
        if _plain(cell) in {_plain(kind), *(_plain(text[kind]) for text in texts)}:
            return kind
    return None


def _usual_slug(name: str) -> str:
    """Return the short name of one of the 41, else the name in pinyin."""
    for body in LISTED_BODIES:
        if body.name.zh == name:
            return body.slug
    letters = "".join(pinyin.syllables(name))
    return letters[:64]


def _body_faults(
    body: ListedRow,
    kind: BodyKind | None,
    stored: Mapping[str, RecommendingBody],
    above: Sequence[ListedRow],
) -> Iterator[Fault]:
    if kind is None:
        yield Fault("kind", "nomination.settings.body_kind")
    for column, text in (("name", body.name.zh), ("english", body.name.en)):
        if not 1 <= len(text) <= MAX_NAME_CHARACTERS or not text.isprintable():
            yield Fault(column, "nomination.settings.body_name", limit=MAX_NAME_CHARACTERS)
    if body.name.zh and not SLUG.fullmatch(body.slug):
        yield Fault("slug", "nomination.settings.body_slug")
    elif body.slug in stored or any(row.slug == body.slug and row.is_new for row in above):
        yield Fault("slug", "nomination.settings.body_slug_taken", slug=body.slug)


def _officer_faults(body: ListedRow, above: Sequence[ListedRow]) -> Iterator[Fault]:
    if len(body.officer) > MAX_NOTE_CHARACTERS or not body.officer.isprintable():
        yield Fault("officer", "nomination.settings.officer_length", limit=MAX_NOTE_CHARACTERS)
    for row in above:
        if body.officer and (row.slug, row.officer) == (body.slug, body.officer):
            yield Fault("officer", "nomination.settings.officer_twice", row=row.row)
            return


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(character for character in folded if character.isalnum())
