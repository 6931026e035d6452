"""The nomination's tables as the database describes them, so that no table is forgotten."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from graphlib import TopologicalSorter

from voting_service.infrastructure.postgres.named_queries import Queries
from voting_service.infrastructure.postgres.pool import AnyConnection, domain_errors

QUERIES = Queries(__package__)
SELECTIONS = "selections"
BODIES = "bodies"


@dataclass(frozen=True)
class DatabaseTable:
    """A table of the schema `nomination`; `parents` are the tables that columns refer to, as
    `schema.table`."""

    name: str
    columns: tuple[str, ...]
    types: Mapping[str, str]
    key: tuple[str, ...]
    parents: Mapping[str, str]

    @property
    def path(self) -> str:
        """The quoted name with its schema."""
        return f'nomination."{self.name}"'


async def load_tables(connection: AnyConnection) -> Sequence[DatabaseTable]:
    """Load every table, parents first."""
    with domain_errors():
        columns = await connection.fetch(QUERIES["columns"])
        parents = await connection.fetch(QUERIES["parents"])
    by_table: dict[str, list[tuple[str, str, bool]]] = {}
    for row in columns:
        by_table.setdefault(row["table"], []).append((row["column"], row["type"], row["is_key"]))
    parents_by_table: dict[str, dict[str, str]] = {name: {} for name in by_table}
    for row in parents:
        parents_by_table[row["table"]][row["column"]] = row["parent"]
    references = {
        name: {
            parent.removeprefix("nomination.")
            for parent in parents_by_table[name].values()
            if parent.startswith("nomination.") and parent != f"nomination.{name}"
        }
        for name in sorted(by_table)
    }
    return [
        DatabaseTable(
            name,
            tuple(column for column, _, _ in by_table[name]),
            {column: kind for column, kind, _ in by_table[name]},
            tuple(column for column, _, is_key in by_table[name] if is_key),
            parents_by_table[name],
        )
        for name in TopologicalSorter(references).static_order()
    ]


def owned_rows(tables: Sequence[DatabaseTable]) -> Mapping[str, str]:
    """Return the SQL condition for the rows of a selection, by table; `$1` is the selection's id.
    Bodies, their officers and invitations belong to no selection."""
    conditions = {SELECTIONS: "id = $1"}
    by_name = {table.name: table for table in tables}
    for table in tables:
        if "public.invitations" in table.parents.values():
            continue
        for column, parent in table.parents.items():
            owner = parent.removeprefix("nomination.")
            if parent.startswith("nomination.") and owner in conditions and owner != table.name:
                key = by_name[owner].key[0]
                conditions[table.name] = (
                    f'"{column}" in (select "{key}" from nomination."{owner}" '
                    f"where {conditions[owner]})"
                )
                break
    return conditions


@asynccontextmanager
async def disabled_triggers(
    connection: AnyConnection, tables: Sequence[DatabaseTable]
) -> AsyncIterator[None]:
    """Open a transaction with the tables' own triggers disabled, which only their owner can do.
    Foreign keys are still checked."""
    with domain_errors():
        async with connection.transaction():
            for table in tables:
                await connection.execute(f"alter table {table.path} disable trigger user")
            yield
            for table in tables:
                await connection.execute(f"alter table {table.path} enable trigger user")
