"""The office's tables as the database itself describes them, so that no table is forgotten."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from graphlib import TopologicalSorter

from voting_service.storage.postgres import AnyConnection, domain_errors
from voting_service.storage.queries import Queries

QUERIES = Queries(__package__)
SELECTIONS = "selections"
BODIES = "bodies"


@dataclass(frozen=True)
class Table:
    """A table of the schema `office`. `parents` by column, as `schema.table`."""

    name: str
    columns: tuple[str, ...]
    types: Mapping[str, str]
    key: tuple[str, ...]
    parents: Mapping[str, str]

    @property
    def path(self) -> str:
        return f'office."{self.name}"'


async def load_tables(connection: AnyConnection) -> Sequence[Table]:
    """Every table, parents first."""
    with domain_errors():
        columns = await connection.fetch(QUERIES["columns"])
        parents = await connection.fetch(QUERIES["parents"])
    by_table: dict[str, list[tuple[str, str, bool]]] = {}
    for row in columns:
        by_table.setdefault(row["table"], []).append((row["column"], row["type"], row["is_key"]))
    led: dict[str, dict[str, str]] = {name: {} for name in by_table}
    for row in parents:
        led[row["table"]][row["column"]] = row["parent"]
    order = TopologicalSorter(
        {
            name: {parent.removeprefix("office.") for parent in led[name].values()
                   if parent.startswith("office.") and parent != f"office.{name}"}
            for name in sorted(by_table)
        }
    ).static_order()  # fmt: skip
    return [
        Table(
            name,
            tuple(column for column, _, _ in by_table[name]),
            {column: kind for column, kind, _ in by_table[name]},
            tuple(column for column, _, is_key in by_table[name] if is_key),
            led[name],
        )
        for name in order
    ]


def belonging(tables: Sequence[Table]) -> Mapping[str, str]:
    """For every table that a selection owns rows of, the condition that picks them; `$1` is the
    selection's id. Bodies and their officers belong to no selection, and invitations are nobody's
    once they were used."""
    conditions = {SELECTIONS: "id = $1"}
    known = {table.name: table for table in tables}
    for table in tables:
        if "public.invitations" in table.parents.values():
            continue
        for column, parent in table.parents.items():
            owner = parent.removeprefix("office.")
            if parent.startswith("office.") and owner in conditions and owner != table.name:
                key = known[owner].key[0]
                conditions[table.name] = (
                    f'"{column}" in (select "{key}" from office."{owner}" '
                    f"where {conditions[owner]})"
                )
                break
    return conditions


@asynccontextmanager
async def without_guards(connection: AnyConnection, tables: Sequence[Table]) -> AsyncIterator[None]:
    """A transaction in which the tables' own triggers rest; only their owner can open it. What
    refers to a row is still checked."""
    with domain_errors():
        async with connection.transaction():
            for table in tables:
                await connection.execute(f"alter table {table.path} disable trigger user")
            yield
            for table in tables:
                await connection.execute(f"alter table {table.path} enable trigger user")
