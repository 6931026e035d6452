"""Key rotation: personal data under an older key is encrypted again with the first key."""

from __future__ import annotations

from collections.abc import Callable

from voting_service.infrastructure.postgres.pool import AnyConnection
from voting_service.nomination.privacy.encryption import PersonalKeys
from voting_service.nomination.retention.encrypted_columns import (
    ENCRYPTED_COLUMNS,
    EncryptedColumn,
)
from voting_service.nomination.retention.operator import Operator
from voting_service.nomination.retention.tables import disabled_triggers, load_tables
from voting_service.staff.audit_log.record import record

BATCH_ROWS = 20
"""Few, because a file may have twenty megabytes."""


async def rotate_keys(
    operator: Operator, progress: Callable[[int], None] = lambda _rows: None
) -> int:
    """Encrypt every value under an older key again and return how many there were; `progress` is
    called with the size of every batch of rows.

    It can be interrupted and started again. Raises Refused when no listed key opens a value.
    """
    connection = operator.connection
    tables = {table.name: table for table in await load_tables(connection)}
    rotated = 0
    for column in ENCRYPTED_COLUMNS:
        async with disabled_triggers(connection, [tables[column.table]]):
            rotated += await _rotate_column(connection, column, operator.keys, progress)
    await record(
        connection, operator.name, "personal_data_reencrypted", details={"values": rotated}
    )
    return rotated


async def _rotate_column(
    connection: AnyConnection,
    encrypted: EncryptedColumn,
    keys: PersonalKeys,
    progress: Callable[[int], None],
) -> int:
    rotated = 0
    path, column = f'nomination."{encrypted.table}"', f'"{encrypted.column}"'
    row_ids = await connection.fetch(f"select ctid from {path} where {column} is not null")
    for at in range(0, len(row_ids), BATCH_ROWS):
        batch = [row["ctid"] for row in row_ids[at : at + BATCH_ROWS]]
        rows = await connection.fetch(
            f"select row.ctid, row.{column} as value, {encrypted.label} as label "
            f"from {path} as row where row.ctid = any ($1::tid[])",
            batch,
        )
        for row in rows:
            if not keys.is_current(row["value"]):
                rotated_value = keys.encrypt(row["label"], keys.decrypt(row["label"], row["value"]))
                await connection.execute(
                    f"update {path} set {column} = $2 where ctid = $1", row["ctid"], rotated_value
                )
                rotated += 1
        progress(len(rows))
    return rotated
