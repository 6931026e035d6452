"""Restore of a selection from its archive, in another installation."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from voting_service.errors import Refused
from voting_service.infrastructure.postgres.pool import AnyConnection
from voting_service.nomination.backup.export import (
    BackupArchive,
    owned_tables,
    parse_values,
)
from voting_service.nomination.form.model import RecommendationForm
from voting_service.nomination.privacy.encryption import PersonalKeys
from voting_service.nomination.retention.encrypted_columns import (
    ENCRYPTED_COLUMNS,
    encrypted_column,
)
from voting_service.nomination.retention.operator import Operator
from voting_service.nomination.retention.tables import (
    SELECTIONS,
    DatabaseTable,
    disabled_triggers,
    load_tables,
)
from voting_service.staff.audit_log.record import record

_ACCOUNTS, _BODIES, _CONTESTS = "public.accounts", "nomination.bodies", "public.contests"


_PLACEHOLDER = b"\0"
"""Stands in an encrypted column until the row exists: the label contains the row's numbers."""


class _LocalIds(NamedTuple):
    """The numbers here of accounts and bodies, by table and number in the archive, and of the
    contest, if it exists here."""

    moved: Mapping[str, Mapping[int, int]]
    contest_id: int | None

    def values(self, table: DatabaseTable, values: Mapping[str, Any]) -> dict[str, Any]:
        local = dict(values)
        for column, parent in table.parents.items():
            if parent in self.moved and local[column] is not None:
                local[column] = self.moved[parent][local[column]]
            elif parent == _CONTESTS:
                local[column] = self.contest_id
        return local


async def restore(operator: Operator, archive: BackupArchive) -> int:
    """Restore a whole selection, or nothing; returns the number of rows.

    Accounts are matched by name; missing ones are created disabled, so that the record of who did
    what stays complete. Bodies are matched by slug. The contest is not part of the archive
    (`audit-export` holds it); it is linked when one with its slug exists here. Raises Refused when
    a row with the same number exists here.
    """
    connection, keys = operator.connection, operator.keys
    tables = await load_tables(connection)
    owned = owned_tables(tables, archive.manifest)
    restored = 0
    async with disabled_triggers(connection, owned):
        contest = await connection.fetchval(
            "select id from contests where slug = $1", archive.manifest.contest
        )
        here = _LocalIds(
            {
                _ACCOUNTS: await _accounts(connection, archive),
                _BODIES: await _bodies(connection, archive),
            },
            contest,
        )
        for table in owned:
            restored += await _insert(connection, archive, table, here)
            if table.name == SELECTIONS:
                await _approval_requests(connection, archive, here.moved[_ACCOUNTS])
        for table in owned:
            await _encrypt(connection, archive, table, here, keys)
            await _advance_sequences(connection, table)
        await _rehash_persons(connection, archive.manifest.slug, keys)
        await record(
            connection,
            operator.name,
            "restored",
            contest=archive.manifest.slug,
            subject="archive",
            details={"rows": restored},
        )
    return restored


async def _accounts(connection: AnyConnection, archive: BackupArchive) -> Mapping[int, int]:
    """Return the account numbers here by those in the archive."""
    moved = {}
    for row in archive.rows("accounts"):
        local_id = await connection.fetchval("select id from accounts where name = $1", row["name"])
        if local_id is None:
            local_id = await connection.fetchval(
                "insert into accounts (name, role, password_hash, wrapped_totp_secret, disabled, "
                "created_at) values ($1, $2, 'none', $3, true, $4::text::timestamptz) returning id",
                row["name"],
                row["role"],
                secrets.token_bytes(48),
                row["created_at"],
            )
        moved[row["id"]] = local_id
    return moved


async def _bodies(connection: AnyConnection, archive: BackupArchive) -> Mapping[int, int]:
    """Return the body numbers here by those in the archive."""
    moved = {}
    for row in archive.rows("bodies"):
        local_id = await connection.fetchval(
            "select id from nomination.bodies where slug = $1", row["slug"]
        )
        if local_id is None:
            local_id = await connection.fetchval(
                "insert into nomination.bodies (slug, kind, name) values ($1, $2, $3) returning id",
                row["slug"],
                row["kind"],
                row["name"],
            )
        moved[row["id"]] = local_id
    return moved


_DECISION_TYPES = {
    "proposed_at": "timestamptz",
    "approved_at": "timestamptz",
    "declined_at": "timestamptz",
}


