"""Takes the archive of a selection in again, in another installation."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from voting_service.errors import Refused
from voting_service.journal.record import record
from voting_service.office.form import Form
from voting_service.office.keeping.archive import (
    Archive,
    owned_tables,
    values_of,
)
from voting_service.office.keeping.sealed_columns import SEALED
from voting_service.office.keeping.tables import SELECTIONS, Table, load_tables, without_guards
from voting_service.office.sealing import PersonalKeys
from voting_service.storage.postgres import AnyConnection

_ACCOUNTS, _BODIES, _CONTESTS = "public.accounts", "office.bodies", "public.contests"


_NOT_YET = b"\0"
"""In the place of what is sealed once the row is there: its label takes the row's numbers."""


class _Here(NamedTuple):
    """What has other numbers here: accounts and bodies by theirs in the archive, and the contest
    of the vote, if it is here."""

    moved: Mapping[str, Mapping[int, int]]
    contest_id: int | None

    def values(self, table: Table, values: Mapping[str, Any]) -> dict[str, Any]:
        found = dict(values)
        for column, parent in table.parents.items():
            if parent in self.moved and found[column] is not None:
                found[column] = self.moved[parent][found[column]]
            elif parent == _CONTESTS:
                found[column] = self.contest_id
        return found


async def restore(
    connection: AnyConnection,
    archive: Archive,
    keys: PersonalKeys,
    *,
    actor: str,
) -> int:
    """How many rows came in. Everything or nothing; as the tables' owner.

    People are found by name; who has no account here gets a disabled one, so that the record says
    who did what. Bodies are found by their short name. The contest of the vote is not part of it
    (`audit-export` keeps that) and is linked again when one of its slug is here. Raises Refused
    when a row of the same number is here already.
    """
    tables = await load_tables(connection)
    owned = owned_tables(tables, archive.manifest)
    restored = 0
    async with without_guards(connection, owned):
        contest = await connection.fetchval(
            "select id from contests where slug = $1", archive.manifest.contest
        )
        here = _Here(
            {
                _ACCOUNTS: await _accounts(connection, archive),
                _BODIES: await _bodies(connection, archive),
            },
            contest,
        )
        for table in owned:
            restored += await _insert(connection, archive, table, here)
            if table.name == SELECTIONS:
                await _decisions(connection, archive, here.moved[_ACCOUNTS])
        for table in owned:
            await _seal(connection, archive, table, here, keys)
            await _advance(connection, table)
        await _hash_persons_anew(connection, archive.manifest.slug, keys)
        await record(
            connection, actor, "restored", contest=archive.manifest.slug, subject="archive",
            details={"rows": restored},
        )  # fmt: skip
    return restored


async def _accounts(connection: AnyConnection, archive: Archive) -> Mapping[int, int]:
    """From the numbers in the archive to those here."""
    moved = {}
    for row in archive.rows("accounts"):
        found = await connection.fetchval("select id from accounts where name = $1", row["name"])
        if found is None:
            found = await connection.fetchval(
                "insert into accounts (name, role, password_hash, wrapped_totp_secret, disabled, "
                "created_at) values ($1, $2, 'none', $3, true, $4::text::timestamptz) returning id",
                row["name"],
                row["role"],
                secrets.token_bytes(48),
                row["created_at"],
            )
        moved[row["id"]] = found
    return moved


async def _bodies(connection: AnyConnection, archive: Archive) -> Mapping[int, int]:
    moved = {}
    for row in archive.rows("bodies"):
        found = await connection.fetchval(
            "select id from office.bodies where slug = $1", row["slug"]
        )
        if found is None:
            found = await connection.fetchval(
                "insert into office.bodies (slug, kind, name) values ($1, $2, $3) returning id",
                row["slug"],
                row["kind"],
                row["name"],
            )
        moved[row["id"]] = found
    return moved


_DECISION_TYPES = {
    "proposed_at": "timestamptz", "approved_at": "timestamptz", "declined_at": "timestamptz",
}  # fmt: skip


async def _decisions(
    connection: AnyConnection, archive: Archive, accounts: Mapping[int, int]
) -> None:
    """Decisions that are here already are left as they are: none is ever taken away."""
    await connection.execute("alter table decisions disable trigger user")
    for row in archive.rows("decisions"):
        values = values_of(row, dict.fromkeys(row, "") | _DECISION_TYPES)
        for column in ("proposed_by", "approved_by", "declined_by"):
            values[column] = accounts.get(values[column])
        here = await connection.fetchrow(
            "select payload_hash from decisions where id = $1", values["id"]
        )
        if here is not None and here["payload_hash"] != values["payload_hash"]:
            raise _in_use("decisions", values["id"])
        if here is None:
            await _insert_row(connection, "decisions", values)
    await connection.execute("alter table decisions enable trigger user")
    await connection.execute(
        "select setval(pg_get_serial_sequence('decisions', 'id'), greatest((select max(id) "
        "from decisions), 1))"
    )


def _in_use(table: str, number: object) -> Refused:
    return Refused(
        f"number {number} of {table} is in use here; restore into an installation without "
        "selections",
        zh=f"本系统 {table} 的编号 {number} 已被占用；请恢复到没有选树数据的系统中。",
    )


async def _insert(connection: AnyConnection, archive: Archive, table: Table, here: _Here) -> int:
    rows = 0
    for row in archive.rows(table.name):
        values = here.values(table, values_of(row, table.types))
        for sealed in SEALED:
            if sealed.table == table.name and values[sealed.column] is not None:
                values[sealed.column] = _NOT_YET
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


async def _seal(
    connection: AnyConnection,
    archive: Archive,
    table: Table,
    here: _Here,
    keys: PersonalKeys,
) -> None:
    """Puts the contents in their places, under the labels that the rows have here."""
    condition = " and ".join(f'row."{key}" = ${at}' for at, key in enumerate(table.key, 1))
    for sealed in (each for each in SEALED if each.table == table.name):
        for row in archive.rows(table.name):
            values = values_of(row, table.types)
            if values[sealed.column] is None:
                continue
            local = here.values(table, values)
            place = [local[key] for key in table.key]
            label = await connection.fetchval(
                f"select {sealed.label} from {table.path} as row where {condition}", *place
            )
            await connection.execute(
                f'update {table.path} as row set "{sealed.column}" = ${len(place) + 1} '
                f"where {condition}",
                *place,
                keys.seal(label, values[sealed.column]),
            )


async def _hash_persons_anew(connection: AnyConnection, slug: str, keys: PersonalKeys) -> None:
    """A person's hash is of the installation's own key; it follows from the ID number again."""
    (sealed,) = (each for each in SEALED if each.table == "recommendations")
    rows = await connection.fetch(
        f"select row.id, row.form, row.person_hash, {sealed.label} as label "
        "from office.recommendations as row join office.selections s on s.id = row.selection_id "
        "where s.slug = $1 and row.person_hash is not null",
        slug,
    )
    for row in rows:
        number = msgspec.json.decode(keys.open(row["label"], row["form"]), type=Form).id_number
        if not number:
            continue
        fresh = keys.person_hash(number)
        for statement in (
            "update office.recommendations set person_hash = $2 where id = $1 "
            "and $3::bytea is not null",
            "update office.submissions set person_hash = $2 where recommendation_id = $1 "
            "and person_hash = $3",
            "update office.earlier_winners set person_hash = $2 where person_hash = $3 "
            "and $1::integer is not null",
        ):
            await connection.execute(statement, row["id"], fresh, row["person_hash"])


async def _advance(connection: AnyConnection, table: Table) -> None:
    """New rows get numbers behind those that came in."""
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
