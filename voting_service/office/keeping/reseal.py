"""A new key for personal data: whatever an older key sealed is sealed anew with the first one."""

from __future__ import annotations

from collections.abc import Callable

from voting_service.journal.record import record
from voting_service.office.keeping.sealed_columns import SEALED, SealedColumn
from voting_service.office.keeping.tables import load_tables, without_guards
from voting_service.office.sealing import PersonalKeys
from voting_service.storage.postgres import AnyConnection

BATCH_ROWS = 20
"""Files are up to some twenty megabytes each."""


async def reseal(
    connection: AnyConnection,
    keys: PersonalKeys,
    actor: str,
    progress: Callable[[int], None] = lambda _rows: None,
) -> int:
    """How many values were sealed anew; `progress` is told of every batch of rows looked at.

    As the tables' owner; stopped half-way it is simply begun again. Raises Refused when a value
    opens with no listed key.
    """
    known = {table.name: table for table in await load_tables(connection)}
    renewed = 0
    for sealed in SEALED:
        async with without_guards(connection, [known[sealed.table]]):
            renewed += await _reseal_column(connection, sealed, keys, progress)
    await record(connection, actor, "personal_data_resealed", details={"values": renewed})
    return renewed


async def _reseal_column(
    connection: AnyConnection,
    sealed: SealedColumn,
    keys: PersonalKeys,
    progress: Callable[[int], None],
) -> int:
    renewed = 0
    path, column = f'office."{sealed.table}"', f'"{sealed.column}"'
    places = await connection.fetch(f"select ctid from {path} where {column} is not null")
    for at in range(0, len(places), BATCH_ROWS):
        batch = [row["ctid"] for row in places[at : at + BATCH_ROWS]]
        rows = await connection.fetch(
            f"select row.ctid, row.{column} as value, {sealed.label} as label "
            f"from {path} as row where row.ctid = any ($1::tid[])",
            batch,
        )
        for row in rows:
            if not keys.is_current(row["value"]):
                fresh = keys.seal(row["label"], keys.open(row["label"], row["value"]))
                await connection.execute(
                    f"update {path} set {column} = $2 where ctid = $1", row["ctid"], fresh
                )
                renewed += 1
        progress(len(rows))
    return renewed
