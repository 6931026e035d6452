"""Erasing personal data once a selection is over.

Of those who were not chosen nothing stays but that there was a recommendation; of the chosen what
was made public, and the hash by which an earlier winner is known. The journal and the decisions
stay as they are: they hold no personal data.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

from voting_service.errors import Refused
from voting_service.journal.record import record
from voting_service.office.form import Form
from voting_service.office.keeping.sealed_columns import SEALED, SealedColumn
from voting_service.office.keeping.tables import belonging, load_tables, without_guards
from voting_service.office.model import Selection
from voting_service.office.sealing import PersonalKeys
from voting_service.storage.postgres import AnyConnection

KEPT_FOR = timedelta(days=365)
"""After the close of recommending: the result, objections and the report need the papers."""
KEPT_FIELDS = ("name", "trade", "employer", "industry", "chain")
"""What of a form was published, and stays."""


async def erase(
    connection: AnyConnection, selection: Selection, keys: PersonalKeys, actor: str, now: datetime
) -> dict[str, int]:
    """How many values of each table were erased. As the tables' owner; cannot be undone.

    Raises Refused before KEPT_FOR is over.
    """
    earliest = selection.closes_at + KEPT_FOR
    if now < earliest:
        raise Refused(
            f"the papers of {selection.slug} are kept until {earliest:%Y-%m-%d}: objections and "
            "the report may need them",
            zh=f"{selection.slug} 的材料须保存至 {earliest:%Y-%m-%d}。",
        )
    erased: dict[str, int] = {}
    tables = await load_tables(connection)
    owned = belonging(tables)
    async with without_guards(connection, tables):
        for sealed in SEALED:
            if sealed.once_over != "kept":
                erased[sealed.table] = await _erase(connection, sealed, owned, selection, keys)
        # Whoever an objection removed was in a notice, and in nothing after it.
        await connection.execute(
            "delete from office.profiles p using office.picks c where c.selection_id = $1 "
            "and c.recommendation_id = p.recommendation_id and c.removed_by is not null",
            selection.id,
        )
        erased["submissions"] = await _empty_submissions(connection, selection, keys)
        erased["recommendations"] = await _reduce_forms(connection, selection, keys)
        await record(
            connection, actor, "personal_data_erased", contest=selection.slug, details=erased
        )
    return erased


async def _erase(
    connection: AnyConnection,
    sealed: SealedColumn,
    owned: Mapping[str, str],
    selection: Selection,
    keys: PersonalKeys,
) -> int:
    """Deletes or empties one column's values; how many."""
    path, mine = f'office."{sealed.table}"', owned[sealed.table]
    if sealed.once_over == "deleted":
        done = await connection.execute(f"delete from {path} where {mine}", selection.id)
        return int(done.split()[-1])
    rows = await connection.fetch(
        f"select row.ctid, {sealed.label} as label from {path} as row where {mine}", selection.id
    )
    for row in rows:
        await connection.execute(
            f'update {path} set "{sealed.column}" = $2 where ctid = $1',
            row["ctid"],
            keys.seal(row["label"], b""),
        )
    return len(rows)


async def _empty_submissions(
    connection: AnyConnection, selection: Selection, keys: PersonalKeys
) -> int:
    (sealed,) = (each for each in SEALED if each.table == "submissions")
    rows = await connection.fetch(
        f"select row.id, {sealed.label} as label from office.submissions as row "
        "join office.recommendations r on r.id = row.recommendation_id where r.selection_id = $1",
        selection.id,
    )
    for row in rows:
        await connection.execute(
            "update office.submissions set form = $2, person_hash = decode(repeat('00', 32), "
            "'hex') where id = $1",
            row["id"],
            keys.seal(row["label"], msgspec.json.encode(Form())),
        )
    return len(rows)


async def _reduce_forms(connection: AnyConnection, selection: Selection, keys: PersonalKeys) -> int:
    """Leaves of the chosen what was published, of the others an empty form."""
    (sealed,) = (each for each in SEALED if each.table == "recommendations")
    rows = await connection.fetch(
        f"select row.id, row.form, {sealed.label} as label, exists (select 1 from office.picks p "
        "where p.recommendation_id = row.id and p.removed_by is null) as chosen "
        "from office.recommendations as row where row.selection_id = $1",
        selection.id,
    )
    for row in rows:
        reduced = Form()
        if row["chosen"]:
            whole = msgspec.json.decode(keys.open(row["label"], row["form"]), type=Form)
            reduced = Form(**{name: getattr(whole, name) for name in KEPT_FIELDS})
        await connection.execute(
            "update office.recommendations set form = $2, person_hash = null where id = $1",
            row["id"],
            keys.seal(row["label"], msgspec.json.encode(reduced)),
        )
    return len(rows)