async def _approval_requests(
    connection: AnyConnection, archive: BackupArchive, accounts: Mapping[int, int]
) -> None:
    """Insert the approvals that are missing here; existing ones are never changed or deleted."""
    await connection.execute("alter table approval_requests disable trigger user")
    for row in archive.rows("approval_requests"):
        values = parse_values(row, dict.fromkeys(row, "") | _DECISION_TYPES)
        for column in ("proposed_by", "approved_by", "declined_by"):
            values[column] = accounts.get(values[column])
        here = await connection.fetchrow(
            "select payload_hash from approval_requests where id = $1", values["id"]
        )
        if here is not None and here["payload_hash"] != values["payload_hash"]:
            raise _in_use("approval_requests", values["id"])
        if here is None:
            await _insert_row(connection, "approval_requests", values)
    await connection.execute("alter table approval_requests enable trigger user")
    await connection.execute(
        "select setval(pg_get_serial_sequence('approval_requests', 'id'), greatest((select max(id) "
        "from approval_requests), 1))"
    )


def _in_use(table: str, number: object) -> Refused:
    return Refused("nomination.backup.number_in_use", number=number, table=table)


async def _insert(
    connection: AnyConnection, archive: BackupArchive, table: DatabaseTable, here: _LocalIds
) -> int:
    rows = 0
    for row in archive.rows(table.name):
        values = here.values(table, parse_values(row, table.types))
        for encrypted in ENCRYPTED_COLUMNS:
            if encrypted.table == table.name and values[encrypted.column] is not None:
                values[encrypted.column] = _PLACEHOLDER
        condition = " and ".join(f'"{key}" = ${at}' for at, key in enumerate(table.key, 1))
        if await connection.fetchval(
            f"select true from {table.path} where {condition}",
            *(values[key] for key in table.key),
        ):
            raise _in_use(table.name, " ".join(str(values[key]) for key in table.key))
        await _insert_row(connection, table.path, values)
        rows += 1
    return rows


async def _insert_row(connection: AnyConnection, path: str, values: Mapping[str, Any]) -> None:
    columns = ", ".join(f'"{name}"' for name in values)
    places = ", ".join(f"${at}" for at in range(1, len(values) + 1))
    await connection.execute(
        f"insert into {path} ({columns}) overriding system value values ({places})",
        *values.values(),
    )


async def _encrypt(
    connection: AnyConnection,
    archive: BackupArchive,
    table: DatabaseTable,
    here: _LocalIds,
    keys: PersonalKeys,
) -> None:
    """Encrypt the contents under the labels that the rows have here."""
    condition = " and ".join(f'row."{key}" = ${at}' for at, key in enumerate(table.key, 1))
    for encrypted in (column for column in ENCRYPTED_COLUMNS if column.table == table.name):
        for row in archive.rows(table.name):
            values = parse_values(row, table.types)
            if values[encrypted.column] is None:
                continue
            local = here.values(table, values)
            place = [local[key] for key in table.key]
            label = await connection.fetchval(
                f"select {encrypted.label} from {table.path} as row where {condition}", *place
            )
            await connection.execute(
                f'update {table.path} as row set "{encrypted.column}" = ${len(place) + 1} '
                f"where {condition}",
                *place,
                keys.encrypt(label, values[encrypted.column]),
            )


async def _rehash_persons(connection: AnyConnection, slug: str, keys: PersonalKeys) -> None:
    """Compute the hashes of persons again: they depend on the installation's own key."""
    encrypted = encrypted_column("recommendations")
    rows = await connection.fetch(
        f"select row.id, row.form, row.person_hash, {encrypted.label} as label "
        "from nomination.recommendations as row "
        "join nomination.selections s on s.id = row.selection_id "
        "where s.slug = $1 and row.person_hash is not null",
        slug,
    )
    for row in rows:
        number = msgspec.json.decode(
            keys.decrypt(row["label"], row["form"]), type=RecommendationForm
        ).id_number
        if not number:
            continue
        person_hash = keys.person_hash(number)
        for statement in (
            "update nomination.recommendations set person_hash = $2 where id = $1 "
            "and $3::bytea is not null",
            "update nomination.submissions set person_hash = $2 where recommendation_id = $1 "
            "and person_hash = $3",
            "update nomination.earlier_winners set person_hash = $2 where person_hash = $3 "
            "and $1::integer is not null",
        ):
            await connection.execute(statement, row["id"], person_hash, row["person_hash"])


async def _advance_sequences(connection: AnyConnection, table: DatabaseTable) -> None:
    """Advance the sequences behind the restored numbers."""
    for column in table.key:
        sequence = await connection.fetchval(
            "select pg_get_serial_sequence($1, $2)", table.path, column
        )
        if sequence is not None:
            await connection.execute(
                f'select setval($1::regclass, greatest((select max("{column}") '
                f"from {table.path}), 1))",
                sequence,
            )
