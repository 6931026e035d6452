"""Erasing personal data once a selection is over.

Of people who were not shortlisted, only the fact of a recommendation is kept; of the shortlisted,
what was made public, and the hash that identifies an earlier winner. The audit log and the
approvals stay as they are: they hold no personal data.
"""

from __future__ import annotations

from datetime import timedelta

import msgspec

from voting_service.errors import Refused
from voting_service.infrastructure.postgres.pool import AnyConnection
from voting_service.nomination.form.model import RecommendationForm
from voting_service.nomination.model import Selection
from voting_service.nomination.privacy.encryption import PersonalKeys
from voting_service.nomination.retention.encrypted_columns import (
    ENCRYPTED_COLUMNS,
    EncryptedColumn,
    encrypted_column,
)
from voting_service.nomination.retention.operator import Operator
from voting_service.nomination.retention.tables import (
    disabled_triggers,
    load_tables,
    owned_rows,
)
from voting_service.staff.audit_log.record import record

KEPT_FOR = timedelta(days=365)
"""After recommendations close: the result, objections and the report need the documents."""
KEPT_FIELDS = ("name", "trade", "employer", "industry", "chain")
"""The fields of a form that were published, and are kept."""


async def erase(operator: Operator, selection: Selection) -> dict[str, int]:
    """Erase personal data for good and return how many values of each table were erased.

    Raises Refused before KEPT_FOR is over.
    """
    connection, keys = operator.connection, operator.keys
    earliest = selection.closes_at + KEPT_FOR
    if operator.now < earliest:
        raise Refused(
            "nomination.retention.kept_until",
            slug=selection.slug,
            earliest=earliest,
        )
    erased: dict[str, int] = {}
    tables = await load_tables(connection)
    owned = owned_rows(tables)
    async with disabled_triggers(connection, tables):
        for column in ENCRYPTED_COLUMNS:
            if column.on_erasure != "kept":
                condition = owned[column.table]
                erased[column.table] = await _erase_column(
                    connection, column, condition, selection, keys
                )
        # People removed after an objection were in a notice only; their profiles were never public.
        await connection.execute(
            "delete from nomination.profiles p using nomination.shortlist_entries c "
            "where c.selection_id = $1 and c.recommendation_id = p.recommendation_id "
            "and c.removed_by is not null",
            selection.id,
        )
        erased["submissions"] = await _empty_submissions(connection, selection, keys)
        erased["recommendations"] = await _reduce_forms(connection, selection, keys)
        await record(
            connection,
            operator.name,
            "personal_data_erased",
            contest=selection.slug,
            details=erased,
        )
    return erased


async def _erase_column(
    connection: AnyConnection,
    column: EncryptedColumn,
    condition: str,
    selection: Selection,
    keys: PersonalKeys,
) -> int:
    """Delete or empty the values of a column and return how many."""
    path = f'nomination."{column.table}"'
    if column.on_erasure == "deleted":
        status = await connection.execute(f"delete from {path} where {condition}", selection.id)
        return int(status.split()[-1])
    rows = await connection.fetch(
        f"select row.ctid, {column.label} as label from {path} as row "
        f'where {condition} and "{column.column}" is not null',
        selection.id,
    )
    for row in rows:
        await connection.execute(
            f'update {path} set "{column.column}" = $2 where ctid = $1',
            row["ctid"],
            keys.encrypt(row["label"], b""),
        )
    return len(rows)


async def _empty_submissions(
    connection: AnyConnection, selection: Selection, keys: PersonalKeys
) -> int:
    column = encrypted_column("submissions")
    rows = await connection.fetch(
        f"select row.id, {column.label} as label from nomination.submissions as row "
        "join nomination.recommendations r on r.id = row.recommendation_id "
        "where r.selection_id = $1",
        selection.id,
    )
    for row in rows:
        await connection.execute(
            "update nomination.submissions set form = $2, person_hash = decode(repeat('00', 32), "
            "'hex') where id = $1",
            row["id"],
            keys.encrypt(row["label"], msgspec.json.encode(RecommendationForm())),
        )
    return len(rows)


async def _reduce_forms(connection: AnyConnection, selection: Selection, keys: PersonalKeys) -> int:
    """Reduce the forms of the shortlisted to what was published, and empty the others."""
    column = encrypted_column("recommendations")
    rows = await connection.fetch(
        f"select row.id, row.form, {column.label} as label, "
        "exists (select 1 from nomination.shortlist_entries p "
        "where p.recommendation_id = row.id and p.removed_by is null) as chosen "
        "from nomination.recommendations as row where row.selection_id = $1",
        selection.id,
    )
    for row in rows:
        reduced = RecommendationForm()
        if row["chosen"]:
            form = msgspec.json.decode(
                keys.decrypt(row["label"], row["form"]), type=RecommendationForm
            )
            reduced = RecommendationForm(**{name: getattr(form, name) for name in KEPT_FIELDS})
        await connection.execute(
            "update nomination.recommendations set form = $2, person_hash = null where id = $1",
            row["id"],
            keys.encrypt(row["label"], msgspec.json.encode(reduced)),
        )
    return len(rows)
