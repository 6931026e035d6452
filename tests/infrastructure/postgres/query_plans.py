"""How Postgres means to answer a statement."""

from __future__ import annotations

from typing import Any

from voting_service.infrastructure.postgres.pool import Connection


async def plan(database: Connection, statement: str, *arguments: Any) -> str:
    rows = await database.fetch(f"explain (costs off) {statement}", *arguments)
    return "\n".join(row[0] for row in rows)
